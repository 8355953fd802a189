//! An object of an app on its cluster: a Deployment, a Service, an instance of a custom resource.
//!
//! Nobody declares one. They are what the chart of an app comes to with the app's values.

use super::count::Count;
use super::rule;
use super::schema::{Attribute, Host, Kind, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::Verdict;
use crate::value::{Attributes, Value};

/// An object of an app.
pub static OBJECT: Kind = Kind {
    name: "object",
    summary: Static("An object that an app's chart comes to, on the app's cluster. It is never declared by itself."),
    places: Places::Rendered,
    host: Host::Cluster,
    object: true,
    coexists: false,
    hosts_others: false,
    example: Texts::NONE,
    attributes: Static(&[
        Attribute::new(
            "api_version",
            Type::text(&rule::SOME),
            "The version of the API that it is written for, with its group.",
            &["\"apps/v1\"", "\"v1\""],
        )
        .required(),
        Attribute::new(
            "kind",
            Type::text(&rule::SOME),
            "What Kubernetes calls its kind.",
            &["\"Deployment\"", "\"Service\""],
        )
        .required()
        .replaces(),
        Attribute::new(
            "namespace",
            Type::text(&rule::SOME),
            "The namespace that it is in; none where it is in none.",
            &["\"ledger\"", "\"web\""],
        )
        .replaces(),
        Attribute::new("name", Type::text(&rule::SOME), "Its name there.", &["\"ledger-app\"", "\"web\""])
            .required()
            .replaces(),
        Attribute::new(
            "manifest",
            Type::Any,
            "What else its manifest says. Only what it says is compared; what the server adds and what others own is not.",
            &["{ spec = { replicas = 2 } }", "{ spec = { replicas = 3 } }"],
        ),
        Attribute::new(
            "data",
            Type::Any,
            "The data of a Secret, which no output shows.",
            &["{ key = \"dmFsdWU=\" }", "{ key = \"b3RoZXI=\" }"],
        )
        .sensitive(),
        Attribute::new(
            "secrets",
            Type::Any,
            "The data of a Secret whose values are kept elsewhere, as references: a driver reads them where it writes the Secret.",
            &["{ key = { env = \"LEDGER_KEY\" } }", "{ key = { file = \"secrets/key\" } }"],
        ),
    ]),
    outputs: Static(&[]),
    claims: Static(&[]),
    usage: Static(&["volumes", "instances", "strangers"]),
    exact: Static(&["volumes", "instances", "strangers"]),
    check: Static(&|_, _, _| {}),
    loss: Static(&|usage| {
        let lost = [("volumes", "volume"), ("instances", "custom resource"), ("strangers", "object of others")];
        let lost = lost.into_iter().find_map(|(counter, word)| match usage.get(counter) {
            None | Some(Count::Exactly(0)) => None,
            Some(Count::Unknown) => Some(Verdict::lossy(format!("nobody can say whether a {word} goes with it"))),
            Some(count) => Some(Verdict::lossy(format!("lost with it: {}", count.words(word)))),
        });
        lost.unwrap_or_else(|| Verdict::recoverable("what its manifest says can be applied again; volumes are kept"))
    }),
    update_loss: Static(&|before, after, _| lost_releases(before, after)),
};

/// What an Argo CD removes because an ApplicationSet, or an Application, does not name it any more: the release of an element that goes,
/// and one that is called otherwise, or goes to another namespace, from then on.
/// <https://argo-cd.readthedocs.io/en/stable/operator-manual/applicationset/Application-Deletion/>
fn lost_releases(before: &Attributes, after: &Attributes) -> Option<Verdict> {
    let is_argo = before.get("api_version").as_str().is_some_and(|version| version.starts_with("argoproj.io/"));
    let kind = before.get("kind").as_str().filter(|_| is_argo)?;
    let (now, then) = (after.get("manifest"), before.get("manifest"));
    let start = match kind {
        "Application" => "spec",
        "ApplicationSet" => "spec.template.spec",
        _ => return None,
    };
    let differs = |path: &str| {
        let path = format!("{start}.{path}");
        then.at(&path).is_some_and(|value| now.at(&path) != Some(value))
    };
    if ["destination.namespace", "source.helm.releaseName"].into_iter().any(differs) {
        return Some(Verdict::lossy(
            "Argo CD removes what it delivered by its former name, or to its former namespace",
        ));
    }
    let elements = |manifest: &Value| {
        let generators = manifest.at("spec.generators").map(Value::items).unwrap_or_default();
        generators
            .iter()
            .flat_map(|one| one.at("list.elements").map(Value::items).unwrap_or_default())
            .cloned()
            .collect()
    };
    let (now, then): (Vec<Value>, Vec<Value>) = (elements(now), elements(then));
    let lost = |one: &&Value| {
        let same = |other: &&Value| other.at("application") == one.at("application");
        let stays = now.iter().find(same);
        !stays.is_some_and(|other| {
            ["namespace", "release"].into_iter().all(|name| one.at(name).is_none() || one.at(name) == other.at(name))
        })
    };
    let name = then.iter().find(lost)?.at("application").and_then(Value::as_str).unwrap_or("one of them").to_owned();
    Some(Verdict::lossy(format!("Argo CD removes {name}, with all that it delivered")))
}

/// Whether a word is the kind of an object on a cluster: those of Kubernetes begin with a capital letter, and Atlas's own never do.
#[must_use]
pub fn is_of_kubernetes(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_uppercase())
}
