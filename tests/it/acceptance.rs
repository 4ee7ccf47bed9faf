//! The main job on a real cluster, as a user runs it.

pub(crate) mod apply;
mod broken;
mod bundle;
mod clients;
mod emulators;
mod init;
mod life;
mod plain;
mod pod;
mod projects;
mod refused;
mod rights;
mod stuck;
mod tenants;
mod trust;
