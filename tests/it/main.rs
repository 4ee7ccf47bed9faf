//! Every integration test, in one program.

mod acceptance;
mod lab;
mod oracle;
mod smoke;
mod tidy;
#[cfg(test)]
mod wait;
