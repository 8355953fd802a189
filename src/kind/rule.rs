//! The rules that names and texts of the outside world keep, each with its source.

use super::fault::Fault;
use super::schema::Rule;
use super::shared::Shared::Static;

/// Any text.
pub static ANY: Rule =
    Rule { says: Static("text"), pattern: None, normal: None, several: None, check: Static(&|_| Ok(())) };

/// Any text but the empty one.
pub static SOME: Rule = Rule {
    says: Static("text, not empty"),
    pattern: Some(Static("^(?s:.+)$")),
    normal: None,
    several: None,
    check: Static(&|text| if text.is_empty() { Err(Fault::new("this text can't be empty")) } else { Ok(()) }),
};

/// A Kubernetes name: an RFC 1123 label.
/// Source: <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names>.
pub static DNS_LABEL: Rule = Rule {
    says: Static("name of lower-case letters, digits and `-`, at most 63"),
    pattern: Some(Static("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        allow(
            text,
            |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
            "lower-case letters, digits and `-`",
        )?;
        ends(text, |c| c.is_ascii_lowercase() || c.is_ascii_digit())?;
        length(text, 1, 63)
    }),
};

/// A Kubernetes name of most objects: an RFC 1123 subdomain.
/// Source: <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-subdomain-names>.
pub static DNS_SUBDOMAIN: Rule = Rule {
    says: Static("name of lower-case letters, digits, `-` and `.`, at most 253"),
    pattern: Some(Static("^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        allow(text, |c| word(c) || c == '-' || c == '.', "lower-case letters, digits, `-` and `.`")?;
        if let Some(part) = text.split('.').find(|part| !part.starts_with(word) || !part.ends_with(word)) {
            return Err(Fault::new(format!(
                "each part of it begins and ends with a letter or digit, and `{part}` does not"
            )));
        }
        length(text, 1, 253)
    }),
};

/// A bucket's name, by the rules for general purpose buckets.
/// Source: <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>.
pub static BUCKET: Rule = Rule {
    says: Static("S3 bucket name"),
    pattern: None,
    normal: None,
    several: None,
    check: Static(&|text| {
        let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        allow(text, |c| word(c) || c == '-' || c == '.', "lower-case letters, digits, `-` and `.`")?;
        ends(text, word)?;
        length(text, 3, 63)?;
        if let Some(at) = text.find("..") {
            return Err(Fault::new("a bucket's name has no two dots in a row").at(at..at + 2));
        }
        if text.parse::<std::net::Ipv4Addr>().is_ok() {
            return Err(Fault::new("a bucket's name can't look like an IP address"));
        }
        for start in ["xn--", "sthree-", "amzn-s3-demo-"] {
            if text.starts_with(start) {
                return Err(
                    Fault::new(format!("S3 keeps names that begin with `{start}` for itself")).at(0..start.len())
                );
            }
        }
        for end in ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"] {
            if text.ends_with(end) {
                let at = text.len() - end.len()..text.len();
                return Err(Fault::new(format!("S3 keeps names that end with `{end}` for itself")).at(at));
            }
        }
        Ok(())
    }),
};

/// The name of one of several configurations of a bucket. S3 takes 64 characters at most, as the console and Terraform's provider do:
/// <https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/s3_bucket_inventory>.
pub static S3_CONFIGURATION: Rule = Rule {
    says: Static("name of letters, digits, `.`, `-` and `_`, at most 64"),
    pattern: Some(Static("^[A-Za-z0-9._-]{1,64}$")),
    normal: None,
    check: Static(&|text| {
        let word = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        allow(text, word, "letters, digits, `.`, `-` and `_`")?;
        length(text, 1, 64)
    }),
    several: None,
};

/// A queue's name: 80 characters at most, of which `.fifo` may be the end.
/// Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html>.
pub static QUEUE: Rule = Rule {
    says: Static("SQS queue name"),
    pattern: Some(Static("^[A-Za-z0-9_-]{1,80}(\\.fifo)?$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        let stem = text.strip_suffix(".fifo").unwrap_or(text);
        allow(stem, |c| c.is_ascii_alphanumeric() || c == '-' || c == '_', "letters, digits, `-` and `_`")?;
        length(text, 1, 80)
    }),
};

/// A role's or a policy's name.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
pub static IAM_NAME: Rule = Rule {
    says: Static("IAM name"),
    pattern: Some(Static("^[A-Za-z0-9+=,.@_-]{1,64}$")),
    normal: None,
    several: None,
    check: Static(&|text| iam_name(text, 64)),
};

