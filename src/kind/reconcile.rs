//! What `[reconcile]` takes: the limits of the loop that heals. It is no kind: it stands for nothing in the world.

use super::fault::Fault;
use super::schema::{Attribute, Rule, Type};
use super::shared::Shared::Static;

/// A share of a whole, from `"1%"` to `"100%"`.
pub static SHARE: Rule = Rule {
    says: Static("a share such as \"25%\""),
    pattern: Some(Static("^([1-9][0-9]?|100)%$")),
    normal: None,
    check: Static(&|text| match percent(text) {
        Some(_) => Ok(()),
        None => Err(Fault::new("it is a whole number from 1 to 100 with a percent sign").hint("write it as \"25%\"")),
    }),
    several: None,
};

/// The attributes of `[reconcile]`, in the order in which people read them. All have defaults, so the whole table may be left out.
pub static RECONCILE: &[Attribute] = &[
    Attribute::new(
        "mode",
        Type::choice(&["heal", "apply", "observe"]),
        "What the loop does: `heal` repairs drift back to what was last applied and leaves changes of the spec to a human or to CI, \
         `apply` does both, `observe` only reports.",
        &["\"apply\"", "\"observe\""],
    )
    .default("\"heal\""),
    Attribute::new(
        "interval",
        Type::Duration(1, 86_400),
        "How long it is from one pass to the next; up to a tenth more or less, so that many loops don't come together.",
        &["\"10s\"", "\"5m\""],
    )
    .default("\"30s\""),
    Attribute::new(
        "deadline",
        Type::Duration(1, 86_400),
        "How long a resource may differ before it counts as stuck. What is on its way is left alone until then.",
        &["\"5m\"", "\"1h\""],
    )
    .default("\"10m\""),
    Attribute::new(
        "max_actions",
        Type::Int(1, 1_000_000),
        "How many actions the loop may take in an hour, all resources together. Without it three for each resource of the spec, and \
         at least 60: everything can be made anew in an outage, and not for ever.",
        &["60", "1000"],
    ),
    Attribute::new(
        "max_actions_each",
        Type::Int(1, 10_000),
        "How many actions it may take in an hour on one resource.",
        &["6", "30"],
    )
    .default("12"),
    Attribute::new(
        "max_heals",
        Type::Int(1, 1_000),
        "How often an attribute is repaired within `heal_window` before it is quarantined: somebody else keeps changing it.",
        &["3", "10"],
    )
    .default("5"),
    Attribute::new("heal_window", Type::Duration(1, 604_800), "The window of `max_heals`.", &["\"5m\"", "\"1h\""])
        .default("\"10m\""),
    Attribute::new(
        "quarantine",
        Type::Duration(1, 604_800),
        "How long a quarantine lasts. After it one repair is tried; when that doesn't hold, the next quarantine is twice as long.",
        &["\"10m\"", "\"2h\""],
    )
    .default("\"30m\""),
    Attribute::new(
        "max_unavailable",
        Type::text(&SHARE),
        "How many of the resources of one kind at one place may be missing, broken or disturbed at a time before the loop disturbs \
         no more of them; at least one.",
        &["\"10%\"", "\"50%\""],
    )
    .default("\"25%\""),
    Attribute::new(
        "max_deletes",
        Type::Int(0, 1_000_000),
        "How many resources one pass may delete in mode `apply`. A plan that deletes more waits for a human.",
        &["0", "100"],
    )
    .default("10"),
    Attribute::new(
        "freeze_above",
        Type::text(&SHARE),
        "When more than this share of everything seems lost at once, the loop looks three times before it believes that.",
        &["\"30%\"", "\"100%\""],
    )
    .default("\"50%\""),
    Attribute::new(
        "backoff",
        Type::Duration(1, 86_400),
        "How long a resource is left alone after a repair of it failed; twice as long after each further failure.",
        &["\"5s\"", "\"1m\""],
    )
    .default("\"10s\""),
    Attribute::new("max_backoff", Type::Duration(1, 86_400), "The longest of these waits.", &["\"5m\"", "\"1h\""])
        .default("\"15m\""),
];

/// The number of a share, which [`SHARE`] allows.
#[must_use]
pub fn percent(text: &str) -> Option<u8> {
    let digits = text.strip_suffix('%').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok().filter(|number| (1..=100).contains(number) && !digits.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn shares_are_whole_percents() {
        let read = |texts: &[&str]| texts.iter().map(|text| percent(text)).collect::<Vec<_>>();
        assert_eq!(read(&["1%", "25%", "100%"]), [Some(1), Some(25), Some(100)]);
        assert_eq!(read(&["0%", "101%", "25", "%", "2.5%", "+5%", "05%", "", "999%"]), [None; 9]);
    }
}
