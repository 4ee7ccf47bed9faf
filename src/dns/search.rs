//! Which names a C library really asks for: the search lists of glibc and of musl. Pure.
