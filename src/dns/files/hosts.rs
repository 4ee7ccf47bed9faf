//! `/etc/hosts`. Text in, entries out. Pure.
