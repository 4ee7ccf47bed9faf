//! How the caller says to get to a cluster.

use crate::cluster::kubeconfig;
use crate::fuzz::Reader;

/// What `--kubeconfig` names.
pub(super) const KUBECONFIG: Reader = Reader {
    name: "a kubeconfig",
    seeds: || {
        let plain = "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
            clusters: [{name: c, cluster: {server: 'https://api.example.com:6443', certificate-authority-data: YQ==}}]\n\
            users: [{name: u, user: {token: secret}}]\n\
            contexts: [{name: a, context: {cluster: c, user: u, namespace: n}}]\n";
        let plugin = "{apiVersion: v1, kind: Config, current-context: a, clusters: [{name: c, cluster: {server: 'http://[::1]:1', \
            proxy-url: 'http://proxy:3128', insecure-skip-tls-verify: true}}], contexts: [{name: a, context: {cluster: c, \
            user: u}}], users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: get-token, \
            interactiveMode: Never}}}]}";
        [plain, plugin].map(|text| text.as_bytes().to_vec()).into()
    },
    words: &[
        "http://",
        "https://",
        "[::1]",
        "&a ",
        "*a",
        "!!binary ",
        "---\n",
        "null",
        "{}",
        "[]",
        "exec: ",
        "token: ",
        "tokenFile: ",
        "auth-provider: ",
        "client-certificate-data: ",
        "client-key-data: ",
        "tls-server-name: ",
    ],
    read: |bytes| kubeconfig::is_usable(&String::from_utf8_lossy(bytes)),
    every: 4,
};
