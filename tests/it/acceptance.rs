//! The main job on a real cluster, as a user runs it.

pub(crate) mod apply;
mod broken;
mod clients;
mod emulators;
mod images;
mod init;
mod life;
mod old;
mod pod;
mod projects;
mod refused;
mod secrets;
mod stuck;
mod tenancy;
mod tenants;
mod trust;
