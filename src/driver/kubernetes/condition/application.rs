//! The condition of what Atlas gave to an Argo CD: what that says of the app, where it speaks of what is wanted now.
//!
//! An Application has no observed generation. What it was compared with stands in its status, and tells whether anything else there is
//! about what it says now: <https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml>.

use serde_json::Value;

use super::read::{list, plain, text};
use crate::observed::Condition;
use crate::render::objects::{ARGO_API, DELIVERS_ANNOTATION};

/// Where an ApplicationSet has the Applications that it made, once somebody looked for them: no part of the object.
pub const APPLICATIONS: &str = "atlas/applications";

/// What is wrong with an Application so that it can't be delivered.
const FAILURES: [&str; 3] = ["InvalidSpecError", "ComparisonError", "SyncError"];

/// The condition of an Application by which an app is delivered; none for any other object.
#[must_use]
pub fn of_application(object: &Value) -> Option<Condition> {
    (is_given(object) && object["kind"] == "Application").then(|| application(object))
}

/// The condition of the Applications of an ApplicationSet, the worst of them; none for any other object.
#[must_use]
pub fn of_all(object: &Value) -> Option<Condition> {
    if !is_given(object) || object["kind"] != "ApplicationSet" {
        return None;
    }
    let template = &object["spec"]["template"];
    let mut worst = Condition::Ready;
    for element in list(object, "/spec/generators/0/list/elements") {
        let name = text(element, "/application");
        let own = |one: &&Value| one["metadata"]["name"] == name;
        let said = match list(object, &format!("/{}", APPLICATIONS.replace('/', "~1"))).iter().find(own) {
            None => Condition::Progressing("its Application is not there yet".into()),
            Some(one) if !fits(&template["spec"], element, &one["spec"]) => {
                Condition::Progressing("its Application does not say yet what is wanted".into())
            }
            Some(one) => application(one),
        };
        let said = named(name, said);
        if weight(&said) > weight(&worst) {
            worst = said;
        }
    }
    // One whose element is gone is being removed with what it delivered, and needs its cluster and its namespace until then.
    let elements = list(object, "/spec/generators/0/list/elements");
    for one in list(object, &format!("/{}", APPLICATIONS.replace('/', "~1"))) {
        let name = text(one, "/metadata/name");
        let said = named(name, Condition::Progressing("it is still being removed".into()));
        if !elements.iter().any(|element| text(element, "/application") == name) && weight(&said) > weight(&worst) {
            worst = said;
        }
    }
    Some(worst)
}

/// Whether an object is what Atlas gave to an Argo CD.
#[must_use]
pub fn is_given(object: &Value) -> bool {
    object["apiVersion"] == ARGO_API && object["metadata"]["annotations"][DELIVERS_ANNOTATION].is_string()
}

fn application(object: &Value) -> Condition {
    let compared = &object["status"]["sync"]["comparedTo"];
    let is_current = is_compared(&object["spec"], compared);
    let never = compared.is_null() || text(compared, "/source/repoURL").is_empty();
    let conditions = list(object, "/status/conditions");
    let failure = FAILURES.iter().find_map(|kind| conditions.iter().find(|one| one["type"] == *kind));
    if let Some(failure) = failure {
        // What it says that is invalid is never compared with anything.
        let counts =
            is_current || failure["type"] == "InvalidSpecError" || never && failure["type"] == "ComparisonError";
        let why = format!("{}: {}", text(failure, "/type"), plain(text(failure, "/message")));
        return if counts { Condition::Degraded(why) } else { not_compared() };
    }
    if !is_current {
        return not_compared();
    }
    let operation = &object["status"]["operationState"];
    let is_own = is_alike(&object["spec"]["source"], &operation["syncResult"]["source"]);
    let (phase, message) = (text(operation, "/phase"), plain(text(operation, "/message")));
    let sync = text(object, "/status/sync/status");
    match (phase, sync) {
        ("Running" | "Terminating", _) => return Condition::Progressing(because("it is being delivered", &message)),
        ("Failed" | "Error", other) if other != "Synced" && is_own => {
            return Condition::Degraded(because("it could not be delivered", &message));
        }
        (_, "Synced") => {}
        (_, "") => return Condition::Progressing("Argo CD has not told yet whether it is delivered".into()),
        (_, other) => return Condition::Progressing(because(&format!("Argo CD says `{other}`"), &different(object))),
    }
    match text(object, "/status/health/status") {
        "Healthy" | "Suspended" => Condition::Ready,
        "Degraded" => Condition::Degraded(because("Argo CD says `Degraded`", &unhealthy(object, "Degraded"))),
        "" => Condition::Progressing("Argo CD has not told its health yet".into()),
        other => Condition::Progressing(because(&format!("Argo CD says `{other}`"), &unhealthy(object, other))),
    }
}

