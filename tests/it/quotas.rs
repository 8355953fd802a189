//! Quotas of AWS: the largest thing that it takes passes, and one more is refused before anything is made.

use std::fmt::Write as _;

use atlas::diagnostic::{Diagnostics, code};
use atlas::spec::{Inputs, compile};

const HEAD: &str = "[project]\nname = \"t\"\n[region.us-east-1]\n";

fn found(spec: &str) -> Diagnostics {
    compile(&format!("{HEAD}{spec}"), &Inputs::default()).1
}

/// A statement about so many characters that IAM counts, in JSON, with white space that it does not.
fn document(length: usize) -> String {
    let frame = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::"}]}"#;
    let wide = frame.replace(',', ",     ").replace("s3:::", &format!("s3:::{}", "x".repeat(length - frame.len())));
    format!("'{wide}'")
}

#[test]
fn policies_are_as_long_as_iam_takes_and_no_longer() {
    let policy = |length| format!("[policy.p]\nregions = [\"us-east-1\"]\ndocument = {}\n", document(length));
    let role = "[role.r]\nregions = [\"us-east-1\"]\ntrust = { service = \"ec2.amazonaws.com\" }\n";
    let inline = |length| format!("{role}policy = {}\n", document(length));
    let both =
        |length| format!("{role}policy = {}\ninline_policies = {{ more = {} }}\n", document(5_000), document(length));
    let of = |kind: &'static str| {
        move |length| format!("[{kind}.p]\nregions = [\"us-east-1\"]\npolicy = {}\n", document(length))
    };
    let (user, group) = (of("user"), of("group"));
    for (longest, spec) in [
        (6_144, &policy as &dyn Fn(usize) -> String),
        (10_240, &inline),
        (5_240, &both),
        (2_048, &user),
        (4_096, &group),
    ] {
        let sound = found(&spec(longest));
        assert!(!sound.has_errors(), "{longest}: {sound:#?}");
        let long = found(&spec(longest + 1));
        assert!(long.has_errors() && long.iter().any(|one| one.code == &code::POLICY_TOO_LONG), "{longest}: {long:#?}");
    }
    let short = |count: usize| {
        let all: Vec<String> = (0..count).map(|n| format!("\"arn:aws:s3:::{n:04}\"")).collect();
        format!(
            "[policy.p]\nregions = [\"us-east-1\"]\nallow = [{{ actions = [\"s3:GetObject\"], resources = [{}] }}]\n",
            all.join(", ")
        )
    };
    assert!(!found(&short(200)).has_errors());
    assert!(found(&short(400)).iter().any(|one| one.code == &code::POLICY_TOO_LONG));
    // The quota of trust policies can be raised, so it is no error.
    let trust = |length: usize| {
        let frame = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":""}}]}"#;
        let principal = "1".repeat(length - frame.len());
        let text = frame.replace("\"\"", &format!("\"{principal}\""));
        found(&format!("[role.r]\nregions = [\"us-east-1\"]\ntrust_policy = '{text}'\n"))
    };
    assert!(trust(2_048).iter().next().is_none());
    let long = trust(2_049);
    assert!(!long.has_errors() && long.iter().any(|one| one.code == &code::POLICY_TOO_LONG), "{long:#?}");
}

#[test]
fn an_object_has_as_many_tags_as_aws_takes_beside_the_mark() {
    for (kind, more) in [
        ("bucket", ""),
        ("queue", ""),
        ("instance_profile", ""),
        ("oidc_provider", "name = \"tokens.example.com\"\n"),
        ("user", ""),
        ("role", "trust = { service = \"ec2.amazonaws.com\" }\n"),
        ("policy", "allow = [{ actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::a\"] }]\n"),
    ] {
        let spec = |keys: &[String]| {
            let mut tags = String::new();
            keys.iter().for_each(|key| write!(tags, "{key} = \"x\", ").expect("written"));
            let tags = tags.trim_end_matches([',', ' ']);
            found(&format!("[{kind}.subject]\nregions = [\"us-east-1\"]\n{more}tags = {{ {tags} }}\n"))
        };
        let keys = |count: usize| -> Vec<String> { (0..count).map(|n| format!("k{n}")).collect() };
        assert!(!spec(&keys(38)).has_errors(), "{kind}");
        assert!(spec(&keys(39)).iter().any(|one| one.code == &code::TOO_MANY_TAGS), "{kind}");
        let twice = spec(&["team".to_owned(), "Team".to_owned()]);
        let iam = ["role", "policy", "instance_profile", "oidc_provider", "user"].contains(&kind);
        assert_eq!(twice.iter().any(|one| one.code == &code::TAG_TWICE), iam, "{kind}: {twice:#?}");
    }
}
