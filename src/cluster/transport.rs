//! The HTTP client below the Kubernetes client: kube's own layers over a connector that sends small packets at once. With
//! kube's default connector every new connection loses 40 ms to Nagle's algorithm and delayed acknowledgements. What fails is
//! sent again by `patient`; writes go through a `gate`, which a signal closes.

mod gate;
mod patient;

use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::Config;
use kube::client::ConfigExt as _;
use tower::{BoxError, ServiceBuilder};

pub use gate::Gate;
pub use patient::Link;
use patient::Patient;

/// A client for `config`.
pub(super) fn client(config: Config, link: Link) -> Result<kube::Client, kube::Error> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(config.connect_timeout);
    let http = Client::builder(TokioExecutor::new()).build(config.rustls_https_connector_with_connector(connector)?);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(tower::layer::layer_fn(move |inner| Patient::new(inner, link.clone())))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http);
    Ok(kube::Client::new(service, config.default_namespace))
}
