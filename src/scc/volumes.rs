//! The kinds of volumes a pod may have.

use serde_json::Value;

use super::Release;
use super::messages::{FieldError, Path, quote};
use super::pod;
use super::provider::Provider;
use super::types::items;

/// The field of each kind in a pod's volume, and the kind's name in an SCC, in the order the server looks for them.
const KINDS: [(&str, &str); 30] = [
    ("hostPath", "hostPath"),
    ("emptyDir", "emptyDir"),
    ("gcePersistentDisk", "gcePersistentDisk"),
    ("awsElasticBlockStore", "awsElasticBlockStore"),
    ("gitRepo", "gitRepo"),
    ("secret", "secret"),
    ("nfs", "nfs"),
    ("iscsi", "iscsi"),
    ("glusterfs", "glusterfs"),
    ("persistentVolumeClaim", "persistentVolumeClaim"),
    ("rbd", "rbd"),
    ("flexVolume", "flexVolume"),
    ("cinder", "cinder"),
    ("cephfs", "cephFS"),
    ("flocker", "flocker"),
    ("downwardAPI", "downwardAPI"),
    ("fc", "fc"),
    ("azureFile", "azureFile"),
    ("configMap", "configMap"),
    ("vsphereVolume", "vsphere"),
    ("quobyte", "quobyte"),
    ("azureDisk", "azureDisk"),
    ("photonPersistentDisk", "photonPersistentDisk"),
    ("projected", "projected"),
    ("portworxVolume", "portworxVolume"),
    ("scaleIO", "scaleIO"),
    ("storageos", "storageOS"),
    ("csi", "csi"),
    ("ephemeral", "ephemeral"),
    ("image", "image"),
];

/// Every kind of volume an SCC can name, unsorted; `image` came with 4.18.
pub(crate) fn kinds(release: Release) -> impl Iterator<Item = &'static str> {
    KINDS
        .into_iter()
        .map(|(_, kind)| kind)
        .filter(move |kind| *kind != "image" || release >= Release::v4(18))
}

/// Checks the kind of every volume, then the drivers of flex volumes.
pub(crate) fn check(provider: &Provider<'_>, pod: &Value, path: &Path) -> Vec<FieldError> {
    let volumes = pod::array(&pod["spec"]["volumes"]);
    let allowed = provider.scc.volumes();
    let allows = |kind: &str| allowed.iter().any(|one| one == kind);
    let mut errors = Vec::new();
    if !allows("*") {
        for (index, volume) in volumes.iter().enumerate() {
            let kind = kind(volume);
            let token = kind == "projected" && allows("secret") && holds_only_the_token(&volume["projected"]);
            if !allows(kind) && !token {
                let detail = format!("{kind} volumes are not allowed to be used");
                errors.push(FieldError::invalid(
                    Path::new("spec.volumes").index(index),
                    quote(kind),
                    detail,
                ));
            }
        }
    }
    if allows("*") || allows("flexVolume") {
        errors.extend(check_drivers(provider, volumes, path));
    }
    errors
}

/// A volume without any source is an `emptyDir`: so the API server fills it in.
fn kind(volume: &Value) -> &'static str {
    KINDS
        .iter()
        .find(|(field, _)| !volume[*field].is_null())
        .map_or("emptyDir", |(_, kind)| kind)
}

fn check_drivers(provider: &Provider<'_>, volumes: &[Value], path: &Path) -> Vec<FieldError> {
    let allowed = items(provider.scc.allowed_flex_volumes.as_ref());
    let refused = |volume: &Value| {
        let flex = &volume["flexVolume"];
        let driver = pod::text(&flex["driver"]);
        !flex.is_null() && !allowed.is_empty() && !allowed.iter().any(|one| one.driver == driver)
    };
    let error = |(index, volume): (usize, &Value)| {
        let path = path.child("volumes").index(index).child("driver");
        let driver = quote(pod::text(&volume["flexVolume"]["driver"]));
        FieldError::invalid(path, driver, "Flexvolume driver is not allowed to be used")
    };
    volumes
        .iter()
        .enumerate()
        .filter(|(_, volume)| refused(volume))
        .map(error)
        .collect()
}

/// Whether a projected volume holds nothing but what the server injects for a service account: its token, the two
/// bundles of certificates and the namespace's name. Such a volume passes for a secret.
fn holds_only_the_token(projected: &Value) -> bool {
    pod::array(&projected["sources"]).iter().all(is_token_source)
}

fn is_token_source(source: &Value) -> bool {
    let (token, map, downward) = (
        &source["serviceAccountToken"],
        &source["configMap"],
        &source["downwardAPI"],
    );
    let some = !token.is_null() || !map.is_null() || !downward.is_null();
    let token_fits =
        token.is_null() || (pod::text(&token["path"]) == "token" && pod::text(&token["audience"]).is_empty());
    let downward_fits = pod::array(&downward["items"]).iter().all(is_namespace_name);
    some && token_fits && (map.is_null() || is_bundle(map)) && downward_fits
}

fn is_bundle(map: &Value) -> bool {
    let file = match pod::text(&map["name"]) {
        "kube-root-ca.crt" => "ca.crt",
        "openshift-service-ca.crt" => "service-ca.crt",
        _ => return false,
    };
    matches!(pod::array(&map["items"]), [item] if pod::text(&item["key"]) == file && pod::text(&item["path"]) == file)
}

/// An absent `apiVersion` is `v1`: so the API server fills it in.
fn is_namespace_name(item: &Value) -> bool {
    let field = &item["fieldRef"];
    pod::text(&item["path"]) == "namespace"
        && matches!(field["apiVersion"].as_str(), None | Some("v1"))
        && pod::text(&field["fieldPath"]) == "metadata.namespace"
}
