//! Everything that a user says about an environment, by flags or by a file.

use clap::CommandFactory as _;
use serde_json::Value;

use crate::cli::{self, Cli};
use crate::environment::{EnvName, Environment, Place, Tenure};
use crate::fuzz::Reader;
use crate::level::Level;
use crate::manifest::Kind;
use crate::render;
use crate::settings::Choices;

/// One `SETTING=VALUE` per line.
pub(super) const CHOICES: Reader = Reader {
    name: "settings of an environment",
    seeds: choices,
    words: &[
        "\nscc=none",
        "existing:restricted",
        "\nservices=s3,sqs",
        "@sha256:",
        "docker.io/",
        "10Gi",
        "\n  privileged: true",
        "{{",
        "}}",
        "- ",
        ": ",
        "&a ",
        "*a",
        "!!binary ",
        "---\n",
        "\u{430}",
        "edge-only",
        "4h",
    ],
    read: render_what_is_accepted,
    every: 4,
};

/// What `-f` names.
pub(super) const FILE: Reader = Reader {
    name: "a file of settings",
    seeds: files,
    words: &["&a", "*a", "[*a,*a,*a,*a]", "!!int ", "? ", "| ", "<<: ", "env: ", "true", "1e999", "- "],
    read: |bytes| cli::file::parse(&String::from_utf8_lossy(bytes), &Cli::command()).is_ok(),
    every: 4,
};

fn choices() -> Vec<Vec<u8>> {
    [
        "env=team1",
        "env=team-1\nemulator=moto\nservices=sqs,s3\nscc=none\ntls=none\naccount=000000000001\nregion=eu-west-1",
        "env=a\nimage=registry.example.com:5000/team/localstack:4@sha256:\
         e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\npersistence=1Gi\nttl=4h",
        "env=b\nnamespace=shop-tests\nscc=existing:nonroot\napps_domain=apps.example.com\ntls=edge-only",
        "env=c\nemulator=localstack-legacy",
        "env=d\nowner=group:team-a\nallow_from=10.0.0.0/8,2001:db8::/32,192.0.2.7\nroute_labels=type=internal,a.b/c=",
        "env=e\nemulator=localstack-pro\nauth_token=secret:licence/token\npull_secrets=hub,spare\nimage_registry=m.io/hub\n\
         allowed_registries=m.io,docker.io/localstack",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

fn files() -> Vec<Vec<u8>> {
    [
        "env: team1\nemulator: moto\nservices: [sqs, s3]\n",
        "# of CI\nenv:\n  - team1\n  - team2\nttl: 4h\nno-smoke: true\naccount: '000000000001'\n",
        "{env: a, tls: none, timeout: 90s}",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into()
}

/// Whatever is accepted renders to objects of the environment's own, in its own namespace, without a field that no template has.
fn render_what_is_accepted(bytes: &[u8]) -> bool {
    let Some(environment) = environment(&String::from_utf8_lossy(bytes)) else { return false };
    let set = render::render(&environment).unwrap();
    for manifest in &set.manifests {
        let (object, id) = (&manifest.object, &manifest.id);
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        assert_eq!(text("/metadata/labels/app.kubernetes.io~1instance"), Some(environment.name.as_str()), "{id}");
        let home = id.kind.is_namespaced().then_some(environment.namespace.as_str());
        assert_eq!(text("/metadata/namespace"), home, "{id}");
        let fields = object.as_object().unwrap().keys();
        assert!(fields.clone().all(|field| is_known(id.kind, field)), "{id}: {fields:?}");
    }
    let pod = set.find(Kind::Deployment).unwrap().object.pointer("/spec/template/spec").unwrap();
    assert_eq!(pod["containers"].as_array().unwrap().len(), 1);
    for host in ["hostNetwork", "hostPID", "hostIPC", "nodeName"] {
        assert!(pod.get(host).is_none(), "{host}");
    }
    let rights = &pod["containers"][0]["securityContext"];
    assert_ne!(rights["privileged"], true);
    assert_eq!(rights["allowPrivilegeEscalation"], false);
    let yaml = render::to_yaml(&set).unwrap();
    assert_eq!(yaml.lines().filter(|line| *line == "---").count(), set.manifests.len());
    true
}

fn environment(text: &str) -> Option<Environment> {
    let mut choices = Choices::default();
    let (mut env, mut namespace) = (None, None);
    for line in text.split('\n').filter(|line| !line.is_empty()) {
        let (setting, value) = line.split_once('=')?;
        let value = Some(value.to_owned());
        match setting {
            "env" => env = value,
            "namespace" => namespace = value,
            "emulator" => choices.emulator = value,
            "image" => choices.image = value,
            "services" => choices.services = value.as_deref().map(words),
            "scc" => choices.scc = value,
            "apps_domain" => choices.apps_domain = value,
            "tls" => choices.tls = value,
            "persistence" => choices.persistence = value,
            "ttl" => choices.ttl = value,
            "account" => choices.account = value,
            "region" => choices.region = value,
            "owner" => choices.owner = value,
            "allow_from" => choices.allow_from = value.as_deref().map(words),
            "route_labels" => choices.route_labels = value.as_deref().map(words),
            "image_registry" => choices.image_registry = value,
            "allowed_registries" => choices.allowed_registries = value.as_deref().map(words),
            "pull_secrets" => choices.pull_secrets = value.as_deref().map(words),
            "auth_token" => choices.auth_token = value,
            _ => return None,
        }
    }
    let name = EnvName::parse(&env?).ok()?;
    let cluster_domain = Some("apps.example.com".to_owned());
    let place = Place { namespace, tenure: Tenure::Own, cluster_domain, has_sccs: true, level: Level::NEWEST };
    Environment::validate(&name, choices, place).ok()
}

fn words(list: &str) -> Vec<String> {
    list.split(',').map(str::to_owned).collect()
}

fn is_known(kind: Kind, field: &str) -> bool {
    let own: &[&str] = match kind {
        Kind::Role => &["rules"],
        Kind::RoleBinding => &["roleRef", "subjects"],
        Kind::ConfigMap => &["data"],
        Kind::ServiceAccount => &["automountServiceAccountToken", "imagePullSecrets"],
        // Its fields are checked one by one: see `scc::check_own_object`.
        Kind::SecurityContextConstraints => return true,
        _ => &["spec"],
    };
    ["apiVersion", "kind", "metadata"].contains(&field) || own.contains(&field)
}
