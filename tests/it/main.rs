//! Every integration test, in one program.

// The attribute tells clippy that helpers are tests too.
#[cfg(test)]
mod acceptance;
#[cfg(test)]
mod dns;
#[cfg(test)]
mod exports;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod local;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod smoke;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod threats;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod wait;
