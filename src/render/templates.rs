//! The templates, compiled in, and the one way to fill them.
//!
//! Strict mode: a variable that the context lacks is an error. `{{x}}` writes a quoted YAML string and `{{json x}}` any
//! value in JSON, which YAML contains; so no value can end its scalar and begin a key.

use std::sync::OnceLock;

use handlebars::{Context, Handlebars, Helper, HelperResult, Output, RenderContext, RenderErrorReason};
use serde_json::Value;

macro_rules! template {
    ($path:literal) => {
        ($path, include_str!(concat!("../../", $path)))
    };
}

const TEMPLATES: [(&str, &str); 17] = [
    template!("manifests/namespace.yaml.hbs"),
    template!("manifests/serviceaccount.yaml.hbs"),
    template!("manifests/ownerbinding.yaml.hbs"),
    template!("manifests/auth.yaml.hbs"),
    template!("manifests/inventory.yaml.hbs"),
    template!("manifests/init.yaml.hbs"),
    template!("manifests/persistentvolumeclaim.yaml.hbs"),
    template!("manifests/resourcequota.yaml.hbs"),
    template!("manifests/limitrange.yaml.hbs"),
    template!("manifests/networkpolicy.yaml.hbs"),
    template!("manifests/service.yaml.hbs"),
    template!("manifests/route.yaml.hbs"),
    template!("manifests/deployment.yaml.hbs"),
    template!("scc/securitycontextconstraints.yaml.hbs"),
    template!("scc/role.yaml.hbs"),
    template!("scc/rolebinding.yaml.hbs"),
    template!("scc/beneficiary.yaml.hbs"),
];

/// Fills the template at `path` (from the top of the repository).
pub(super) fn fill(path: &str, context: &Value) -> Result<String, String> {
    registry()?.render(path, context).map_err(|error| error.to_string())
}

/// Fills a single value of an emulator's profile, such as `{{{edge_host}}}:443`.
pub(crate) fn fill_value(text: &str, context: &Value) -> Result<String, String> {
    registry()?.render_template(text, context).map_err(|error| error.to_string())
}

fn registry() -> Result<&'static Handlebars<'static>, String> {
    static REGISTRY: OnceLock<Result<Handlebars<'static>, String>> = OnceLock::new();
    REGISTRY.get_or_init(build).as_ref().map_err(Clone::clone)
}

fn build() -> Result<Handlebars<'static>, String> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(|text| yaml_safe(&Value::from(text)));
    registry.register_helper("json", Box::new(write_json));
    for (path, text) in TEMPLATES {
        registry.register_template_string(path, text).map_err(|error| error.to_string())?;
    }
    Ok(registry)
}

fn write_json(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: &mut RenderContext<'_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let parameter = helper.param(0).filter(|value| !value.is_value_missing());
    let value = parameter.ok_or(RenderErrorReason::ParamNotFoundForIndex("json", 0))?;
    out.write(&yaml_safe(value.value()))?;
    Ok(())
}

/// A value as JSON that is also YAML: JSON leaves a few characters as they are that YAML does not let through. They can
/// only stand inside strings, where both know the same escape.
fn yaml_safe(value: &Value) -> String {
    let is_refused =
        |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    let written = value.to_string();
    let one = |c: char| if is_refused(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    if written.contains(is_refused) { written.chars().map(one).collect() } else { written }
}
