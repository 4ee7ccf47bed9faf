//! Every failure mode of DNS, reproduced with real resolvers, and healthy paths that merely look odd.
//!
//! `docs/add-a-dns-mode.md` says how a scenario is written. Needs root, for network namespaces.

// The attribute tells clippy that helpers are tests too.
#[cfg(test)]
mod bench;
#[cfg(test)]
mod from_the_pod;
#[cfg(test)]
mod ground;
#[cfg(test)]
mod harness;
#[cfg(test)]
mod healthy;
#[cfg(test)]
mod hops;
#[cfg(test)]
mod modes;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod search;
#[cfg(test)]
mod table;
#[cfg(test)]
mod together;
#[cfg(test)]
mod world;
