//! What a container of a namespace gets where it says nothing, and what it may say.

use crate::kind::rule;
use crate::kind::schema::{Attribute, Type};

/// A LimitRange for containers: <https://kubernetes.io/docs/concepts/policy/limit-range/>.
pub const LIMITS: Attribute = Attribute::new(
    "limits",
    Type::object(LIMIT_RANGE),
    "What each container gets where it says nothing, and how little and how much it may say.",
    &[
        "{ request = { cpu = \"100m\" }, default = { memory = \"256Mi\" } }",
        "{ max = { cpu = \"2\", memory = \"2Gi\" } }",
    ],
);

static LIMIT_RANGE: &[Attribute] = &[
    Attribute::new(
        "request",
        Type::object(AMOUNTS),
        "What it asks for where it says nothing.",
        &["{ cpu = \"100m\" }", "{ memory = \"64Mi\" }"],
    ),
    Attribute::new(
        "default",
        Type::object(AMOUNTS),
        "What it is limited to where it says nothing.",
        &["{ memory = \"256Mi\" }", "{ cpu = \"1\" }"],
    ),
    Attribute::new(
        "min",
        Type::object(AMOUNTS),
        "The least that it may ask for.",
        &["{ cpu = \"10m\" }", "{ memory = \"16Mi\" }"],
    ),
    Attribute::new(
        "max",
        Type::object(AMOUNTS),
        "The most that it may be limited to.",
        &["{ cpu = \"2\" }", "{ memory = \"2Gi\" }"],
    ),
];

static AMOUNTS: &[Attribute] = &[
    Attribute::new("cpu", Type::text(&rule::SOME), "CPU.", &["\"100m\"", "\"1\""]),
    Attribute::new("memory", Type::text(&rule::SOME), "Memory.", &["\"64Mi\"", "\"256Mi\""]),
    Attribute::new(
        "storage",
        Type::text(&rule::SOME),
        "Storage of the node that goes with the pod.",
        &["\"1Gi\"", "\"2Gi\""],
    ),
];
