//! Ownership marks as tags.
//!
//! All three services take tags with keys of 128 and values of 256 characters, out of letters, digits, spaces and
//! `+ - = . _ : / @`, up to 50 of them:
//! <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>. What is longer goes into
//! several.
//!
//! Tags can be copied from one object to another, and a user's tags are tags like the mark's. So the mark's own keys are
//! never taken from the spec, and what a mark says has to fit the object that carries it: its kind, and the name that it
//! was applied with.

use std::collections::BTreeMap;

use crate::address::Address;
use crate::desired::OnRemove;
use crate::kind::Kind;
use crate::observed::Mark;
use crate::value::{Attributes, Value};

/// Tags by key.
pub(super) type Tags = BTreeMap<String, String>;

const OWN: &str = "atlas:";
const LONGEST: usize = 256;

/// The tags that are the mark itself; other tags of Atlas's own say what the spec said.
const MARK: [&str; 7] = ["project", "environment", "address", "protect", "on-remove", "needs", "applied"];

/// Attributes that no API has a place for: they steer how the object is updated and deleted, and are kept as tags.
const STEERING: [&str; 2] = ["force_empty", "tags_exclusive"];

/// The mark that the tags of an object of this kind and name hold; none when they hold none, one that nobody can read, or
/// one that is a copy of another object's.
pub(super) fn read(tags: &Tags, kind: &str, name: &str) -> Option<Mark> {
    let text = |key: &str| tags.get(&own(key)).cloned();
    let address = Address::parse(&text("address")?).ok()?;
    let applied = long(tags, "applied");
    let called = applied.split(' ').find_map(|pair| pair.strip_prefix("name:"));
    if address.kind() != kind || called.is_some_and(|digest| digest != Value::from(name).digest()) {
        return None;
    }
    let needs = long(tags, "needs");
    Some(Mark {
        project: text("project")?.into(),
        environment: text("environment")?.into(),
        address,
        protect: text("protect").is_some_and(|word| word == "true"),
        on_remove: if text("on-remove").is_some_and(|word| word == "forget") {
            OnRemove::Forget
        } else {
            OnRemove::Delete
        },
        needs: needs.split(' ').filter_map(|need| Address::parse(need).ok()).collect(),
        applied,
    })
}

/// The tags of an object: the spec's own, what steers Atlas, and the mark, which is put in last.
pub(super) fn write(mark: &Mark, attributes: &Attributes) -> Tags {
    let mut tags = wanted_tags(attributes);
    let keys: Vec<String> = tags.keys().map(|key| escape(key)).collect();
    put_long(&mut tags, "tags", &keys.join(" "));
    for name in STEERING {
        if attributes.get(name) == &Value::Bool(true) {
            tags.insert(own(&name.replace('_', "-")), "true".to_owned());
        }
    }
    put_mark(&mut tags, mark);
    tags
}

fn put_mark(tags: &mut Tags, mark: &Mark) {
    let mut put = |key: &str, value: &str| tags.insert(own(key), value.to_owned());
    put("project", &mark.project);
    put("environment", &mark.environment);
    put("address", mark.address.as_str());
    if mark.protect {
        put("protect", "true");
    }
    if mark.on_remove == OnRemove::Forget {
        put("on-remove", "forget");
    }
    let needs: Vec<&str> = mark.needs.iter().map(Address::as_str).collect();
    put_long(tags, "needs", &needs.join(" "));
    put_long(tags, "applied", &mark.applied);
}

/// What an object's tags say about its attributes: the spec's own tags, and what steers Atlas.
///
/// Tags that others added are left out, unless the object may have none but the spec's. Tags that Atlas once wrote, and
/// those that the spec wants now, are always included.
pub(super) fn attributes(kind: &Kind, tags: &Tags, wanted: Option<&Attributes>) -> Vec<(&'static str, Value)> {
    let exclusive = |attributes: &Attributes| attributes.get("tags_exclusive") == &Value::Bool(true);
    let all = tags.contains_key(&own("tags-exclusive")) || wanted.is_some_and(exclusive);
    let written: Vec<String> = long(tags, "tags").split(' ').map(unescape).collect();
    let now = wanted.map(wanted_keys).unwrap_or_default();
    let mine = |key: &str| all || written.iter().any(|own| own == key) || now.iter().any(|own| own == key);
    let kept = tags.iter().filter(|(key, _)| !is_reserved(key) && mine(key));
    let kept: Vec<_> = kept.map(|(key, value)| (key.into(), Value::from(value.as_str()))).collect();
    let mut found = vec![("tags", if kept.is_empty() { Value::Null } else { Value::Map(kept.into_iter().collect()) })];
    for name in STEERING.into_iter().filter(|name| kind.attribute(name).is_some()) {
        found.push((name, Value::Bool(tags.contains_key(&own(&name.replace('_', "-"))))));
    }
    found
}

