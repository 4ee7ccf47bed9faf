//! Healthy paths, odd ones among them: none is blamed.

mod files;
mod four;
mod home;
mod names;
mod three;
mod upstreams;
