//! The main job on a real cluster, as a user runs it.

pub(crate) mod apply;
mod broken;
mod clients;
mod downgrade;
mod emulators;
mod init;
mod life;
mod old;
mod pod;
mod projects;
mod refused;
mod stuck;
mod tenants;
mod trust;
