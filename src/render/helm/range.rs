//! Semantic versions and ranges of them, as far as charts and their dependencies use them.

use std::cmp::Ordering;

/// A version, with zeros for what is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct RangeVersion {
    numbers: [u64; 3],
    pre: String,
}

impl RangeVersion {
    /// Reads a version, with or without a `v`, of one to three numbers.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let (text, meta) = text.split_once('+').map_or((text, None), |(text, meta)| (text, Some(meta)));
        let (numbers, pre) = text.split_once('-').map_or((text, None), |(numbers, pre)| (numbers, Some(pre)));
        if !meta.is_none_or(identifiers) || !pre.is_none_or(|pre| identifiers(pre) && !pre.split('.').any(padded)) {
            return None;
        }
        let mut version = Self { pre: pre.unwrap_or_default().to_owned(), ..Self::default() };
        let mut places = version.numbers.iter_mut();
        for part in numbers.split('.') {
            *places.next()? = digits(part)?;
        }
        Some(version)
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_pre(&self.pre, &other.pre),
        })
    }
}

fn digits(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn identifiers(text: &str) -> bool {
    text.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
}

fn padded(part: &str) -> bool {
    part.len() > 1 && part.starts_with('0') && digits(part).is_some()
}

fn compare_pre(one: &str, other: &str) -> Ordering {
    let (mut ones, mut others) = (one.split('.'), other.split('.'));
    loop {
        let order = match (ones.next(), others.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (digits(a), digits(b)) {
                (Some(a), Some(b)) => a.cmp(&b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => a.cmp(b),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Whether a version lies within a range. A version or a range that is not well formed never fits.
#[must_use]
pub(super) fn fits(range: &str, version: &str) -> bool {
    let Some(version) = RangeVersion::read(version) else { return false };
    let ranges: Option<Vec<Vec<Bound>>> = range.split("||").map(bounds).collect();
    ranges.is_some_and(|ranges| {
        ranges.iter().any(|all| {
            let pre_too = all.iter().any(|bound| !bound.version.pre.is_empty());
            all.iter().all(|bound| bound.admits(&version, pre_too))
        })
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Plain,
    Not,
    Above,
    Below,
    AtLeast,
    AtMost,
    Tilde,
    Caret,
}

/// A relation to a version of which some places may be left open.
#[derive(Debug)]
struct Bound {
    relation: Relation,
    version: RangeVersion,
    open: bool,
    minor_open: bool,
    patch_open: bool,
}

fn bounds(text: &str) -> Option<Vec<Bound>> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if let Some((low, high)) = text.split_once(" - ") {
        let (low, high) = (low.trim(), high.trim());
        return Some(vec![bound(Relation::AtLeast, low)?, bound(Relation::AtMost, high)?]);
    }
    let mut all = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !"=!<>~^".contains(c)).unwrap_or(rest.len());
        let relation = match &rest[..end] {
            "" | "=" => Relation::Plain,
            "!=" => Relation::Not,
            ">" => Relation::Above,
            "<" => Relation::Below,
            ">=" | "=>" => Relation::AtLeast,
            "<=" | "=<" => Relation::AtMost,
            "~" | "~>" => Relation::Tilde,
            "^" => Relation::Caret,
            _ => return None,
        };
        rest = rest[end..].trim_start();
        let end = rest.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(rest.len());
        all.push(bound(relation, &rest[..end])?);
        rest = rest[end..].trim_start();
        if let Some(after) = rest.strip_prefix(',') {
            rest = after.trim_start();
            if rest.is_empty() {
                return None;
            }
        }
    }
    Some(all)
}

fn bound(relation: Relation, text: &str) -> Option<Bound> {
    let plain = text.strip_prefix('v').unwrap_or(text);
    let end = plain.find(['-', '+']).unwrap_or(plain.len());
    let (numbers, tail) = plain.split_at(end);
    let mut parts = numbers.split('.');
    let mut place = || parts.next().filter(|part| !part.is_empty() && !matches!(*part, "x" | "X" | "*"));
    let (major, minor, patch) = (place(), place(), place());
    if text.is_empty() || numbers.split('.').count() > 3 || numbers.split('.').any(str::is_empty) {
        return None;
    }
    let (version, minor_open, patch_open) = match (major, minor, patch) {
        (None, _, _) => (format!("0.0.0{tail}"), false, false),
        (Some(major), None, _) => (format!("{major}.0.0{tail}"), true, false),
        (Some(major), Some(minor), None) => (format!("{major}.{minor}.0{tail}"), false, true),
        (Some(major), Some(minor), Some(patch)) => (format!("{major}.{minor}.{patch}{tail}"), false, false),
    };
    let open = major.is_none() || minor.is_none() || patch.is_none();
    Some(Bound { relation, version: RangeVersion::read(&version)?, open, minor_open, patch_open })
}

impl Bound {
    fn admits(&self, version: &RangeVersion, pre_too: bool) -> bool {
        if !version.pre.is_empty() && self.version.pre.is_empty() && !pre_too {
            return false;
        }
        let order = version.compare(&self.version);
        match self.relation {
            Relation::Plain if self.open => self.near(version, order),
            Relation::Plain => order.is_eq(),
            Relation::Not => !self.same(version, order),
            Relation::Above => self.above(version, order),
            Relation::Below => order.is_lt(),
            Relation::AtLeast => order.is_ge(),
            Relation::AtMost => self.at_most(version, order),
            Relation::Tilde => self.near(version, order),
            Relation::Caret => self.compatible(version, order),
        }
    }

    fn same(&self, version: &RangeVersion, order: Ordering) -> bool {
        if !self.open {
            return order.is_eq();
        }
        let places = if self.minor_open {
            1
        } else if self.patch_open {
            2
        } else {
            0
        };
        version.numbers[..places] == self.version.numbers[..places]
    }

    fn above(&self, version: &RangeVersion, order: Ordering) -> bool {
        let ([major, minor, _], [own_major, own_minor, _]) = (version.numbers, self.version.numbers);
        match major.cmp(&own_major) {
            Ordering::Equal if self.minor_open => false,
            Ordering::Equal if self.patch_open => minor > own_minor,
            Ordering::Equal => order.is_gt(),
            other if self.open => other.is_gt(),
            _ => order.is_gt(),
        }
    }

    fn at_most(&self, version: &RangeVersion, order: Ordering) -> bool {
        if !self.open {
            return order.is_le();
        }
        let ([major, minor, _], [own_major, own_minor, _]) = (version.numbers, self.version.numbers);
        !(major > own_major || (major == own_major && minor > own_minor && !self.minor_open))
    }

    fn near(&self, version: &RangeVersion, order: Ordering) -> bool {
        if order.is_lt() {
            return false;
        }
        let own = self.version.numbers;
        if own == [0, 0, 0] && !self.minor_open && !self.patch_open {
            return true;
        }
        version.numbers[0] == own[0] && (self.minor_open || version.numbers[1] == own[1])
    }

    fn compatible(&self, version: &RangeVersion, order: Ordering) -> bool {
        if order.is_lt() {
            return false;
        }
        let ([major, minor, patch], [own_major, own_minor, own_patch]) = (version.numbers, self.version.numbers);
        if own_major > 0 || self.minor_open {
            return major == own_major;
        }
        if major > 0 {
            return false;
        }
        if own_minor > 0 || self.patch_open {
            return minor == own_minor;
        }
        minor == 0 && patch == own_patch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_charts() {
        for (range, version, expected) in [
            ("", "1.2.3", false),
            ("*", "1.2.3", true),
            ("*", "1.2.3-rc1", false),
            (">=1.0.0-0", "1.2.3-rc1", true),
            (">=1.19.0-0 <1.30", "v1.29.4", true),
            ("^1.2", "1.9.0", true),
            ("^1.2", "2.0.0", false),
            ("^0.2.3", "0.3.0", false),
            ("~1.2.3", "1.2.9", true),
            ("~1.2.3", "1.3.0", false),
            ("1.x.x", "1.3.0", true),
            ("1.2 - 1.4", "1.4.9", true),
            ("> 1.2", "1.2.5", false),
            ("> 1.2", "1.3.0", true),
            ("!= 1.2.x", "1.2.5", false),
            ("1.2.3 || 2.x", "2.5.0", true),
            (">=1.2, <2", "1.9.9", true),
            ("nonsense", "1.0.0", false),
            ("1.2.3", "1.2.3+build", true),
        ] {
            assert_eq!(fits(range, version), expected, "{range} {version}");
        }
    }
}
