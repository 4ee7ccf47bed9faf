//! Routes: admitted, refused, or not looked at by any router.

use std::time::Duration;

use kube::ResourceExt;
use kube::core::DynamicObject;
use serde_json::Value;

use super::symptom::Symptom;
use super::view::View;
use super::words;

/// A router writes the status after a reload, which it does at most every five seconds; the first one may be starting.
const ROUTER_GRACE: Duration = Duration::from_secs(15);

/// The host under which a router serves this Route.
///
/// The status counts, not `spec.host`: a router may override the host. Where several routers admitted the Route, the one
/// that serves the host of the spec is taken.
pub(super) fn admitted_host(route: &DynamicObject) -> Option<&str> {
    let wanted = route.data.pointer("/spec/host").and_then(Value::as_str);
    let admitting = ingresses(route)
        .iter()
        .filter(|ingress| admission(ingress).is_some_and(|it| text(it, "status") == Some("True")));
    let hosts: Vec<&str> = admitting.filter_map(|ingress| text(ingress, "host")).collect();
    hosts.iter().copied().find(|host| Some(*host) == wanted).or_else(|| hosts.first().copied())
}

/// How many of the awaited Routes are admitted.
pub(super) fn admitted(view: &View<'_>) -> usize {
    awaited(view).filter(|route| admitted_host(route).is_some()).count()
}

/// A router refuses at least one Route; a claimed host is told first.
pub(super) fn refused(view: &View<'_>) -> Option<Symptom> {
    let mut refusals: Vec<Refusal<'_>> = awaited(view).filter_map(refusal).collect();
    refusals.sort_by_key(|refusal| (!refusal.claimed(), refusal.route.name_any()));
    let first = refusals.first()?;
    let name = first.route.name_any();
    let Refusal { host, reason, told, router, .. } = *first;
    let more = match refusals.len() {
        1 => String::new(),
        all => format!(" ({} refused in all)", words::count(all, "Route")),
    };
    let env = &view.expect.env;
    let symptom = if first.claimed() {
        let message = format!("Route {name} asked for host {host}, but another Route holds it: {told}{more}");
        let hint = format!(
            "`kubectl get routes --all-namespaces | grep -F {host}` finds the holder (its namespace may be hidden from you: ask an administrator); \
             have it deleted, or give `--env {env}` another name, `--namespace` or `--apps-domain`"
        );
        Symptom::new("host-claimed", &message, hint)
    } else {
        let message = format!("router {router} refuses Route {name} (host {host}): {reason}: {told}{more}");
        let hint = format!(
            "`{} describe route {name}` shows the router's reason; a host outside the router's domains needs another `--apps-domain`",
            view.kubectl()
        );
        Symptom::new("route-refused", &message, hint)
    };
    let lines =
        refusals.iter().map(|it| format!("Route {} host {}: {}: {}", it.route.name_any(), it.host, it.reason, it.told));
    Some(symptom.evidence(lines).final_at_once())
}

/// No router looks at any of our Routes.
pub(super) fn no_router(view: &View<'_>) -> Option<Symptom> {
    let (total, untouched) = untouched(view)?;
    if untouched.len() < total {
        return None;
    }
    let message = format!(
        "{} of namespace {} wait for a router, but none has picked up any",
        words::count(total, "Route"),
        view.expect.namespace
    );
    let symptom = Symptom::new("no-router", &message, hint(view))
        .evidence([format!("status.ingress is empty on: {}", words::list(&untouched))]);
    Some(symptom.named_after(ROUTER_GRACE).final_after(ROUTER_GRACE))
}

/// A router took some of our Routes and left others alone.
pub(super) fn not_picked_up(view: &View<'_>) -> Option<Symptom> {
    let (total, untouched) = untouched(view)?;
    if untouched.is_empty() || untouched.len() == total {
        return None;
    }
    let names = words::list(&untouched);
    let message = format!("routers have picked up {} of {total} Routes, but not: {names}", total - untouched.len());
    let mut symptom = Symptom::new("route-not-picked-up", &message, hint(view))
        .evidence([format!("status.ingress is empty on: {names}")]);
    // A busy router that still works its way through the list is not stuck.
    symptom.mark = untouched.len();
    Some(symptom.named_after(ROUTER_GRACE).final_after(ROUTER_GRACE))
}

fn hint(view: &View<'_>) -> String {
    format!(
        "a router may serve only labelled Routes or namespaces: `kubectl get ingresscontroller -A -o yaml` shows `routeSelector` and `namespaceSelector` \
         (OpenShift 3: ROUTE_LABELS of `dc/router`); then label the namespace or the Routes; without a router at all, `lsdeploy up --env {} --no-wait`",
        view.expect.env
    )
}

fn awaited<'a>(view: &View<'a>) -> impl Iterator<Item = &'a DynamicObject> + use<'a> {
    let seen = view.seen;
    view.expect.routes.iter().filter_map(move |name| seen.routes.get(name))
}

/// How many awaited Routes exist, and the names of those that no router has written to.
fn untouched(view: &View<'_>) -> Option<(usize, Vec<String>)> {
    let total = awaited(view).count();
    let untouched = awaited(view).filter(|route| ingresses(route).is_empty()).map(ResourceExt::name_any).collect();
    (total > 0).then_some((total, untouched))
}

struct Refusal<'a> {
    route: &'a DynamicObject,
    host: &'a str,
    reason: &'a str,
    told: &'a str,
    router: &'a str,
}

impl Refusal<'_> {
    fn claimed(&self) -> bool {
        self.reason == "HostAlreadyClaimed"
    }
}

/// The refusal of a Route that no router admits.
fn refusal(route: &DynamicObject) -> Option<Refusal<'_>> {
    if admitted_host(route).is_some() {
        return None;
    }
    let (ingress, condition) = ingresses(route)
        .iter()
        .filter_map(|ingress| Some((ingress, admission(ingress)?)))
        .find(|(_, condition)| text(condition, "status") == Some("False"))?;
    Some(Refusal {
        route,
        host: text(ingress, "host").filter(|host| !host.is_empty()).unwrap_or("(none)"),
        reason: text(condition, "reason").unwrap_or("no reason given"),
        told: text(condition, "message").unwrap_or_default(),
        router: text(ingress, "routerName").unwrap_or("(unnamed)"),
    })
}

fn ingresses(route: &DynamicObject) -> &[Value] {
    route.data.pointer("/status/ingress").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn admission(ingress: &Value) -> Option<&Value> {
    let conditions = ingress.get("conditions")?.as_array()?;
    conditions.iter().find(|condition| text(condition, "type") == Some("Admitted"))
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}
