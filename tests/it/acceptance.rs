//! The main job on a real cluster, as a user runs it.

pub(crate) mod apply;
mod broken;
mod bundle;
mod clients;
mod emulators;
mod images;
mod init;
mod life;
mod old;
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
