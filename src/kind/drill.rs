//! A drill: a fault to inject on purpose, and the limits that recovery has to keep.

use super::schema::{Attribute, Host, Kind, Places, Type};
use super::shared::{Shared::Static, Texts};
use super::verdict::Verdict;
use crate::diagnostic::code;

/// A rehearsal of a failure. It stands for no object: `atlas drill` runs it.
pub static DRILL: Kind = Kind {
    name: "drill",
    summary: Static("A failure to rehearse, and the limits that the recovery has to keep."),
    places: Places::One,
    host: Host::World,
    object: false,
    coexists: true,
    hosts_others: false,
    example: Texts::Static(&["fault = { stop = \"region.us-east-1\" }", "rto = \"60s\""]),
    attributes: Static(&[
        Attribute::new(
            "fault",
            Type::object(
                const {
                    &[
                        Attribute::new(
                            "stop",
                            Type::address(&[]),
                            "The resource that stops answering.",
                            &["\"region.us-east-1\"", "\"cluster.dc-us\""],
                        ),
                        Attribute::new(
                            "delete",
                            Type::address(&[]),
                            "The resource that is deleted.",
                            &["\"queue.transactions@us-east-1\"", "\"app.ledger@dc-us\""],
                        ),
                    ]
                },
            ),
            "What goes wrong.",
            &["{ stop = \"region.us-east-1\" }", "{ delete = \"app.ledger@dc-us\" }"],
        )
        .required(),
        Attribute::new(
            "checks",
            Type::set(const { &Type::address(&["check"]) }),
            "The checks that measure the outage; all by default.",
            &["[\"check.ledger-us\"]", "[\"check.ledger-eu\"]"],
        ),
        Attribute::new("rto", Type::Duration(1, 86_400), "How long recovery may take.", &["\"60s\"", "\"2m\""])
            .required(),
        Attribute::new("lost_writes", Type::Int(0, i64::MAX), "How many acknowledged writes may be lost.", &["0", "1"])
            .default("0"),
    ]),
    outputs: Static(&[]),
    claims: Static(&[]),
    usage: Static(&[]),
    exact: Static(&[]),
    check: Static(&|resource, _, findings| {
        let set = |path| resource.attributes.at(path).is_some_and(|value| !value.is_null());
        if set("fault.stop") == set("fault.delete") {
            findings.error(
                "fault",
                &code::DRILL_FAULT,
                "a drill injects exactly one fault",
                "write `fault = { stop = \"region.NAME\" }` or `fault = { delete = \"ADDRESS\" }`",
            );
        }
    }),
    loss: Static(&|_| Verdict::safe("a drill is no object")),
    update_loss: Static(&|_, _, _| None),
};
