//! Drift told from change, in one place: what was last applied to an object, by its mark, beside what is there now and what
//! the spec asks for.
//!
//! The mark has one digest for each attribute. An attribute that still has the value behind its digest was touched by
//! nobody, whatever the spec says of it by now. One that has another value was moved, and which path in it, the digest tells
//! as well: the value that was applied is the one there is, but for the paths that were moved.

use foldhash::HashMap;

use super::change::{AttributeChange, Drifted};
use crate::kind::{Attribute, Kind};
use crate::observed::Object;
use crate::path::split;
use crate::value::{Attributes, Value};

/// With how many differences in one attribute every combination is tried. With more, only the likely ones are.
const FEW: usize = 3;
/// With more differences than this in one attribute that was moved, all of them count as drift.
const MANY: usize = 12;

/// What was last applied to an object.
pub struct LastApplied<'a> {
    digests: HashMap<&'a str, &'a str>,
    ignore: &'a [String],
}

/// What the value that was applied had at a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Had {
    /// What is there now: nobody moved it.
    Now,
    /// What the spec asks for: somebody moved it.
    Asked,
    /// Nothing: the spec did not say it then, and others did.
    Nothing,
}

impl<'a> LastApplied<'a> {
    /// Reads a mark's `applied`; none when it tells nothing, as the object was not finished.
    pub fn read(kind: &Kind, applied: &'a str, ignore: &'a [String]) -> Option<Self> {
        let digests = applied.split(' ').filter_map(|pair| pair.split_once(':')).collect();
        (!is_unfinished(kind, applied)).then_some(Self { digests, ignore })
    }

    /// Marks those differences that somebody made behind Atlas's back.
    pub fn tell(&self, kind: &Kind, before: &Attributes, changes: &mut [AttributeChange]) {
        for attribute in kind.attributes.iter() {
            let own = |change: &AttributeChange| split(&change.path).first() == Some(&attribute.name);
            let mut group: Vec<&mut AttributeChange> = changes.iter_mut().filter(|change| own(change)).collect();
            if !group.is_empty() {
                self.tell_one(attribute, before.get(attribute.name), &mut group);
            }
        }
    }

    fn tell_one(&self, attribute: &Attribute, now: &Value, changes: &mut [&mut AttributeChange]) {
        let Some(digest) = self.digests.get(attribute.name) else {
            // The mark has no digest of this attribute. If it has a default, an older Atlas did not know it. Otherwise
            // nobody asked for it then: a value that the spec asks for now is a change, and any other one was set by
            // somebody else.
            for change in changes.iter_mut() {
                let set = attribute.default.is_none() && change.after.is_null();
                change.drift = if set { Drifted::FromDesired } else { Drifted::None };
            }
            return;
        };
        let had = self.find(attribute.name, now, changes, digest);
        for (at, change) in changes.iter_mut().enumerate() {
            change.drift = match had.as_ref().map(|had| had[at]) {
                Some(Had::Asked) => Drifted::FromDesired,
                Some(Had::Now | Had::Nothing) => Drifted::None,
                None => Drifted::FromUnknown,
            };
        }
    }

    /// What the applied value had at each path that differs now; none when that can't be told.
    fn find(&self, name: &str, now: &Value, changes: &[&mut AttributeChange], digest: &str) -> Option<Vec<Had>> {
        let fits = |had: &[Had]| {
            let mut value = now.clone();
            for (change, had) in changes.iter().zip(had) {
                let parts = split(&change.path);
                match had {
                    Had::Now => {}
                    Had::Asked => value = value.with(&parts[1..], change.after.clone()),
                    Had::Nothing => value = value.with(&parts[1..], Value::Null),
                }
            }
            value.digest() == digest || self.is_without_ignored(name, value, digest)
        };
        let count = changes.len();
        let all = |had: Had| vec![had; count];
        if count > MANY {
            return Some(all(Had::Now)).filter(|had| fits(had));
        }
        combinations(count).into_iter().find(|had| fits(had))
    }

    /// What is left to others is no part of what was applied.
    fn is_without_ignored(&self, name: &str, value: Value, digest: &str) -> bool {
        let mut paths =
            self.ignore.iter().map(|path| split(path)).filter(|parts| parts.first() == Some(&name)).peekable();
        paths.peek().is_some()
            && paths.fold(value, |value, parts| value.with(&parts[1..], Value::Null)).digest() == digest
    }
}

/// What to try, the likeliest first: nobody moved anything; somebody moved all of it; one path differs from the others.
fn combinations(count: usize) -> Vec<Vec<Had>> {
    const ALL: [Had; 3] = [Had::Now, Had::Asked, Had::Nothing];
    let mut tried: Vec<Vec<Had>> = ALL.iter().map(|had| vec![*had; count]).collect();
    if count <= FEW {
        for number in 0..3_usize.pow(u32::try_from(count).unwrap_or_default()) {
            tried.push(
                (0..count).map(|at| ALL[number / 3_usize.pow(u32::try_from(at).unwrap_or_default()) % 3]).collect(),
            );
        }
        return tried;
    }
    for at in 0..count {
        for (most, one) in [(Had::Now, Had::Asked), (Had::Now, Had::Nothing), (Had::Asked, Had::Now)] {
            let mut had = vec![most; count];
            had[at] = one;
            tried.push(had);
        }
    }
    tried
}

/// Whether Atlas began to make an object and did not finish: by its mark nothing was applied to it yet. An object that has
/// nothing to apply is finished all the same, unless something is wrong with it.
pub fn is_only_begun(kind: &Kind, object: &Object) -> bool {
    let applied = object.mark.as_ref().map(|mark| mark.applied.as_str());
    applied.is_some_and(|applied| is_unfinished(kind, applied) || (applied.is_empty() && !object.condition.is_ready()))
}

fn is_unfinished(kind: &Kind, applied: &str) -> bool {
    let always = |attribute: &Attribute| attribute.required || attribute.default.is_some();
    applied.is_empty() && kind.attributes.iter().any(always)
}
