//! The main job on a real cluster, as a user runs it.

pub(crate) mod apply;
mod broken;
mod clients;
mod emulators;
mod finalizers;
mod gc;
mod init;
mod life;
mod orphans;
mod pod;
mod projects;
mod refused;
mod stuck;
mod tenants;
mod trust;
