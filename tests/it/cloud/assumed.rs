//! Regions whose credentials take on a role first: every call comes as the role, which is asked for once, and again before its
//! credentials end.

use std::collections::BTreeSet;

use serde_json::json;

use super::Cloud;
use super::proxy::{Failure, Proxy, Spoil};
use super::trouble::files;
use crate::support::Place;

/// The role is of another account, so that what is made as it is made there.
const ACCOUNT: &str = "111122223333";

/// Two regions behind one address, and an object of each service.
fn spec(url: &str, project: &str, settings: &str) -> String {
    let region = |name: &str| format!("[region.{name}]\naws = {{ endpoint = \"{url}\", {settings} }}\n");
    format!(
        r#"[project]
name = "{project}"
{}{}
[bucket.data]
regions = ["us-east-1", "eu-central-1"]
name = "${{region}}-{project}"
force_empty = true

[queue.work]
regions = ["us-east-1", "eu-central-1"]
name = "{project}"

[policy.read]
regions = ["us-east-1"]
name = "{project}"
allow = [{{ actions = ["s3:GetObject"], resources = ["${{bucket.data.arn}}/*"] }}]
"#,
        region("us-east-1"),
        region("eu-central-1")
    )
}

fn role(more: &str) -> String {
    format!("assume_role = {{ role = \"arn:aws:iam::{ACCOUNT}:role/deploy\"{more} }}")
}

/// The words behind a mark in texts, as far as they go.
fn words(texts: &[String], mark: &str, end: char) -> BTreeSet<String> {
    let of = |text: &String| {
        text.split(mark).skip(1).map(|rest| rest.split(end).next().unwrap_or_default().to_owned()).collect()
    };
    texts.iter().flat_map(|text| -> Vec<String> { of(text) }).collect()
}

/// What went through a proxy since the last time.
struct Passed {
    requests: Vec<String>,
    credentials: Vec<String>,
}

impl Passed {
    fn take(proxy: &Proxy) -> Self {
        let taken = |all: &std::sync::Mutex<Vec<String>>| std::mem::take(&mut *all.lock().expect("sound"));
        Self { requests: taken(&proxy.log.requests), credentials: taken(&proxy.log.credentials) }
    }

    /// The requests that ask for the role, and all others.
    fn split(self) -> (Vec<String>, Vec<String>, Vec<String>) {
        let (asking, others) = self.requests.into_iter().partition(|text| text.contains("Action=AssumeRole"));
        (asking, others, self.credentials)
    }
}

#[test]
fn every_call_of_a_region_comes_as_the_role() {
    for cloud in Cloud::localstack().into_iter().chain(Cloud::moto()) {
        let name = cloud.name;
        let proxy = Proxy::before(&cloud.us, Spoil::Nothing);
        let project = format!("assumed-{name}");
        let more = ", session_name = \"ledger-ci\", external_id = \"ledger:7\", duration = \"30m\"";
        let place = Place::with(&spec(&proxy.url(), &project, &format!("{}, accounts = [\"{ACCOUNT}\"]", role(more))));
        let mut outputs = Vec::new();
        let mut secrets = BTreeSet::new();
        for arguments in [&["apply", "--yes", "-vv"][..], &["plan", "--detailed-exitcode", "-vv"], &["status", "-vv"]] {
            let run = place.run(arguments);
            assert_eq!(run.code, 0, "{name}: {run:?}");
            outputs.push((format!("{arguments:?}"), run.stdout + &run.stderr));
            let (asking, others, credentials) = Passed::take(&proxy).split();
            // One question for both regions and all of their services.
            assert_eq!((asking.len(), credentials.len()), (1, 1), "{name}: {arguments:?}: {asking:#?}");
            for said in ["RoleSessionName=ledger-ci", "ExternalId=ledger%3A7", "DurationSeconds=1800"] {
                assert!(asking[0].contains(said), "{name}: {said}: {}", asking[0]);
            }
            let own = words(&credentials, "<AccessKeyId>", '<');
            assert!(own.is_disjoint(&words(&asking, "Credential=", '/')), "{name}: {asking:#?}");
            assert_eq!(words(&others, "Credential=", '/'), own, "{name}: {arguments:?}");
            let token = words(&credentials, "<SessionToken>", '<');
            for request in &others {
                assert!(token.iter().any(|token| request.contains(&**token)), "{name}: {request}");
            }
            secrets.extend(words(&credentials, "<SecretAccessKey>", '<'));
            secrets.extend(token);
        }
        // It is the role's account that has it all, and nobody else's.
        let listed = place.json(&["show", "policy.read@us-east-1", "--json"]).to_string();
        assert!(listed.contains(&format!("arn:aws:iam::{ACCOUNT}:policy/{project}")), "{name}: {listed}");
        assert_eq!(cloud.describe("us-east-1", "policy", &project), json!(null), "{name}");
        assert_eq!(cloud.describe("us-east-1", "queue", &project), json!(null), "{name}");
        for file in files(&place.path("")) {
            let text = String::from_utf8_lossy(&std::fs::read(&file).expect("readable")).into_owned();
            outputs.push((file.display().to_string(), text));
        }
        assert_eq!(secrets.len(), 6, "{name}: {secrets:?}");
        for (what, text) in outputs {
            assert!(secrets.iter().all(|secret| !text.contains(&**secret)), "{name}: {what}");
        }
        place.expect(0, &["destroy", "--yes"]);
    }
}

