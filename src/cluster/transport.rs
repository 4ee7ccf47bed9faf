//! The HTTP client below the Kubernetes client: kube's own layers over a connector that sends small packets at once. With
//! kube's default connector every new connection loses 40 ms to Nagle's algorithm and delayed acknowledgements.

use std::time::Duration;

use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::Config;
use kube::client::ConfigExt as _;
use kube::client::retry::RetryPolicy;
use tower::retry::RetryLayer;
use tower::{BoxError, ServiceBuilder};

/// A client for `config`.
pub(super) fn client(config: Config) -> Result<kube::Client, kube::Error> {
    // Proxies are kube's business: it says which of them it can use.
    if config.proxy_url.is_some() {
        return kube::Client::try_from(config);
    }
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(config.connect_timeout);
    let http = Client::builder(TokioExecutor::new()).build(config.rustls_https_connector_with_connector(connector)?);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(retry().map(RetryLayer::new))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http);
    Ok(kube::Client::new(service, config.default_namespace))
}

/// 429, 503 and 504 are tried again, after what the server asks for; kube's default would go on for hours.
fn retry() -> Option<RetryPolicy> {
    RetryPolicy::new(Duration::from_millis(100), Duration::from_secs(5), 5, true).ok()
}
