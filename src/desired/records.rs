//! Where records are kept when not beside the spec.

use crate::kind::rule;

/// Records in S3: `s3://bucket/prefix`, with `region`, `endpoint` and `profile` behind a question mark where the standard
/// chain does not tell them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordsUrl {
    /// The bucket. It has to be there.
    pub bucket: String,
    /// The prefix of every key, without a slash at its end. It may be empty.
    pub prefix: String,
    /// The bucket's region.
    pub region: Option<String>,
    /// Another endpoint than AWS's own.
    pub endpoint: Option<String>,
    /// The profile of the standard credential chain.
    pub profile: Option<String>,
}

impl RecordsUrl {
    /// Reads it from a text.
    ///
    /// # Errors
    /// Why it is none, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("s3://").ok_or_else(|| format!("`{text}` does not begin with `s3://`"))?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
        (rule::BUCKET.check)(bucket).map_err(|fault| format!("`{bucket}` is no bucket: {}", fault.reason))?;
        let mut url = Self {
            bucket: bucket.to_owned(),
            prefix: prefix.trim_end_matches('/').to_owned(),
            region: None,
            endpoint: None,
            profile: None,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match key {
                "region" => &mut url.region,
                "endpoint" => &mut url.endpoint,
                "profile" => &mut url.profile,
                _ => return Err(format!("`{key}` means nothing here; `region`, `endpoint` and `profile` do")),
            };
            *place = Some(value.to_owned());
        }
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::RecordsUrl;

    #[test]
    fn a_place_in_s3_is_read() {
        let url = RecordsUrl::parse("s3://team-records/atlas/?region=eu-central-1&endpoint=http://127.0.0.1:1")
            .expect("good");
        assert_eq!((url.bucket.as_str(), url.prefix.as_str()), ("team-records", "atlas"));
        assert_eq!(url.endpoint.as_deref(), Some("http://127.0.0.1:1"));
        for bad in ["team-records", "s3://", "s3://Upper/x", "s3://team-records?what=1"] {
            assert!(RecordsUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
