//! What the kernel says of a place in `/proc/net`: who listens on port 53, which addresses and routes there are. Pure.