/// The name of an instance profile, which may be longer.
/// Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateInstanceProfile.html>.
pub static IAM_LONG_NAME: Rule = Rule {
    says: Static("IAM name of up to 128 characters"),
    pattern: Some(Static("^[A-Za-z0-9+=,.@_-]{1,128}$")),
    normal: None,
    several: None,
    check: Static(&|text| iam_name(text, 128)),
};

/// The URL of an issuer of tokens without its scheme.
/// Source: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateOpenIDConnectProvider.html>.
pub static ISSUER: Rule = Rule {
    says: Static("host of an issuer, and its path"),
    pattern: Some(Static("^[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+(/[A-Za-z0-9._~/-]*)?$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        if let Some(at) = text.find("://") {
            let fault = Fault::new("IAM calls a provider by its URL without the scheme").at(0..at + 3);
            return Err(fault.hint(format!("write \"{}\"", &text[at + 3..])));
        }
        allow(text, |c| c.is_ascii_alphanumeric() || "._~/-".contains(c), "a host and a path, without a port")?;
        length(text, 3, 255)?;
        let (host, _) = text.split_once('/').unwrap_or((text, ""));
        match host.contains('.') && host.split('.').all(|part| !part.is_empty()) {
            true => Ok(()),
            false => Err(Fault::new(format!("`{host}` is no host of an issuer")).at(0..host.len())),
        }
    }),
};

/// The SHA-1 of a certificate.
pub static THUMBPRINT: Rule = Rule {
    says: Static("40 digits of a SHA-1"),
    pattern: Some(Static("^[0-9a-fA-F]{40}$")),
    normal: Some(Static(&|text| text.to_ascii_lowercase())),
    several: None,
    check: Static(&|text| match text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        true => Ok(()),
        false => Err(Fault::new(format!("`{text}` is no SHA-1")).hint("write its 40 digits, without colons")),
    }),
};

/// The number of an account of AWS.
/// Source: <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html>.
pub static ACCOUNT: Rule = Rule {
    says: Static("account, twelve digits"),
    pattern: Some(Static("^[0-9]{12}$")),
    normal: None,
    several: None,
    check: Static(&|text| match text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Ok(()),
        false => Err(Fault::new(format!("`{text}` is no account of AWS")).hint("write its twelve digits, as a text")),
    }),
};

/// An IAM path.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>.
pub static IAM_PATH: Rule = Rule {
    says: Static("path that begins and ends with `/`"),
    pattern: Some(Static("^/(.*/)?$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        let good = text.starts_with('/') && text.ends_with('/');
        if good { length(text, 1, 512) } else { Err(Fault::new("an IAM path begins and ends with `/`")) }
    }),
};

/// A name that SQL takes without quotes.
/// Source: <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>.
pub static SQL_NAME: Rule = Rule {
    says: Static("SQL name of lower-case letters, digits and `_`"),
    pattern: Some(Static("^[a-z_][a-z0-9_]{0,62}$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        allow(
            text,
            |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_',
            "lower-case letters, digits and `_`",
        )?;
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(Fault::new("a SQL name can't begin with a digit").at(0..1));
        }
        length(text, 1, 63)
    }),
};

/// A published port, `HOST:CONTAINER`.
pub static PORT: Rule = Rule {
    says: Static("port, \"HOST:CONTAINER\""),
    pattern: Some(Static("^[0-9]{1,5}:[0-9]{1,5}$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        let hint = "write it as \"8080:80\": the port on the host, then the port inside";
        let Some((host, inside)) = text.split_once(':') else {
            return Err(Fault::new(format!("`{text}` is no pair of ports")).hint(hint));
        };
        for (port, at) in [(host, 0), (inside, host.len() + 1)] {
            if port.parse::<u16>().ok().filter(|number| *number > 0).is_none() {
                let fault = Fault::new(format!("`{port}` is no port, which is a number from 1 to 65535"));
                return Err(fault.at(at..at + port.len()).hint(hint));
            }
        }
        Ok(())
    }),
};

/// An IP address.
pub static IP: Rule = Rule {
    says: Static("IP address"),
    pattern: None,
    normal: None,
    several: None,
    check: Static(&|text| match text.parse::<std::net::IpAddr>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Fault::new(format!("`{text}` is no IP address")).hint("write it as \"10.77.0.1\"")),
    }),
};

