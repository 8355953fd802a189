//! A check: a question that tells whether the platform works.

use super::rule;
use super::schema::{Attribute, Host, Kind, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::Verdict;
use crate::diagnostic::code;

/// A probe of the running platform. It stands for no object: `status` and drills ask it.
pub static CHECK: Kind = Kind {
    name: "check",
    summary: Static("A question that tells whether the platform works: asked by `status` and by drills."),
    places: Places::One,
    host: Host::World,
    object: false,
    coexists: true,
    hosts_others: false,
    example: Texts::Static(&["target = \"region.us-east-1\""]),
    attributes: Static(&[
        Attribute::new(
            "target",
            Type::address(&[]),
            "The resource that has to be there, as the spec says it, and answering.",
            &["\"app.ledger@dc-us\"", "\"app.ledger@dc-eu\""],
        ),
        Attribute::new(
            "http",
            Type::text(&rule::URL),
            "A URL that has to answer.",
            &["\"http://127.0.0.1:8080/healthz\"", "\"http://127.0.0.1:8081/healthz\""],
        )
        .beside(&["!target"]),
        Attribute::new("expect", Type::Int(100, 599), "The HTTP status that it has to answer with.", &["200", "204"])
            .default("200"),
        Attribute::new("interval", Type::Duration(1, 3_600), "How often to ask.", &["\"1s\"", "\"5s\""])
            .default("\"1s\""),
    ]),
    outputs: Static(&[]),
    claims: Static(&[]),
    usage: Static(&[]),
    exact: Static(&[]),
    check: Static(&|resource, _, findings| {
        let set = |name| !resource.attributes.get(name).is_null();
        if set("target") == set("http") {
            findings.error(
                if set("http") { "http" } else { "" },
                &code::CHECK_QUESTION,
                "a check asks either a `target` or an `http` URL",
                "write `target = \"app.NAME@CLUSTER\"` or `http = \"http://HOST:PORT/PATH\"`",
            );
        }
    }),
    loss: Static(&|_| Verdict::safe("a check is no object")),
    update_loss: Static(&|_, _, _| None),
};
