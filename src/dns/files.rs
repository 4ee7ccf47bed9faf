//! The files that decide where a name is asked for, as data. Text in, values out; pure, and never an error: what cannot be
//! understood is kept as a problem with its line.

pub mod conntrack;
pub mod corefile;
pub mod dnsmasq;
pub mod hosts;
pub mod nsswitch;
pub mod proc;
pub mod resolv;