#[test]
fn a_role_of_another_account_than_the_spec_allows_does_nothing() {
    for cloud in Cloud::localstack().into_iter().chain(Cloud::moto()) {
        let proxy = Proxy::before(&cloud.us, Spoil::Nothing);
        let settings = format!("{}, accounts = [\"000000000000\", \"123456789012\"]", role(""));
        let place = Place::with(&spec(&proxy.url(), "assumed-elsewhere", &settings));
        for arguments in [&["plan", "--detailed-exitcode"][..], &["apply", "--yes"]] {
            let run = place.run(arguments);
            assert_ne!(run.code, 0, "{arguments:?}: {run:?}");
            let said = (run.stdout + &run.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
            let why =
                format!("the role `arn:aws:iam::{ACCOUNT}:role/deploy` is of account {ACCOUNT}, and the spec allows");
            assert!(said.contains(&why), "{}: {said}", cloud.name);
        }
        let calls: BTreeSet<String> = proxy.calls.lock().expect("sound").iter().cloned().collect();
        assert_eq!(calls, ["STS AssumeRole", "STS GetCallerIdentity"].map(str::to_owned).into(), "{}", cloud.name);
    }
}

#[test]
fn a_role_that_is_refused_is_named_with_what_to_do() {
    let Some(cloud) = Cloud::moto() else { return };
    let denied = Failure {
        status: 403,
        code: "AccessDenied",
        message: "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: sts:AssumeRole",
    };
    let too_long = Failure {
        status: 400,
        code: "ValidationError",
        message: "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    };
    for (failure, more, hint) in [
        (denied, "", "its trust policy has to name who calls and may ask for an `external_id`"),
        (denied, ", external_id = \"e7\"", "its trust policy has to name who calls and this `external_id`"),
        (too_long, ", duration = \"12h\"", "`duration` may be no longer than the role's longest session"),
    ] {
        let proxy = Proxy::before(&cloud.us, Spoil::First("Action=AssumeRole", usize::MAX, failure));
        let place = Place::with(&spec(&proxy.url(), "assumed-refused", &role(more)));
        let run = place.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(run.code, 4, "{run:?}");
        let said = (run.stdout + &run.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [&*format!("assuming the role `arn:aws:iam::{ACCOUNT}:role/deploy`: {}", failure.code), hint] {
            assert!(said.contains(part), "{part}: {said}");
        }
        // Nothing is asked without the role.
        let calls: BTreeSet<String> = proxy.calls.lock().expect("sound").iter().cloned().collect();
        assert_eq!(calls, ["STS AssumeRole".to_owned()].into(), "{said}");
    }
}

#[test]
fn credentials_are_asked_for_again_before_they_end() {
    let Some(cloud) = Cloud::moto() else { return };
    // Of an hour forty seconds are left, so that they would outlive this run.
    let proxy = Proxy::before(&cloud.us, Spoil::EndsEarly(3_560));
    let place = Place::with(&spec(&proxy.url(), "assumed-again", &role("")));
    place.expect(0, &["apply", "--yes"]);
    let (asking, others, credentials) = Passed::take(&proxy).split();
    assert!(asking.len() > 3, "{}", asking.len());
    assert!(words(&others, "Credential=", '/').is_subset(&words(&credentials, "<AccessKeyId>", '<')));
    place.expect(0, &["plan", "--detailed-exitcode"]);
    place.expect(0, &["destroy", "--yes"]);
}
