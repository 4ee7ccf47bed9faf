//! `dns-debug` on the lab: real objects, a real kubelet, CoreDNS behind a real Service; from workstation, pod and node.

mod handover;
mod harness;
mod input;
mod objects;
mod pods;
mod vantages;
