//! Reads the kubeconfig, and says what is unsafe about it before anything is sent. Reads files.

use http::Uri;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig, KubeconfigError};

use super::ClientArgs;
use crate::error::{CommandError, Result};
use crate::smoke::Proxies;

/// How the caller gets to the server.
pub(super) struct Login {
    pub(super) config: kube::Config,
    /// The context; none in a pod.
    pub(super) context: Option<String>,
    pub(super) warnings: Vec<String>,
    /// The program that is run for credentials.
    pub(super) plugin: Option<String>,
}

/// Reads what the arguments name.
///
/// # Errors
/// It cannot be read, or would send credentials in the clear.
pub(super) async fn read(args: &ClientArgs) -> Result<Login> {
    let options = KubeConfigOptions { context: args.context.clone(), ..KubeConfigOptions::default() };
    let kubeconfig = match &args.kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    };
    let (config, context) = match kubeconfig {
        Ok(kubeconfig) => {
            let context = args.context.clone().or_else(|| kubeconfig.current_context.clone());
            let names_proxy = names_proxy(&kubeconfig, context.as_deref());
            let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await;
            let mut config = config.map_err(|error| unusable(&error))?;
            go_directly(&mut config, names_proxy, &args.proxies)?;
            (config, context)
        }
        Err(error @ (KubeconfigError::ReadConfig(..) | KubeconfigError::FindPath)) if args.kubeconfig.is_none() => {
            // A job inside the cluster has no kubeconfig but a ServiceAccount. Where a cluster is named, that one is meant.
            let in_cluster = (!args.names_one()).then(|| kube::Config::incluster().ok()).flatten();
            (in_cluster.ok_or_else(|| missing(&error, args))?, None)
        }
        Err(error) => return Err(unusable(&error)),
    };
    refuse_in_the_clear(&config.cluster_url, &config.auth_info)?;
    let plugin = config.auth_info.exec.as_ref().and_then(|exec| exec.command.clone());
    Ok(Login { warnings: warnings(&config), config, context, plugin })
}

/// Whoever is on the way could read the credentials and use them.
fn refuse_in_the_clear(server: &Uri, login: &AuthInfo) -> Result<()> {
    let has_credentials = login.token.is_some()
        || login.token_file.is_some()
        || login.password.is_some()
        || login.exec.is_some()
        || login.auth_provider.is_some();
    if server.scheme_str() != Some("http") || !has_credentials || is_this_machine(server.host().unwrap_or_default()) {
        return Ok(());
    }
    Err(CommandError::new(format!("the kubeconfig would send credentials to {server} in the clear"))
        .hint("name the server as https://... in the kubeconfig, with its certificate-authority")
        .hint("and have those credentials replaced if they were ever used there: others may have read them"))
}

/// Whether the context's cluster is to be reached through a proxy.
fn names_proxy(kubeconfig: &Kubeconfig, context: Option<&str>) -> bool {
    let context = kubeconfig.contexts.iter().find(|named| Some(named.name.as_str()) == context);
    let cluster = context.and_then(|named| named.context.as_ref()).map(|context| context.cluster.as_str());
    let cluster = kubeconfig.clusters.iter().find(|named| Some(named.name.as_str()) == cluster);
    let proxy = cluster.and_then(|named| named.cluster.as_ref()?.proxy_url.as_ref());
    proxy.is_some_and(|url| !url.is_empty())
}

