//! Healthy paths, odd ones among them: none is blamed.

mod files;
mod four;
mod home;
mod missing;
mod names;
mod three;
mod upstreams;
