//! What a change of a bucket loses, and what its deletion does.

use super::lifecycle::{days, says};
use super::object_lock;
use crate::kind::amount;
use crate::kind::attributes::leaves_kms_key;
use crate::kind::count::Count;
use crate::kind::verdict::{Usage, Verdict, counted};
use crate::value::{Attributes, Value};

/// What the deletion of a bucket loses.
pub fn of_deletion(usage: &Usage) -> Verdict {
    match held(usage) {
        InBucket::Nothing => empty(),
        InBucket::Unknown => Verdict::lossy("what the bucket holds could not be observed"),
        InBucket::Some(what) => Verdict::lossy(format!("the bucket holds {what}")),
    }
}

/// What a change of a bucket loses, at once or from then on; none when nothing of it bears on what the bucket holds.
pub fn of_update(before: &Attributes, after: &Attributes, usage: &Usage) -> Option<Verdict> {
    let rules = of_lifecycle(before, after, usage);
    let lock = object_lock::of_update(before, after);
    let others = [of_versioning(before, after), of_replication(before, after), of_key(before, after), lock];
    let held = held(usage);
    let others = others.into_iter().flatten().map(|why| match held {
        InBucket::Nothing => empty(),
        _ => Verdict::recoverable(why),
    });
    rules.into_iter().chain(others).max_by_key(|verdict| verdict.risk)
}

fn empty() -> Verdict {
    Verdict::safe("the bucket is empty")
}

/// What a bucket holds.
enum InBucket {
    Nothing,
    Some(String),
    Unknown,
}

fn held(usage: &Usage) -> InBucket {
    match (counted(usage, "objects"), counted(usage, "bytes")) {
        (Count::Exactly(0), _) => InBucket::Nothing,
        (Count::Unknown, _) => InBucket::Unknown,
        (objects, bytes) => InBucket::Some([&*objects.words("object"), &*amount::bytes(bytes.least())].join(", ")),
    }
}

/// A rule removes objects that no rule removed before, or removes them earlier.
fn of_lifecycle(before: &Attributes, after: &Attributes, usage: &Usage) -> Option<Verdict> {
    let (old, new) = (before.get("lifecycle").items(), after.get("lifecycle").items());
    let wider: Vec<&str> = new
        .iter()
        .filter(|rule| is_enabled(rule))
        .filter(|rule| {
            REMOVALS.iter().any(|one| one.removes(rule) && !old.iter().any(|former| one.covers(former, rule)))
        })
        .map(|rule| rule.at("id").and_then(Value::as_str).unwrap_or_default())
        .collect();
    if wider.is_empty() {
        return None;
    }
    let rules = wider.join("`, `");
    let versioned = after.get("versioning") == &Value::Bool(true) && before.get("versioning") == &Value::Bool(true);
    let purges = |rule: &&Value| is_enabled(rule) && says(rule, "expire_noncurrent_after");
    if versioned && !new.iter().any(|rule| purges(&rule)) {
        let why = format!("what `{rules}` removes stays as an old version");
        return Some(if matches!(held(usage), InBucket::Nothing) { empty() } else { Verdict::recoverable(why) });
    }
    Some(match held(usage) {
        InBucket::Nothing => empty(),
        InBucket::Unknown => {
            Verdict::lossy(format!("what the bucket holds could not be observed, and `{rules}` removes of it"))
        }
        InBucket::Some(what) => {
            Verdict::lossy(format!("of {what}, those that `{rules}` matches would be removed as they age"))
        }
    })
}

fn of_versioning(before: &Attributes, after: &Attributes) -> Option<&'static str> {
    let on = |attributes: &Attributes| attributes.get("versioning") == &Value::Bool(true);
    (on(before) && !on(after)).then_some("old versions stay, but what is overwritten or deleted from now on is gone")
}

fn of_replication(before: &Attributes, after: &Attributes) -> Option<&'static str> {
    let forms = ["replication", "replication_rules"];
    let was = forms.iter().any(|form| !before.get(form).is_null());
    let gone = was && forms.iter().any(|form| before.get(form) != after.get(form));
    gone.then_some("what was copied stays, but what is written from now on is copied as the spec says now")
}

fn of_key(before: &Attributes, after: &Attributes) -> Option<&'static str> {
    leaves_kms_key(before, after)
        .then_some("what is there stays encrypted with the former key, and is lost once that key is")
}

/// A way in which a rule removes something.
struct Removal {
    /// The age at which it does.
    age: &'static str,
    /// The day from which it does.
    day: Option<&'static str>,
    /// How many are left whatever their age.
    kept: Option<&'static str>,
}

const REMOVALS: [Removal; 2] = [
    Removal { age: "expire_after", day: Some("expire_on"), kept: None },
    Removal { age: "expire_noncurrent_after", day: None, kept: Some("keep_noncurrent") },
];

impl Removal {
    fn removes(&self, rule: &Value) -> bool {
        says(rule, self.age) || self.day.is_some_and(|day| says(rule, day))
    }

    /// Whether all that a rule removes, another one removed before, and no later.
    fn covers(&self, former: &Value, rule: &Value) -> bool {
        let kept = |rule: &Value| self.kept.and_then(|name| rule.at(name)?.as_int()).unwrap_or(0);
        let sooner = match (days(former.at(self.age)), days(rule.at(self.age))) {
            (Some(was), Some(is)) => was <= is && kept(former) <= kept(rule),
            _ => false,
        };
        let day = |rule: &Value| self.day.and_then(|name| rule.at(name)?.as_str().map(str::to_owned));
        let on_day = day(former).zip(day(rule)).is_some_and(|(was, is)| was <= is);
        is_enabled(former) && (sooner || on_day) && matches_no_more(former, rule)
    }
}

fn is_enabled(rule: &Value) -> bool {
    rule.at("enabled") != Some(&Value::Bool(false))
}

/// Whether every object that a rule matches, another one matched before.
fn matches_no_more(former: &Value, rule: &Value) -> bool {
    let text = |rule: &Value| rule.at("prefix").and_then(Value::as_str).unwrap_or_default().to_owned();
    let tags = |rule: &Value| match rule.at("tags") {
        Some(Value::Map(tags)) => tags.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        _ => Vec::new(),
    };
    let number = |rule: &Value, name: &str| rule.at(name).and_then(Value::as_int);
    let now = tags(rule);
    text(rule).starts_with(&text(former))
        && tags(former).iter().all(|tag| now.contains(tag))
        && number(former, "larger_than").is_none_or(|was| number(rule, "larger_than").is_some_and(|is| is >= was))
        && number(former, "smaller_than").is_none_or(|was| number(rule, "smaller_than").is_some_and(|is| is <= was))
}