/// A range of IP addresses.
pub static CIDR: Rule = Rule {
    says: Static("range of IP addresses, \"10.77.0.0/24\""),
    pattern: None,
    normal: None,
    several: None,
    check: Static(&|text| {
        let fits = text.split_once('/').is_some_and(|(address, bits)| {
            let longest = match address.parse::<std::net::IpAddr>() {
                Ok(std::net::IpAddr::V4(_)) => 32,
                Ok(std::net::IpAddr::V6(_)) => 128,
                Err(_) => return false,
            };
            bits.parse::<u8>().is_ok_and(|bits| bits <= longest)
        });
        if fits {
            Ok(())
        } else {
            Err(Fault::new(format!("`{text}` is no range of IP addresses")).hint("write it as \"10.77.0.0/24\""))
        }
    }),
};

/// A day, as ISO 8601 writes it.
pub static DATE: Rule = Rule {
    says: Static("day, \"YYYY-MM-DD\""),
    pattern: Some(Static("^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        let parts: Vec<u32> = text.split('-').filter_map(|part| part.parse().ok()).collect();
        let digits = text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
        match parts.as_slice() {
            [year, month, day] if digits && text.len() == 10 && (1..=days_in(*year, *month)).contains(day) => Ok(()),
            _ => Err(Fault::new(format!("`{text}` is no day")).hint("write it as \"2040-12-31\"")),
        }
    }),
};

/// An address on the web that a probe can ask.
pub static URL: Rule = Rule {
    says: Static("http or https URL"),
    pattern: Some(Static("^https?://.+$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        match rest {
            Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !text.contains(char::is_whitespace) => Ok(()),
            _ => Err(Fault::new(format!("`{text}` is no URL")).hint("write it as \"http://HOST:PORT/PATH\"")),
        }
    }),
};

/// A path inside the project, never outside it.
pub static PATH: Rule = Rule {
    says: Static("path relative to the spec"),
    pattern: None,
    normal: None,
    several: None,
    check: Static(&|text| {
        if text.is_empty() || text.starts_with('/') || text.split('/').any(|part| part == "..") {
            let fault = Fault::new(format!("`{text}` leads out of the project"));
            return Err(fault.hint("write a path below the folder of the spec, such as \"charts/ledger-app\""));
        }
        Ok(())
    }),
};

/// A JSON pointer that leads into an object: <https://www.rfc-editor.org/rfc/rfc6901>.
pub static POINTER: Rule = Rule {
    says: Static("JSON pointer such as \"/spec/replicas\""),
    pattern: Some(Static("^/.+$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        if text.len() < 2 || !text.starts_with('/') {
            let fault = Fault::new(format!("`{text}` is no JSON pointer into an object"));
            return Err(fault.hint("begin it with a slash, and part the keys by slashes: \"/spec/replicas\""));
        }
        Ok(())
    }),
};

/// How many days a month has; none where there is no such month.
const fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}

fn iam_name(text: &str, most: usize) -> Result<(), Fault> {
    allow(text, |c| c.is_ascii_alphanumeric() || "+=,.@_-".contains(c), "letters, digits and `+=,.@_-`")?;
    length(text, 1, most)
}

pub(super) fn allow(text: &str, good: impl Fn(char) -> bool, which: &str) -> Result<(), Fault> {
    match text.char_indices().find(|(_, c)| !good(*c)) {
        Some((at, wrong)) => {
            let fault = Fault::new(format!("`{wrong}` can't stand in this name: it takes {which}"));
            Err(fault.at(at..at + wrong.len_utf8()))
        }
        None => Ok(()),
    }
}

fn ends(text: &str, good: impl Fn(char) -> bool) -> Result<(), Fault> {
    let sides = [(text.chars().next(), 0, "begin"), (text.chars().next_back(), text.len().saturating_sub(1), "end")];
    for (side, at, word) in sides {
        if let Some(wrong) = side.filter(|c| !good(*c)) {
            return Err(Fault::new(format!("this name can't {word} with `{wrong}`")).at(at..at + wrong.len_utf8()));
        }
    }
    Ok(())
}

pub(super) fn length(text: &str, min: usize, max: usize) -> Result<(), Fault> {
    match text.len() {
        n if n < min => Err(Fault::new(format!("this name has {n} characters; it needs at least {min}"))),
        n if n > max => Err(Fault::new(format!("this name has {n} characters; it may have {max} at most")).at(max..n)),
        _ => Ok(()),
    }
}
