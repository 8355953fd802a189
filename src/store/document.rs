//! Records that are kept whole, besides journal, inventory and history.

/// A record that is kept whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Document {
    /// The spec as it was last applied, with the files that it names.
    Applied,
    /// What the loop remembers from one pass to the next.
    Governor,
    /// What the loop was told to leave alone.
    Suspensions,
    /// The plan of a run, by the fingerprint of the plan.
    Plan(String),
}

/// How many plans are kept; the oldest go first.
pub const KEPT_PLANS: usize = 500;

/// The folder of the plans.
pub(super) const PLANS: &str = "plans/";

impl Document {
    /// What it is called among the records.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Applied => "applied.json".to_owned(),
            Self::Governor => "governor.json".to_owned(),
            Self::Suspensions => "suspensions.json".to_owned(),
            // What a record says of a fingerprint must lead nowhere else.
            Self::Plan(fingerprint) => {
                let plain: String = fingerprint.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
                format!("{PLANS}{plain}.json")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Document;

    #[test]
    fn a_fingerprint_from_a_record_leads_nowhere_else() {
        assert_eq!(Document::Plan("../../etc/passwd".into()).name(), "plans/etcpasswd.json");
        assert_eq!(Document::Plan("0a1b".into()).name(), "plans/0a1b.json");
    }
}
