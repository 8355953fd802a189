//! A region: what every regional resource lives in.

use super::rule;
use super::schema::{Attribute, Host, Kind, Output, Places, Type, Verdict};

/// A region of a cloud, or something that stands in for one.
pub static REGION: Kind = Kind {
    name: "region",
    summary: "A region: what buckets, queues, roles and clusters live in.",
    places: Places::One,
    host: Host::World,
    object: true,
    coexists: false,
    example: &[],
    attributes: &[
        Attribute::new(
            "aws",
            Type::Object(&[
                Attribute::new(
                    "endpoint",
                    Type::Text(&rule::URL),
                    "An AWS-compatible endpoint to use instead of AWS itself.",
                    &["\"http://127.0.0.1:4566\"", "\"http://127.0.0.1:4567\""],
                ),
                Attribute::new(
                    "profile",
                    Type::Text(&rule::SOME),
                    "The profile of the standard credential chain.",
                    &["\"staging\"", "\"production\""],
                ),
            ]),
            "The region is AWS's own, or any AWS-compatible endpoint.",
            &["{}", "{ endpoint = \"http://127.0.0.1:4566\" }"],
        ),
        Attribute::new(
            "localstack",
            Type::Object(&[
                Attribute::new("port", Type::Int(1, 65_535), "The port on this machine.", &["4566", "4567"])
                    .default("4566"),
                Attribute::new(
                    "image",
                    Type::Text(&rule::SOME),
                    "The image to run.",
                    &["\"localstack/localstack:4.4\"", "\"localstack/localstack:4.3\""],
                )
                .default("\"localstack/localstack:4.4\""),
            ]),
            "The region is a LocalStack container that Atlas runs.",
            &["{ port = 4566 }", "{ port = 4567 }"],
        ),
    ],
    outputs: &[
        Output { name: "account", doc: "The account that owns what is made here.", formula: None },
        Output { name: "endpoint", doc: "Where the region answers.", formula: None },
    ],
    usage: &[],
    check: |instance, _, findings| {
        let set = |name| !instance.attributes.get(name).is_null();
        if set("aws") && set("localstack") {
            findings.error(
                instance,
                "localstack",
                "region is two things at once",
                "a region is either AWS or a LocalStack container",
                "keep `aws` or `localstack`, not both",
            );
        }
    },
    loss: |_| Verdict::safe("a region holds nothing itself; its contents have verdicts of their own"),
    update_loss: |_, _, _| None,
};
