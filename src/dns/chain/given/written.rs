//! What a chain file says, before anything of it is checked. Pure data.

use std::net::IpAddr;

use crate::dns::chain::{Kind, PlaceKind, Platform, Role};

/// Line and column, from 1.
pub type Spot = (u64, u64);

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct At<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub at: Spot,
}

/// What a file says.
#[derive(Debug, Clone, Default)]
pub struct Written {
    /// Which generation.
    pub platform: Platform,
    /// The domain of Services.
    pub cluster_domain: String,
    /// The domain of Routes.
    pub apps_domain: Option<String>,
    /// Addresses of the router.
    pub router: Vec<IpAddr>,
    /// Places to ask from.
    pub vantages: Vec<At<WrittenVantage>>,
    /// Resolvers.
    pub hops: Vec<At<WrittenHop>>,
    /// Names and their addresses.
    pub names: Vec<At<WrittenName>>,
}

/// A place to ask from.
#[derive(Debug, Clone)]
pub struct WrittenVantage {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: PlaceKind,
    /// A command to which a command line is added.
    pub exec: Option<String>,
    /// `NAMESPACE/POD` or `NAMESPACE/POD/CONTAINER`.
    pub pod: Option<String>,
    /// The node it is or runs on.
    pub node: Option<String>,
    /// The hops that its `resolv.conf` names, in order.
    pub asks: Vec<At<String>>,
}

/// A resolver.
#[derive(Debug, Clone)]
pub struct WrittenHop {
    /// Its id.
    pub id: String,
    /// What it does.
    pub role: Role,
    /// An address, with or without a port.
    pub address: At<String>,
    /// What runs there.
    pub software: Option<String>,
    /// The node it runs on.
    pub node: Option<String>,
    /// The vantages that can ask it.
    pub asked_from: Option<Vec<At<String>>>,
    /// Whom it asks: zones, hops.
    pub forwards: Vec<(Vec<String>, Vec<At<String>>)>,
}

/// A name.
#[derive(Debug, Clone)]
pub struct WrittenName {
    /// The name.
    pub name: String,
    /// What kind, where the file says it.
    pub kind: Option<Kind>,
    /// The addresses it should have.
    pub expected: Vec<IpAddr>,
}
