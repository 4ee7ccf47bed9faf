//! Input and output with the cluster.

pub mod wait;
