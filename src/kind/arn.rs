//! What the ARNs of a kind look like. A kind says that by the formula of its output `arn`, so nothing else has to know.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>.

use super::schema::{Facts, Kind, Outputs};

/// The parts of an ARN that tell its objects apart: `arn:PARTITION:SERVICE:REGION:ACCOUNT:OBJECT`.
struct Parts<'a> {
    service: &'a str,
    region: &'a str,
    account: &'a str,
    object: &'a str,
}

impl<'a> Parts<'a> {
    fn of(arn: &'a str) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        match parts.as_slice() {
            ["arn", partition, service, region, account, object] if partition.starts_with("aws") => {
                Some(Self { service, region, account, object })
            }
            _ => None,
        }
    }

    /// The word before the first slash, by which a service tells its sorts of objects apart.
    fn sort(&self) -> Option<&'a str> {
        self.object.split_once('/').map(|(sort, _)| sort)
    }
}

/// The account in an ARN of IAM whose object begins with this word, and what stands behind the word.
#[must_use]
pub fn account_in<'a>(arn: &'a str, word: &str) -> Option<(&'a str, &'a str)> {
    let parts = Parts::of(arn).filter(|parts| parts.service == "iam" && parts.region.is_empty())?;
    let is_account = parts.account.len() == 12 && parts.account.bytes().all(|byte| byte.is_ascii_digit());
    is_account.then_some((parts.account, parts.object.strip_prefix(word)?))
}

impl Kind {
    /// Whether its objects are one and the same in every region of an account, as those of IAM are: their ARN names the
    /// account and no region.
    #[must_use]
    pub fn spans_regions(&self) -> bool {
        let arn = self.sample_arn();
        arn.as_deref().and_then(Parts::of).is_some_and(|parts| (parts.region, parts.account) == ("", "0"))
    }

    /// Whether a text is an ARN that an object of this kind may have, in any account.
    #[must_use]
    pub fn may_have_arn(&self, text: &str) -> bool {
        let Some(sample) = self.sample_arn() else { return false };
        let Some((own, other)) = Parts::of(&sample).zip(Parts::of(text)) else { return false };
        let whole = !other.object.is_empty() && !other.object.ends_with(['/', ':']);
        let plain = !text.contains(char::is_whitespace) && !text.contains(['*', '?']);
        own.service == other.service
            && own.sort() == other.sort()
            && own.region.is_empty() == other.region.is_empty()
            && own.account.is_empty() == other.account.is_empty()
            && whole
            && plain
    }

    fn sample_arn(&self) -> Option<String> {
        let attributes = [("name", "n".into()), ("path", "/".into())].into_iter().collect();
        let host = Outputs::from_iter([("account".into(), "0".to_owned())]);
        let facts = Facts { attributes: &attributes, name: "n", place: Some("r"), host: Some(&host) };
        self.output("arn")?.formula.as_ref()?(&facts)
    }
}

#[cfg(test)]
mod tests {
    use crate::kind;

    #[test]
    fn a_kind_knows_its_arns() {
        let may = |name: &str, text: &str| kind::get(name).expect("a kind").may_have_arn(text);
        for (name, good) in [
            ("bucket", "arn:aws:s3:::theirs"),
            ("bucket", "arn:aws-cn:s3:::theirs"),
            ("queue", "arn:aws:sqs:us-east-1:111122223333:orders.fifo"),
            ("role", "arn:aws:iam::111122223333:role/service-role/theirs"),
            ("policy", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
            ("policy", "arn:aws:iam::aws:policy/service-role/AWSLambdaRole"),
        ] {
            assert!(may(name, good), "{name} {good}");
            for other in ["bucket", "queue", "role", "policy", "region", "container"] {
                assert!(other == name || !may(other, good), "{other} {good}");
            }
        }
        for bad in [
            "",
            "arn",
            "arn:aws:iam::aws:policy/",
            "arn:aws:iam::aws:policy",
            "arn:aws:iam:::policy/x",
            "ARN:aws:iam::aws:policy/x",
            "arn:aws:iam::1:policy/x y",
            "arn:aws:iam::1:policy/*",
        ] {
            assert!(!may("policy", bad), "{bad}");
        }
    }
}