/// The attributes of a spec that says all tags of an object, but for those that nobody can give it.
pub(super) fn all_as_wanted(tags: &Tags) -> Attributes {
    let own = tags.iter().filter(|(key, _)| !is_reserved(key));
    let own = own.map(|(key, value)| (key.into(), Value::from(value.as_str()))).collect();
    std::iter::once(("tags", Value::map(own))).collect()
}

/// The tags that an object has to have after a change, given those that it has: others' are kept, unless the spec wants
/// no others.
pub(super) fn merged(there: &Tags, mark: &Mark, attributes: &Attributes) -> Tags {
    let exclusive = attributes.get("tags_exclusive") == &Value::Bool(true);
    let written: Vec<String> = long(there, "tags").split(' ').map(unescape).collect();
    let others = there.iter().filter(|(key, _)| {
        key.starts_with("aws:") || !key.starts_with(OWN) && !exclusive && !written.iter().any(|own| own == *key)
    });
    others.map(|(key, value)| (key.clone(), value.clone())).chain(write(mark, attributes)).collect()
}

/// The tags of an object that gets another mark, and stays as it is otherwise.
pub(super) fn remarked(there: &Tags, mark: &Mark) -> Tags {
    let is_of_mark = |key: &str| {
        let key = key.strip_prefix(OWN).map(|key| key.split('.').next().unwrap_or_default());
        key.is_some_and(|key| MARK.contains(&key))
    };
    let others = there.iter().filter(|(key, _)| !is_of_mark(key));
    let mut tags = others.map(|(key, value)| (key.clone(), value.clone())).collect();
    put_mark(&mut tags, mark);
    tags
}

