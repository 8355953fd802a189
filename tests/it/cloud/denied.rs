//! Clouds that let Atlas see nothing: credentials that are dead, and lists that are refused after an apply.

use serde_json::{Value, json};

use super::Cloud;
use super::proxy::{Proxy, Spoil};
use super::trouble::many;
use crate::support::Place;

#[test]
fn dead_credentials_are_no_good_news() {
    let Some(cloud) = Cloud::moto() else { return };
    let spec = many(&cloud.head("dead"), "dead", 1, "\"us-east-1\"");
    let place = Place::with(&spec);
    place.expect(0, &["apply", "--yes"]);
    let proxy = Proxy::before(&cloud.us, Spoil::Deny(""));
    place.write("atlas.toml", &spec.replace(&cloud.us, &proxy.url()));
    for arguments in [&["drift"][..], &["status"], &["plan", "--detailed-exitcode"]] {
        let run = place.run(arguments);
        assert_eq!(run.code, 4, "{arguments:?}: {run:?}");
        let said = (run.stdout.clone() + &run.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("denies access"), "{arguments:?}: {said}");
        assert!(!said.contains("does not answer"), "who refuses does answer: {arguments:?}: {said}");
    }
    let drift: Value = serde_json::from_str(&place.expect(4, &["drift", "--json"])).expect("JSON");
    assert_eq!(drift["drift"], json!([]), "{drift:#}");
    assert!(drift["unknown"].as_array().is_some_and(|all| all.len() >= 2), "{drift:#}");
}

#[test]
fn an_apply_whose_last_look_is_refused_proves_nothing() {
    let Some(cloud) = Cloud::moto() else { return };
    for (status, project) in [(403, "proof403"), (500, "proof500")] {
        let first = if status == 403 { "PUT /us-east-1-proof403" } else { "PUT /us-east-1-proof500" };
        let proxy = Proxy::before(&cloud.us, Spoil::NoListsAfter(first, status));
        // Without a tag search, which would need no list of queues.
        let behind = Cloud::new("moto, listed", &proxy.url(), &proxy.url());
        let spec = many(&behind.head(project), project, 1, "\"us-east-1\"");
        let place = Place::with(&spec);
        let run = place.run(&["apply", "--yes"]);
        assert_eq!(run.code, 3, "{status}: {run:?}");
        let said = (run.stdout.clone() + &run.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("not proven"), "{status}: {said}");
        for address in ["bucket.b0@us-east-1", "queue.q0@us-east-1"] {
            assert!(run.stderr.contains(address), "{status}: {said}");
        }
        assert!(!said.contains("still differs"), "nobody saw that: {status}: {said}");
        let history = place.expect(0, &["history"]);
        assert!(history.contains("unproven") && !history.contains("converged"), "{status}: {history}");
        // Whoever can look again finds everything, and misses what is gone although no look of that run ever saw it.
        place.expect(4, &["drift"]);
        place.write("atlas.toml", &spec.replace(&proxy.url(), &cloud.us));
        place.expect(0, &["drift"]);
        cloud.ask("us-east-1", "unmake", json!(["bucket", format!("us-east-1-{project}-0")])).expect("deleted");
        let drift: Value = serde_json::from_str(&place.expect(2, &["drift", "--json"])).expect("JSON");
        assert_eq!(drift["drift"][0]["address"], "bucket.b0@us-east-1", "{drift:#}");
        assert_eq!(drift["drift"][0]["cause"], "missing", "{drift:#}");
        place.expect(0, &["destroy", "--yes"]);
    }
}

#[test]
fn credentials_of_another_account_do_nothing() {
    let Some(cloud) = Cloud::moto() else { return };
    let spec = many(&cloud.head("accounts"), "accounts", 1, "\"us-east-1\"");
    let with = |accounts: &str| spec.replace("aws = {", &format!("aws = {{ accounts = [{accounts}],"));
    let place = Place::with(&with("\"210987654321\""));
    let proxy = Proxy::before(&cloud.us, Spoil::Nothing);
    place.write("atlas.toml", &with("\"210987654321\"").replace(&cloud.us, &proxy.url()));
    for arguments in [&["plan", "--detailed-exitcode"][..], &["apply", "--yes"], &["destroy", "--yes"]] {
        let run = place.run(arguments);
        assert_ne!(run.code, 0, "{arguments:?}: {run:?}");
        let said = (run.stdout.clone() + &run.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        let why = "the credentials are of account 123456789012, and the spec allows 210987654321 here";
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
    let calls = proxy.calls.lock().expect("sound").clone();
    assert!(calls.iter().all(|call| call == "STS GetCallerIdentity"), "{calls:?}");
    place.write("atlas.toml", &with("\"210987654321\", \"123456789012\""));
    place.expect(0, &["apply", "--yes"]);
    place.expect(0, &["plan", "--detailed-exitcode"]);
    place.expect(0, &["destroy", "--yes"]);
}
