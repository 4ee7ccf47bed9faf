//! Checks of every emulated service, each through its own endpoint.
