//! A Kubernetes namespace with its guard rails, and with who is in it.

mod accounts;
pub mod allow;
mod limits;

pub use accounts::ROLE_ARN;
use accounts::{IMAGE_PULL_SECRETS, SERVICE_ACCOUNTS};
use allow::ALLOW;
use limits::LIMITS;

use super::schema::{Attribute, Host, Kind, Places, Type};
use super::secrets::{self, SECRETS};
use super::shared::{Shared::Static, Texts};
use super::verdict::Verdict;
use super::{reserved, rule};

/// A Kubernetes namespace.
pub static NAMESPACE: Kind = Kind {
    name: "namespace",
    summary: Static(
        "A namespace on each cluster, with pod security, a network policy, limits, service accounts and Secrets.",
    ),
    places: Places::Clusters,
    host: Host::Cluster,
    object: true,
    coexists: true,
    hosts_others: true,
    example: Texts::NONE,
    attributes: Static(&[
        Attribute::new(
            "name",
            Type::text(&rule::DNS_LABEL),
            "The namespace's name. The resource's own name by default.",
            &["\"ledger\"", "\"ledger-2\""],
        )
        .replaces(),
        Attribute::new(
            "pod_security",
            Type::choice(&["restricted", "baseline", "privileged"]),
            "The Pod Security Standard that is enforced.",
            &["\"restricted\"", "\"baseline\""],
        )
        .default("\"restricted\""),
        Attribute::new(
            "network",
            Type::choice(&["default-deny", "open"]),
            "Whether pods may talk only where a policy allows it.",
            &["\"default-deny\"", "\"open\""],
        )
        .default("\"default-deny\""),
        Attribute::new(
            "quota",
            Type::object(
                const {
                    &[
                        Attribute::new("cpu", Type::text(&rule::SOME), "CPU in all.", &["\"8\"", "\"4\""]),
                        Attribute::new("memory", Type::text(&rule::SOME), "Memory in all.", &["\"16Gi\"", "\"8Gi\""]),
                        Attribute::new("pods", Type::Int(0, 100_000), "Pods in all.", &["50", "20"]),
                    ]
                },
            ),
            "What the namespace may use in all.",
            &["{ cpu = \"8\", memory = \"16Gi\" }", "{ cpu = \"4\", memory = \"16Gi\" }"],
        ),
        LIMITS,
        ALLOW,
        SERVICE_ACCOUNTS,
        SECRETS,
        IMAGE_PULL_SECRETS,
        Attribute::new(
            "labels",
            Type::map(const { &Type::text(&rule::ANY) }),
            "More labels.",
            &["{ team = \"ledger\" }", "{ team = \"payments\" }"],
        )
        .reserved(reserved::NAMESPACE),
        Attribute::new(
            "annotations",
            Type::map(const { &Type::text(&rule::ANY) }),
            "Annotations.",
            &["{ owner = \"ledger\" }", "{ owner = \"payments\" }"],
        )
        .reserved(reserved::NAMESPACE),
    ]),
    outputs: Static(&[]),
    claims: Static(&[]),
    usage: Static(&[]),
    exact: Static(&[]),
    check: Static(&|resource, _, findings| {
        secrets::check(resource, findings);
        accounts::check(resource, findings);
        allow::check(resource, findings);
    }),
    loss: Static(&|_| Verdict::recoverable("nothing was seen in it; the spec makes the namespace again")),
    update_loss: Static(&|_, _, _| None),
};
