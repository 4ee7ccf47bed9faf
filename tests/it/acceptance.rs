//! The main job on a real cluster, as a user runs it.

pub(crate) mod apply;
mod broken;
mod bundle;
mod claims;
mod clients;
mod downgrade;
mod emulators;
mod finalizers;
mod gc;
mod images;
mod init;
mod life;
mod old;
mod orphans;
mod plain;
mod pod;
mod projects;
mod refused;
mod rights;
mod secrets;
mod stuck;
mod tenancy;
mod tenants;
mod trust;