/// lsdeploy goes to API servers directly. Which of them the variables mean is decided as everywhere else: `NO_PROXY` counts.
fn go_directly(config: &mut kube::Config, is_named: bool, proxies: &Proxies) -> Result<()> {
    if config.proxy_url.take().is_none() {
        return Ok(());
    }
    let server = &config.cluster_url;
    let (https, host) = (server.scheme_str() != Some("http"), server.host().unwrap_or_default());
    let variable = proxies.variable_for(https, host, server.port_u16().unwrap_or(if https { 443 } else { 80 }));
    let (proxy, way_out) = match (is_named, variable) {
        (true, _) => ("the proxy-url of the kubeconfig", "take it out of the kubeconfig".to_owned()),
        (false, Some(variable)) => (variable, format!("`unset {variable}`, or add {host} to NO_PROXY")),
        (false, None) => return Ok(()),
    };
    Err(CommandError::new(format!(
        "cannot reach {server} through a proxy, as {proxy} says: lsdeploy goes to API servers directly only"
    ))
    .hint(format!("where the server can be reached without one: {way_out}"))
    .hint("else run lsdeploy where it can be, e.g. on a bastion host or as a job of the cluster"))
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn warnings(config: &kube::Config) -> Vec<String> {
    let unchecked = config.accept_invalid_certs.then(|| {
        format!(
            "the kubeconfig says insecure-skip-tls-verify: whoever answers for {} is believed, and gets your credentials; \
             name the server's certificate-authority instead",
            config.cluster_url
        )
    });
    unchecked.into_iter().collect()
}

/// There is none, or the variable names one that cannot be read.
fn missing(error: &KubeconfigError, args: &ClientArgs) -> CommandError {
    let error = match (error, &args.context) {
        (KubeconfigError::ReadConfig(why, path), _) if args.has_variable => {
            CommandError::new(format!("cannot read {}, which $KUBECONFIG names: {why}", path.display()))
                .hint("unset KUBECONFIG or correct it, or name a file with --kubeconfig")
        }
        (_, Some(context)) => {
            CommandError::new(format!("there is no kubeconfig in which to look for the context `{context}`"))
                .hint("name a file with --kubeconfig; in a pod, leave --context out to use its ServiceAccount")
        }
        _ => CommandError::new("there is no kubeconfig: neither --kubeconfig, nor $KUBECONFIG, nor ~/.kube/config")
            .hint("log in first (`oc login`), or name a file with --kubeconfig"),
    };
    error.hint("without any cluster: `--target local` keeps environments on this machine")
}

fn unusable(error: &KubeconfigError) -> CommandError {
    if let KubeconfigError::ReadConfig(why, path) = error {
        return CommandError::new(format!("cannot read --kubeconfig {}: {why}", path.display()))
            .hint("name an existing file with --kubeconfig");
    }
    let hint = match error {
        KubeconfigError::CurrentContextNotSet | KubeconfigError::LoadContext(_) => {
            "name a context of the file with --context; `kubectl config get-contexts` lists them"
        }
        _ => "`kubectl config view` shows what the file says",
    };
    let why = match error {
        KubeconfigError::LoadContext(context) => format!("it has no context `{}`", context.escape_default()),
        other => other.to_string(),
    };
    CommandError::new(format!("cannot use the kubeconfig: {why}")).hint(hint)
}

/// What [`read`] does with the text of a file.
#[cfg(test)]
pub(crate) fn is_usable(text: &str) -> bool {
    let Ok(kubeconfig) = Kubeconfig::from_yaml(text) else { return false };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let read = runtime.block_on(kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()));
    read.is_ok_and(|config| {
        let _ = warnings(&config);
        refuse_in_the_clear(&config.cluster_url, &config.auth_info).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(server: &str, token: bool, refused: bool) {
        let token = if token { serde_json::json!({"token": "secret"}) } else { serde_json::json!({}) };
        let login: AuthInfo = serde_json::from_value(token).unwrap();
        assert_eq!(refuse_in_the_clear(&server.parse().unwrap(), &login).is_err(), refused, "{server}");
    }

    #[test]
    fn credentials_are_not_sent_in_the_clear_but_to_this_machine() {
        check("http://api.example.com:6443", true, true);
        check("http://10.0.0.1", true, true);
        check("http://localhost.example.com", true, true);
        check("http://api.example.com:6443", false, false);
        check("https://api.example.com:6443", true, false);
        check("http://127.0.0.1:8001", true, false);
        check("http://[::1]:8001", true, false);
        check("http://localhost:8001", true, false);
    }

    #[test]
    fn a_pods_own_account_is_not_used_where_a_cluster_is_named() {
        let none = ClientArgs::default();
        assert!(!none.names_one());
        assert!(ClientArgs { context: Some("prod".into()), ..none.clone() }.names_one());
        assert!(ClientArgs { has_variable: true, ..none.clone() }.names_one());
        let error = missing(&KubeconfigError::FindPath, &ClientArgs { context: Some("prod".into()), ..none });
        assert!(error.message.contains("the context `prod`"), "{error}");
    }

    #[test]
    fn a_proxy_on_the_way_to_the_server_is_told_and_exceptions_hold() {
        let reach = |variables: &[(&str, &str)], is_named: bool| {
            let mut config = kube::Config::new("https://api.example.com:6443".parse().unwrap());
            config.proxy_url = Some("http://user:secret@proxy:3128".parse().unwrap());
            let value = |name: &str| Some(variables.iter().find(|(set, _)| *set == name)?.1.to_owned());
            let told = go_directly(&mut config, is_named, &Proxies::from_variables(value));
            assert!(config.proxy_url.is_none());
            told.err().map(|error| format!("{error:?}"))
        };
        let https = ("HTTPS_PROXY", "http://user:secret@proxy:3128");
        let told = reach(&[https], false).unwrap();
        assert!(told.contains("unset HTTPS_PROXY") && !told.contains("secret"), "{told}");
        assert_eq!(reach(&[https, ("NO_PROXY", ".example.com")], false), None);
        let named = reach(&[("NO_PROXY", ".example.com")], true).unwrap();
        assert!(named.contains("the proxy-url of the kubeconfig"), "{named}");
    }

    #[test]
    fn an_unchecked_server_is_warned_of() {
        let mut config = kube::Config::new("https://api:6443".parse().unwrap());
        assert_eq!(warnings(&config), [""; 0]);
        config.accept_invalid_certs = true;
        assert!(warnings(&config)[0].contains("insecure-skip-tls-verify"));
    }
}
