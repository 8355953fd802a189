//! Counts as evidence for a verdict: exactly so many, at least so many, or unknown.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How many of something there are, as far as a driver counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// As many, and no more.
    Exactly(u64),
    /// As many were counted, and then counting ended: there may be more.
    AtLeast(u64),
    /// It could not be counted.
    Unknown,
}

impl Count {
    /// The least that there is.
    #[must_use]
    pub const fn least(self) -> u64 {
        match self {
            Self::Exactly(n) | Self::AtLeast(n) => n,
            Self::Unknown => 0,
        }
    }

    /// Whether it is certain that there is none.
    #[must_use]
    pub const fn is_none(self) -> bool {
        matches!(self, Self::Exactly(0))
    }

    /// Whether there may be more than another count allowed for. Where one of them does not know, there may.
    #[must_use]
    pub const fn may_exceed(self, shown: Self) -> bool {
        match (self, shown) {
            (Self::Exactly(now), Self::Exactly(then)) => now > then,
            (Self::Exactly(now) | Self::AtLeast(now), Self::AtLeast(then)) => now > then,
            (Self::AtLeast(_) | Self::Unknown, Self::Exactly(_)) => true,
            (Self::Unknown, Self::AtLeast(_)) => true,
            (_, Self::Unknown) => false,
        }
    }

    /// The sum of two counts.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        match (self, other) {
            (Self::Exactly(a), Self::Exactly(b)) => Self::Exactly(a.saturating_add(b)),
            (Self::Unknown, Self::Unknown) => Self::Unknown,
            (a, b) => Self::AtLeast(a.least().saturating_add(b.least())),
        }
    }

    /// The count in words, of things that are called so: "3 objects", "at least 10,000 objects", "an unknown number of objects".
    #[must_use]
    pub fn words(self, one: &str) -> String {
        match self {
            Self::Exactly(n) => super::amount::count(n, one),
            Self::AtLeast(n) => format!("at least {}", super::amount::count(n, one)),
            Self::Unknown => format!("an unknown number of {one}s"),
        }
    }
}

impl From<u64> for Count {
    fn from(n: u64) -> Self {
        Self::Exactly(n)
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(n) => write!(f, "{n}"),
            Self::AtLeast(n) => write!(f, "at least {n}"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// An exact count is a number, as it always was; the others are words.
impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Exactly(n) => serializer.serialize_u64(*n),
            other => serializer.collect_str(other),
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl serde::de::Visitor<'_> for Read {
            type Value = Count;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, \"at least N\" or \"unknown\"")
            }
            fn visit_u64<E: serde::de::Error>(self, n: u64) -> Result<Count, E> {
                Ok(Count::Exactly(n))
            }
            fn visit_i64<E: serde::de::Error>(self, n: i64) -> Result<Count, E> {
                u64::try_from(n).map(Count::Exactly).map_err(E::custom)
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Count, E> {
                match text.strip_prefix("at least ") {
                    Some(n) => n.parse().map(Count::AtLeast).map_err(E::custom),
                    None if text == "unknown" => Ok(Count::Unknown),
                    None => Err(E::custom("it is no count")),
                }
            }
        }
        deserializer.deserialize_any(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::Count;

    #[test]
    fn counts_are_read_back_as_they_were_written() {
        for count in [Count::Exactly(0), Count::Exactly(7), Count::AtLeast(10_000), Count::Unknown] {
            let text = serde_json::to_string(&count).expect("written");
            assert_eq!(serde_json::from_str::<Count>(&text).expect("read"), count, "{text}");
        }
    }

    #[test]
    fn growth_is_seen_whatever_was_counted() {
        use Count::{AtLeast, Exactly, Unknown};
        assert!(Exactly(3).may_exceed(Exactly(2)) && !Exactly(2).may_exceed(Exactly(2)));
        assert!(AtLeast(1).may_exceed(Exactly(2)), "there may be three");
        assert!(Unknown.may_exceed(Exactly(9)) && !Exactly(9).may_exceed(Unknown));
        assert!(AtLeast(12).may_exceed(AtLeast(10)) && !AtLeast(10).may_exceed(AtLeast(10)));
        assert_eq!(Exactly(2).plus(AtLeast(3)), AtLeast(5));
    }
}
