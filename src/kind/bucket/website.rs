//! A bucket as a website, and what S3 refuses of one.
//!
//! Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteHosting.html>.

use crate::diagnostic::code;
use crate::kind::rule;
use crate::kind::schema::{Attribute, Type};
use crate::kind::view::Findings;
use crate::value::Value;

const PROTOCOL: Attribute = Attribute::new(
    "protocol",
    Type::choice(&["http", "https"]),
    "The protocol there; that of the request by default.",
    &["\"https\"", "\"http\""],
);

/// The attributes of the whole.
pub static WEBSITE: &[Attribute] = &[
    Attribute::new(
        "index",
        Type::text(&rule::SOME),
        "What is shown of a folder.",
        &["\"index.html\"", "\"start.html\""],
    ),
    Attribute::new(
        "error",
        Type::text(&rule::SOME),
        "The object that is shown when something goes wrong.",
        &["\"error.html\"", "\"404.html\""],
    ),
    Attribute::new(
        "routes",
        Type::list(const { &Type::object(ROUTE) }),
        "Where some requests are led instead, the first that fits.",
        &["[{ prefix = \"old/\", replace_prefix = \"new/\" }]", "[{ error_code = 404, host = \"example.com\" }]"],
    ),
    Attribute::new(
        "redirect",
        Type::object(
            const {
                &[
                    Attribute::new(
                        "host",
                        Type::text(&rule::SOME),
                        "The other site.",
                        &["\"example.com\"", "\"example.org\""],
                    )
                    .required(),
                    PROTOCOL,
                ]
            },
        ),
        "The other site to which every request is led, in place of all else.",
        &["{ host = \"example.com\" }", "{ host = \"example.com\", protocol = \"https\" }"],
    ),
];

static ROUTE: &[Attribute] = &[
    Attribute::new("prefix", Type::text(&rule::SOME), "Only for such objects.", &["\"old/\"", "\"tmp/\""]),
    Attribute::new("error_code", Type::Int(400, 599), "Only where S3 would answer so.", &["404", "403"]),
    Attribute::new("host", Type::text(&rule::SOME), "The site there.", &["\"example.com\"", "\"example.org\""]),
    PROTOCOL,
    Attribute::new(
        "replace_prefix",
        Type::text(&rule::SOME),
        "What stands in the place of `prefix`.",
        &["\"new/\"", "\"now/\""],
    ),
    Attribute::new(
        "replace_key",
        Type::text(&rule::SOME),
        "What stands in the place of the whole name.",
        &["\"gone.html\"", "\"moved.html\""],
    ),
    Attribute::new("code", Type::Int(301, 399), "The status of the answer; 301 by default.", &["302", "307"]),
];

/// Good websites.
pub const EXAMPLES: &[&str] = &[
    "{ index = \"index.html\", error = \"error.html\" }",
    "{ index = \"index.html\", routes = [{ prefix = \"old/\", replace_prefix = \"new/\", code = 302 }, { error_code = 404, host = \"example.com\", protocol = \"https\", replace_key = \"gone.html\" }] }",
    "{ redirect = { host = \"example.com\", protocol = \"https\" } }",
];

/// Finds what S3 would refuse.
pub fn check(website: &Value, findings: &mut Findings) {
    if website.is_null() {
        return;
    }
    let says = |name: &str| website.at(name).is_some_and(|value| !value.is_null());
    let mut refuse = |path: String, detail: &str, hint: &str| {
        findings.error(path, &code::REFUSED_BY_S3, detail, hint);
    };
    match (says("index"), says("redirect")) {
        (true, true) => refuse(
            "website.redirect".to_owned(),
            "every request is led to the other site, so nothing is shown here",
            "keep `index` or `redirect`, not both",
        ),
        (false, false) => refuse(
            "website".to_owned(),
            "S3 has to know what it shows of a folder",
            "say `index = \"index.html\"`, or `redirect` to another site",
        ),
        (false, true) if says("error") || says("routes") => refuse(
            "website.redirect".to_owned(),
            "every request is led to the other site, so `error` and `routes` would never count",
            "keep `redirect` alone",
        ),
        _ => {}
    }
    if website.at("index").and_then(Value::as_str).is_some_and(|index| index.contains('/')) {
        let hint = "say the name of the object within each folder, such as \"index.html\"";
        refuse("website.index".to_owned(), "it is the same in each folder, so it has no `/` in it", hint);
    }
    for (at, route) in website.at("routes").map(Value::items).unwrap_or_default().iter().enumerate() {
        let says = |name: &str| route.at(name).is_some();
        if says("replace_prefix") && says("replace_key") {
            let detail = "the whole name is replaced, so its prefix can't be as well";
            refuse(format!("website.routes.{at}.replace_key"), detail, "keep one of them");
        }
        if !["host", "protocol", "replace_prefix", "replace_key", "code"].iter().any(|name| says(name)) {
            refuse(format!("website.routes.{at}"), "it leads nowhere", "say `host`, or what is replaced");
        }
    }
}
