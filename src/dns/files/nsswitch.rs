//! The `hosts:` line of `nsswitch.conf`. Text in, services and their actions out. Pure.
