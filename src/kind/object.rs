//! An object of an app on its cluster: a Deployment, a Service, an instance of a custom resource.
//!
//! Nobody declares one. They are what the chart of an app comes to with the app's values.

use super::count::Count;
use super::rule;
use super::schema::{Attribute, Host, Kind, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::Verdict;

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
    update_loss: Static(&|_, _, _| None),
};

/// Whether a word is the kind of an object on a cluster: those of Kubernetes begin with a capital letter, and Atlas's own never do.
#[must_use]
pub fn is_of_kubernetes(word: &str) -> bool {
    word.starts_with(|first: char| first.is_ascii_uppercase())
}