/// The tags of an object that Atlas lets go of: all but the mark.
pub(super) fn without(there: &Tags) -> Tags {
    there.iter().filter(|(key, _)| !key.starts_with(OWN)).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// What leads from some tags to others: the keys to remove, and the tags that are not there yet or have another value.
pub(super) fn difference(there: &Tags, wanted: Tags) -> (Vec<String>, Tags) {
    let gone = there.keys().filter(|key| !wanted.contains_key(*key) && !key.starts_with("aws:")).cloned().collect();
    (gone, wanted.into_iter().filter(|(key, value)| there.get(key) != Some(value)).collect())
}

/// Whether a bucket's objects go with it.
pub(super) fn empties(tags: &Tags) -> bool {
    tags.contains_key(&own("force-empty"))
}

/// The spec's own tags. Reserved keys are refused in the spec, and are nothing that it could say here.
fn wanted_tags(attributes: &Attributes) -> Tags {
    match attributes.get("tags") {
        Value::Map(entries) => {
            let text = |value: &Value| value.as_str().map(str::to_owned);
            let own = entries.iter().filter(|(key, _)| !is_reserved(key));
            own.filter_map(|(key, value)| Some((key.to_string(), text(value)?))).collect()
        }
        _ => Tags::new(),
    }
}

fn wanted_keys(attributes: &Attributes) -> Vec<String> {
    match attributes.get("tags") {
        Value::Map(entries) => entries.keys().map(ToString::to_string).collect(),
        _ => Vec::new(),
    }
}

fn is_reserved(key: &str) -> bool {
    key.starts_with(OWN) || key.starts_with("aws:")
}

/// The key of a tag of Atlas's own.
pub(super) fn own(key: &str) -> String {
    format!("{OWN}{key}")
}

fn long(tags: &Tags, key: &str) -> String {
    let more = (2..).map_while(|n| tags.get(&own(&format!("{key}.{n}"))));
    tags.get(&own(key)).into_iter().chain(more).map(|part| part.strip_suffix('/').unwrap_or(part)).collect()
}

fn put_long(tags: &mut Tags, key: &str, text: &str) {
    // A part may end with a space, which some services cut off, so a slash is put at its end.
    let characters: Vec<char> = text.chars().collect();
    for (at, part) in characters.chunks(LONGEST - 1).enumerate() {
        let name = if at == 0 { own(key) } else { own(&format!("{key}.{}", at + 1)) };
        tags.insert(name, part.iter().collect::<String>() + "/");
    }
}

/// A key may hold spaces, so a list of keys has them escaped.
fn escape(key: &str) -> String {
    key.replace('=', "=3D").replace(' ', "=20")
}

fn unescape(key: &str) -> String {
    key.replace("=20", " ").replace("=3D", "=")
}

#[cfg(test)]
mod tests {
    use super::{Tags, attributes, merged, read, remarked, without, write};
    use crate::address::Address;
    use crate::desired::OnRemove;
    use crate::kind;
    use crate::observed::Mark;
    use crate::value::{Attributes, Value};

    fn mark() -> Mark {
        let address = |n: usize| Address::new("queue", &format!("with-a-long-name-{n}"), Some("us-east-1"));
        Mark {
            project: "p".into(),
            environment: "e".into(),
            address: address(0),
            protect: true,
            on_remove: OnRemove::Forget,
            needs: (1..20).map(address).collect(),
            applied: format!("name:{} tags:4567", Value::from("orders").digest()),
        }
    }

    fn of_tags(text: &str) -> Attributes {
        [("tags", kind::literal(text))].into_iter().collect()
    }

    #[test]
    fn a_mark_survives_its_tags() {
        let mark = mark();
        let mut wanted = of_tags("{ \"a b=c\" = \"1\", team = \"x\" }");
        wanted.set("tags_exclusive", kind::literal("false"));
        let tags = write(&mark, &wanted);
        assert!(tags.values().all(|value| value.len() <= 256));
        assert_eq!(read(&tags, "queue", "orders"), Some(mark.clone()));
        let mut there = tags.clone();
        there.insert("other".into(), "theirs".into());
        let queue = kind::get("queue").expect("a kind");
        let found: Attributes = attributes(queue, &there, None).into_iter().collect();
        assert_eq!(found, wanted);
        let mut less = Attributes::default();
        let after = merged(&there, &mark, &less);
        assert!(after.contains_key("other") && !after.contains_key("team"));
        less.set("tags_exclusive", kind::literal("true"));
        assert!(!merged(&there, &mark, &less).contains_key("other"));
    }

    #[test]
    fn no_tag_of_a_user_is_part_of_the_mark() {
        let (sound, free) = (mark(), Mark { protect: false, ..mark() });
        let cases = [
            (&sound, "{ \"atlas:protect\" = \"false\" }"),
            (&free, "{ \"atlas:protect\" = \"true\" }"),
            (&sound, "{ \"atlas:project\" = \"victim\", \"atlas:address\" = \"queue.theirs@us-east-1\" }"),
            (&sound, "{ \"atlas:needs.2\" = \"bucket.x@us-east-1/\", \"atlas:applied.2\" = \"name:0/\" }"),
            (&sound, "{ \"atlas:force-empty\" = \"true\", \"aws:x\" = \"1\" }"),
        ];
        for (mark, said) in cases {
            let plain = write(mark, &Attributes::default());
            assert_eq!(write(mark, &of_tags(said)), plain, "{said}");
            assert_eq!(merged(&plain, mark, &of_tags(said)), plain, "{said}");
        }
    }

    #[test]
    fn a_copy_of_a_mark_is_no_mark() {
        let tags = write(&mark(), &Attributes::default());
        assert!(read(&tags, "queue", "orders").is_some());
        assert_eq!(read(&tags, "queue", "copy"), None, "the name is another object's");
        assert_eq!(read(&tags, "bucket", "orders"), None, "the kind is another object's");
        // A mark that does not tell the name counts on any object, as before.
        let older = Mark { applied: String::new(), ..mark() };
        assert!(read(&write(&older, &Attributes::default()), "queue", "anything").is_some());
    }

    #[test]
    fn another_mark_changes_nothing_but_the_mark() {
        let mut wanted = of_tags("{ team = \"x\" }");
        wanted.set("force_empty", Value::Bool(true));
        let mut there = write(&mark(), &wanted);
        there.insert("theirs".into(), "1".into());
        let other = Mark { protect: false, on_remove: OnRemove::Delete, needs: Vec::new(), ..mark() };
        let after = remarked(&there, &other);
        assert_eq!(read(&after, "queue", "orders"), Some(other));
        let rest = |tags: &Tags| -> Vec<String> {
            let mark = ["project", "environment", "address", "protect", "on-remove", "needs", "applied"];
            let is_mark =
                |key: &str| mark.iter().any(|one| key.strip_prefix("atlas:").is_some_and(|k| k.starts_with(one)));
            tags.keys().filter(|key| !is_mark(key)).cloned().collect()
        };
        assert_eq!(rest(&after), rest(&there));
        assert_eq!(without(&there).into_keys().collect::<Vec<_>>(), ["team", "theirs"]);
    }
}
