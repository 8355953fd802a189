//! Semantic versions and what is asked of them, for charts, their dependencies and their templates.

mod constraint;
mod version;

pub use constraint::{holds, read};
pub use version::SemanticVersion;

/// Whether a version lies within a range. A version or a range that is not well formed never fits.
#[must_use]
pub fn fits(range: &str, version: &str) -> bool {
    let both = read(range).and_then(|constraint| Ok((constraint, SemanticVersion::read(version)?)));
    both.is_ok_and(|(constraint, version)| holds(&constraint, &version))
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
