//! Everything between the tool and the API server that can break: a proxy in between counts requests and cuts, delays or
//! answers the one that is to fail.

pub(crate) mod proxy;

mod answers;
mod disk;
mod killed;
mod kinds;
mod lock;
mod signals;
