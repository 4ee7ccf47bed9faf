//! The program that a kubeconfig may name to get credentials from (`users[].user.exec`): it is run as kubectl runs it, but not for
//! ever, and nothing that it was given or printed is shown.

use std::thread;
use std::time::Duration;

use kube::Config;
use kube::client::AuthError;
use tokio::sync::oneshot;

use super::transport::{self, Link};
use crate::error::{CommandError, Result};

/// A client for `config`, whose credential plugin may take as long as `patience`: it may wait for a person at a browser.
///
/// # Errors
/// What is wrong with the certificates, keys and plugin that the kubeconfig names.
pub(super) async fn client(config: Config, link: Link, patience: Duration) -> Result<kube::Client> {
    let server = config.cluster_url.to_string();
    let plugin = config.auth_info.exec.as_ref().map(|exec| exec.command.clone().unwrap_or_default());
    let made = if let Some(plugin) = &plugin {
        let (tell, told) = oneshot::channel();
        let runtime = tokio::runtime::Handle::current();
        // A thread of its own: the runtime would wait for one of its threads before it ends.
        thread::spawn(move || {
            let _inside = runtime.enter();
            drop(tell.send(transport::client(config, link)));
        });
        match tokio::time::timeout(patience, told).await {
            Ok(Ok(made)) => made,
            Ok(Err(_)) | Err(_) => return Err(hangs(&server, plugin, patience)),
        }
    } else {
        transport::client(config, link)
    };
    made.map_err(|error| unusable(&server, plugin.as_deref(), &error))
}

/// What became of getting credentials, without what a plugin was given or printed.
pub(super) fn words(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(why) => format!("the credential plugin cannot be run: {why}"),
        AuthError::AuthExecRun { out, .. } => format!("the credential plugin failed with {}", out.status),
        AuthError::AuthExecParse(_) | AuthError::ExecPluginFailed => {
            "what the credential plugin printed is no credential".to_owned()
        }
        other => other.to_string(),
    }
}

fn unusable(server: &str, plugin: Option<&str>, error: &kube::Error) -> CommandError {
    match (plugin, error) {
        (Some(plugin), kube::Error::Auth(auth)) => {
            CommandError::new(format!("cannot use the kubeconfig for {server}: {} (`{plugin}`)", words(auth)))
                .hint("run any kubectl command with the same kubeconfig: it shows what the plugin says")
        }
        (_, error) => CommandError::new(format!("cannot use the kubeconfig for {server}: {error}"))
            .hint("check the certificates and keys that the kubeconfig names"),
    }
}

fn hangs(server: &str, plugin: &str, patience: Duration) -> CommandError {
    CommandError::new(format!(
        "cannot use the kubeconfig for {server}: its credential plugin `{plugin}` gave none within {} s",
        patience.as_secs()
    ))
    .hint("run any kubectl command with the same kubeconfig: it shows what the plugin waits for")
    .hint("give it longer with --timeout")
}
