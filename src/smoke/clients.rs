//! The one place that settles how SDK clients work. Reads no environment: no credential chain, profile or metadata service.

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_async::{rt::sleep::TokioSleep, time::SystemTimeSource};
use aws_smithy_runtime_api::client::{
    behavior_version::BehaviorVersion, stalled_stream_protection::StalledStreamProtectionConfig,
};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{SdkConfig, region::Region};

use super::{
    connector::Connector,
    options::{Options, access_key},
};

/// Settings for a client that sends everything to `url`, so that the SDK never looks for an endpoint of AWS.
pub(super) fn settings(url: &str, options: &Options, connector: Connector) -> SdkConfig {
    // Options were validated before the first check, so the key is one that may be used.
    let key = access_key(options.account.as_deref()).unwrap_or("test");
    let credentials = Credentials::from_keys(key, "test", None);
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(url)
        .region(Region::new(options.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(connector)
        // Retries and time-outs are the connector's: see `Connector::send`.
        .retry_config(RetryConfig::disabled())
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        // Else the SDK would sign with the emulator's clock, and a wrong one would not show.
        .disable_clock_skew_correction(true)
        .sleep_impl(TokioSleep::new())
        .time_source(SystemTimeSource::new())
        .build()
}
