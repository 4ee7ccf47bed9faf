//! Every integration test, in one program.

mod oracle;
mod smoke;
mod tidy;
