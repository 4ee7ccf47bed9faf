//! A CoreDNS `Corefile`. Text in, server blocks out. Pure.
