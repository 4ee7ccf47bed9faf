//! Where images come from: a mirror in place of their registry, and the registries that are allowed. Pure.

use super::values::{ImageRef, invalid};
use crate::error::{CommandError, Result};

/// What stands for an image that names no registry.
const DEFAULT: &str = "docker.io";
/// Where Docker Hub keeps images of one word.
const LIBRARY: &str = "library";
/// Other names of Docker Hub.
const ALIASES: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];

/// A registry, maybe with the first words of a path: `registry.example.com:5000/team`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registry(Vec<String>);

impl Registry {
    /// Reads `HOST[:PORT][/PATH]`; `flag` is for errors.
    pub fn parse(flag: &str, text: &str) -> Result<Self> {
        let refuse = || invalid(flag, text, "use HOST[:PORT][/PATH], e.g. registry.example.com/mirror");
        let (host, path) = text.split_once('/').map_or((text, None), |(host, path)| (host, Some(path)));
        // Without a dot or a port it would be the first word of a path on Docker Hub.
        if !(host.contains(['.', ':']) || host == "localhost") || host.ends_with('.') {
            return Err(refuse());
        }
        // What is no start of an image's reference is no registry.
        let image = path.map_or_else(|| format!("{host}/x"), |path| format!("{host}/{path}/x"));
        ImageRef::parse(&image).map_err(|_| refuse())?;
        let words = std::iter::once(canonical(host))
            .chain(path.into_iter().flat_map(|path| path.split('/')).map(str::to_owned));
        Ok(Self(words.collect()))
    }

    /// Whether an image is of this registry, below this path.
    pub fn has(&self, image: &ImageRef) -> bool {
        words(image).starts_with(&self.0)
    }

    /// The image with this in place of its registry; one that is here already stays.
    pub fn mirror(&self, image: &ImageRef) -> Result<ImageRef> {
        if self.has(image) {
            return Ok(image.clone());
        }
        let (path, rest) = split(image.as_str());
        let words = words_of(path);
        ImageRef::parse(&format!("{}/{}{rest}", self.0.join("/"), words.get(1..).unwrap_or_default().join("/")))
    }
}

impl std::fmt::Display for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

/// Refuses an image that is of none of the registries; without any, everything is allowed.
pub fn check_allowed(allowed: &[Registry], image: &ImageRef) -> Result<()> {
    if allowed.is_empty() || allowed.iter().any(|registry| registry.has(image)) {
        return Ok(());
    }
    let list: Vec<String> = allowed.iter().map(ToString::to_string).collect();
    let whole = words(image).join("/");
    Err(CommandError::new(format!(
        "the image `{}` is of no allowed registry: it is {whole}, --allowed-registries has {}",
        image.as_str(),
        list.join(", ")
    ))
    .hint("pull it through an allowed one: --image-registry REGISTRY, or --image REGISTRY/PATH:TAG")
    .hint("this is a check of lsdeploy only; a cluster enforces it by image.config.openshift.io/cluster"))
}

/// The registry and the words of the path, all written out.
fn words(image: &ImageRef) -> Vec<String> {
    words_of(split(image.as_str()).0)
}

fn words_of(path: &str) -> Vec<String> {
    let mut words: Vec<String> = path.split('/').map(str::to_owned).collect();
    let names_registry =
        words.len() > 1 && words.first().is_some_and(|first| first.contains(['.', ':']) || first == "localhost");
    if names_registry {
        words[0] = canonical(&words[0]);
    } else {
        words.insert(0, DEFAULT.to_owned());
    }
    if words.len() == 2 && words[0] == DEFAULT {
        words.insert(1, LIBRARY.to_owned());
    }
    words
}

/// A host in the one way in which hosts are compared.
fn canonical(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    if ALIASES.contains(&host.as_str()) { DEFAULT.to_owned() } else { host }
}

/// Name, and tag and digest with their signs.
fn split(text: &str) -> (&str, &str) {
    let end = text.find('@').unwrap_or(text.len());
    let last = text[..end].rfind('/').map_or(0, |slash| slash + 1);
    text.split_at(text[last..end].find(':').map_or(end, |colon| last + colon))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> ImageRef {
        ImageRef::parse(text).unwrap()
    }

    fn registry(text: &str) -> Registry {
        Registry::parse("--allowed-registries", text).unwrap()
    }

    #[test]
    fn an_image_is_of_a_registry_by_whole_words() {
        for (list, name, is_allowed) in [
            ("registry.acme.com", "registry.acme.com/team/moto:1", true),
            ("registry.acme.com", "registry.acme.com.evil.io/team/moto:1", false),
            ("registry.acme.com", "registry.acme.com:5000/team/moto:1", false),
            ("registry.acme.com", "evil.io/registry.acme.com/moto:1", false),
            ("registry.acme.com/team", "registry.acme.com/teamster/moto:1", false),
            ("registry.acme.com/team", "registry.acme.com/team/moto:1", true),
            ("REGISTRY.acme.com", "registry.acme.com/moto:1", true),
            ("docker.io", "moto", true),
            ("docker.io/library", "moto:1", true),
            ("docker.io/library", "docker.io/moto:1", true),
            ("docker.io/library", "localstack/localstack:4", false),
            ("docker.io/localstack", "index.docker.io/localstack/localstack:4", true),
            ("index.docker.io", "localstack/localstack:4", true),
            ("localhost:5000", "localhost:5000/moto", true),
        ] {
            assert_eq!(registry(list).has(&image(name)), is_allowed, "{list} {name}");
            assert_eq!(check_allowed(&[registry(list)], &image(name)).is_ok(), is_allowed);
        }
        assert!(check_allowed(&[], &image("moto")).is_ok());
    }

    #[test]
    fn a_mirror_stands_in_place_of_the_registry() {
        let digest = format!("@sha256:{}", "a".repeat(64));
        let mirror = |to: &str, name: &str| registry(to).mirror(&image(name)).unwrap().as_str().to_owned();
        assert_eq!(
            mirror("m.io/hub", "docker.io/localstack/localstack:4.14.0"),
            "m.io/hub/localstack/localstack:4.14.0"
        );
        assert_eq!(mirror("m.io:5000", "moto:1"), "m.io:5000/library/moto:1");
        assert_eq!(mirror("m.io", &format!("quay.io:443/x/y:1{digest}")), format!("m.io/x/y:1{digest}"));
        assert_eq!(mirror("m.io/hub", "m.io/hub/x:1"), "m.io/hub/x:1");
        assert_eq!(mirror("m.io/hub", "m.io/hubs/x:1"), "m.io/hub/hubs/x:1");
    }

    #[test]
    fn what_is_no_registry_is_refused() {
        for bad in [
            "",
            "acme",
            "acme/x",
            "https://m.io",
            "m.io/",
            "m.io//x",
            "m.io/X",
            "m.io/x:1",
            "m.io/x@y",
            "m io",
            "/x",
            "m.io.",
        ] {
            assert!(Registry::parse("--image-registry", bad).is_err(), "{bad}");
        }
    }
}
