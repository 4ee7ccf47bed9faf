//! Healthy paths, odd ones among them: none is blamed.

mod four;
mod three;