fn not_compared() -> Condition {
    Condition::Progressing("Argo CD has not looked yet at what is wanted now".into())
}

/// Whether an Application was last compared with what it says now.
fn is_compared(spec: &Value, compared: &Value) -> bool {
    let (wanted, then) = (&spec["destination"], &compared["destination"]);
    // The server of a cluster that is named is filled in.
    let fields = wanted.as_object().into_iter().flatten();
    is_alike(&spec["source"], &compared["source"]) && { fields }.all(|(name, value)| is_alike(value, &then[name]))
}

/// Whether two values say the same. What says nothing is left out by whoever writes it again.
fn is_alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => a.keys().chain(b.keys()).all(|key| is_alike(&one[key], &other[key])),
        (Value::Array(a), Value::Array(b)) if !a.is_empty() || !b.is_empty() => {
            a.len() == b.len() && a.iter().zip(b).all(|(one, other)| is_alike(one, other))
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        _ => one == other || says_nothing(one) && says_nothing(other),
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.values().all(says_nothing),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// Whether an Application says what a template says for an element of the list.
fn fits(template: &Value, element: &Value, there: &Value) -> bool {
    match template {
        Value::Object(entries) => entries.iter().all(|(key, item)| fits(item, element, &there[key])),
        Value::String(word) if word == "{{ toJson .values }}" => {
            let own: Option<Value> = there.as_str().and_then(|text| serde_json::from_str(text).ok());
            own.is_some_and(|own| is_alike(&own, &element["values"]))
        }
        Value::String(word) => match word.strip_prefix("{{ .").and_then(|rest| rest.strip_suffix(" }}")) {
            Some(key) => is_alike(&element[key], there),
            None => template == there,
        },
        _ => is_alike(template, there),
    }
}

/// The first of its objects that is of a health, and why.
fn unhealthy(object: &Value, health: &str) -> String {
    let is_so = |one: &&Value| one["health"]["status"] == health;
    first(object, is_so, |one| plain(text(one, "/health/message")))
}

/// The first of its objects that is not as it is wanted.
fn different(object: &Value) -> String {
    first(object, |one| one["status"] == "OutOfSync", |_| String::new())
}

fn first(object: &Value, is_so: impl Fn(&&Value) -> bool, why: impl Fn(&Value) -> String) -> String {
    let one = list(object, "/status/resources").iter().find(is_so);
    one.map_or_else(String::new, |one| because(&format!("{}/{}", text(one, "/kind"), text(one, "/name")), &why(one)))
}

fn because(what: &str, why: &str) -> String {
    if why.is_empty() { what.to_owned() } else { format!("{what}: {why}") }
}

const fn weight(condition: &Condition) -> u8 {
    match condition {
        Condition::Ready => 0,
        Condition::Progressing(_) | Condition::Unknown(_) => 1,
        Condition::Degraded(_) => 2,
    }
}

fn named(name: &str, condition: Condition) -> Condition {
    match condition {
        Condition::Progressing(why) => Condition::Progressing(format!("{name}: {why}")),
        Condition::Degraded(why) => Condition::Degraded(format!("{name}: {why}")),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{of_all, of_application};
    use crate::observed::Condition;

    fn given(kind: &str, spec: &Value, status: &Value) -> Value {
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": kind, "spec": spec, "status": status,
            "metadata": { "name": "web", "annotations": { "atlas/delivers": "app.web@dc" } },
        })
    }

    fn spec(version: &str) -> Value {
        json!({
            "source": { "repoURL": "https://a", "targetRevision": version, "helm": { "valuesObject": { "n": 1 } } },
            "destination": { "name": "dc", "namespace": "shop" },
        })
    }

    fn status(version: &str, sync: &str, health: &str) -> Value {
        let mut compared = spec(version);
        compared["destination"]["server"] = "https://dc".into();
        compared["source"]["path"] = "".into();
        compared["source"]["helm"]["valuesObject"]["n"] = 1.0.into();
        json!({ "sync": { "status": sync, "comparedTo": compared }, "health": { "status": health } })
    }

    fn said(status: &Value) -> String {
        match of_application(&given("Application", &spec("2"), status)).expect("it is given") {
            Condition::Ready => "ready".to_owned(),
            other => format!("{}: {}", other.word(), other.reason().unwrap_or_default()),
        }
    }

    #[test]
    fn only_what_was_compared_with_what_is_wanted_now_counts() {
        assert_eq!(said(&status("2", "Synced", "Healthy")), "ready");
        assert_eq!(
            said(&status("1", "Synced", "Healthy")),
            "progressing: Argo CD has not looked yet at what is wanted now"
        );
        let mut failed = status("1", "Unknown", "Unknown");
        failed["conditions"] = json!([{ "type": "ComparisonError", "message": "no such chart." }]);
        assert!(said(&failed).starts_with("progressing"), "{}", said(&failed));
        failed["sync"]["comparedTo"] = status("2", "", "")["sync"]["comparedTo"].clone();
        assert_eq!(said(&failed), "degraded: ComparisonError: no such chart");
    }

    #[test]
    fn a_failure_is_told_with_its_message() {
        let mut told = status("2", "OutOfSync", "Missing");
        told["operationState"] =
            json!({ "phase": "Failed", "message": "quota", "syncResult": { "source": spec("1")["source"] } });
        assert_eq!(said(&told), "progressing: Argo CD says `OutOfSync`");
        told["operationState"]["syncResult"]["source"] = spec("2")["source"].clone();
        assert_eq!(said(&told), "degraded: it could not be delivered: quota");
        let mut told = status("2", "Synced", "Degraded");
        told["resources"] = json!([
            { "kind": "Service", "name": "web", "health": { "status": "Healthy" } },
            { "kind": "Deployment", "name": "web", "health": { "status": "Degraded", "message": "no image" } },
        ]);
        assert_eq!(said(&told), "degraded: Argo CD says `Degraded`: Deployment/web: no image");
        let mut told = status("2", "Synced", "Healthy");
        told["operationState"] = json!({ "phase": "Running", "message": "hooks" });
        assert_eq!(said(&told), "progressing: it is being delivered: hooks");
    }

    #[test]
    fn all_applications_of_a_set_have_to_be_there_as_they_are_wanted() {
        let template = json!({ "spec": {
            "source": { "repoURL": "https://a", "targetRevision": "{{ .version }}", "helm": { "values": "{{ toJson .values }}" } },
            "destination": { "name": "{{ .destination }}", "namespace": "shop" },
        } });
        let elements = json!([{ "application": "web-dc", "destination": "dc", "version": "2", "values": { "n": 1 } }]);
        let mut set = given(
            "ApplicationSet",
            &json!({ "template": template, "generators": [{ "list": { "elements": elements } }] }),
            &json!({}),
        );
        let reason = |set: &Value| of_all(set).expect("it is given").reason().map(str::to_owned);
        assert_eq!(reason(&set).as_deref(), Some("web-dc: its Application is not there yet"));
        let own = json!({
            "source": { "repoURL": "https://a", "targetRevision": "2", "helm": { "values": "{\"n\":1}" } },
            "destination": { "name": "dc", "namespace": "shop" },
        });
        let mut one = json!({ "metadata": { "name": "web-dc" }, "spec": own, "status": {
            "sync": { "status": "Synced", "comparedTo": own }, "health": { "status": "Healthy" },
        } });
        set["atlas/applications"] = json!([one]);
        assert_eq!(reason(&set), None);
        one["spec"]["source"]["helm"]["values"] = "{\"n\":2}".into();
        set["atlas/applications"] = json!([one]);
        assert_eq!(reason(&set).as_deref(), Some("web-dc: its Application does not say yet what is wanted"));
    }
}
