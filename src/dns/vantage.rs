//! Sessions with probes: here, behind a command's prefix, or over any pair of streams.
