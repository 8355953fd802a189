//! Users, groups and OpenID Connect providers of IAM: what others made for a user is seen and left alone, what others gave is
//! taken back, and a group is told by a policy that allows nothing.

use atlas::plan::Options;
use serde_json::{Value as Json, json};

use super::Cloud;
use super::proxy::{Proxy, Spoil};
use crate::support::{Place, address, execute};

/// Makes one call as a client that knows nothing of Atlas.
fn call(cloud: &Cloud, operation: &str, arguments: &Json) {
    let calls = json!([[[["iam", operation, arguments]]], 1]);
    cloud.ask("us-east-1", "race", calls).unwrap_or_else(|error| panic!("{operation} {arguments}: {error}"));
}

fn both() -> impl Iterator<Item = Cloud> {
    Cloud::localstack().into_iter().chain(Cloud::moto())
}

/// A user in a group, each with a policy of its own and a shared one.
fn spec(cloud: &Cloud, project: &str, policy: &str) -> String {
    format!(
        r#"{}
[policy.shared]
regions = ["us-east-1"]
name = "{project}"
allow = [{{ actions = ["s3:GetObject"], resources = ["*"] }}]
{policy}
[group.staff]
regions = ["us-east-1"]
name = "{project}"
policies = ["policy.shared"]
deny = [{{ actions = ["s3:DeleteObject"], resources = ["*"] }}]

[user.auditor]
regions = ["us-east-1"]
name = "{project}"
groups = ["group.staff"]
policies = ["policy.shared"]
allow = [{{ actions = ["s3:ListBucket"], resources = ["*"] }}]
"#,
        cloud.head(project)
    )
}

async fn destroy(cloud: &Cloud, project: &str) {
    let destroy = Options { destroy: true, ..Options::default() };
    let (pipeline, plan) = Cloud::plan(&cloud.head(project), &destroy).await;
    let report = execute(&pipeline, plan, &[]).await;
    assert!(report.is_complete(), "{}: {:?}", cloud.name, report.failed);
}

#[test]
fn a_user_whom_others_gave_a_way_in_is_lossy_and_stays_whole() {
    const USER: &str = "user.auditor@us-east-1";
    for cloud in both() {
        let name = "identities-held";
        let place = Place::with(&spec(&cloud, name, ""));
        place.expect(0, &["apply", "--yes"]);
        call(&cloud, "create_access_key", &json!({ "UserName": name }));
        call(&cloud, "create_login_profile", &json!({ "UserName": name, "Password": "aB3!aB3!aB3!" }));
        place.expect(0, &["plan", "--detailed-exitcode"]);
        place.write("atlas.toml", &cloud.head(name));
        let why = "it has 1 access key, 1 password that Atlas did not make";
        let plan = place.json(&["plan", "--json"]);
        let changes = plan["changes"].as_array().expect("changes");
        let user = changes.iter().find(|change| change["address"] == USER).expect("planned");
        assert_eq!(user["risk"], "lossy", "{}: {user:#}", cloud.name);
        assert!(user.to_string().contains(why), "{}: {user:#}", cloud.name);
        place.expect(1, &["apply", "--yes"]);
        // Also when its loss is allowed nothing is taken from it: IAM would not let it go.
        let run = place.run(&["apply", "--yes", "--allow-loss", USER]);
        assert_eq!(run.code, 3, "{}: {run:?}", cloud.name);
        let said = (run.stdout + &run.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains(&format!("the user can't be deleted: {why}; nothing was taken from it")), "{said}");
        let left = cloud.describe("us-east-1", "user", name);
        assert_eq!((&left["groups"], &left["policies"]), (&json!([name]), &json!([name])), "{left}");
        assert_eq!(left["allow"][0]["actions"], json!(["s3:ListBucket"]), "{left}");
        // Once nobody can sign in as it, all of it goes.
        call(&cloud, "delete_login_profile", &json!({ "UserName": name }));
        cloud.ask("us-east-1", "without_keys", json!([name])).expect("deleted");
        place.expect(0, &["apply", "--yes"]);
        for kind in ["user", "group", "policy"] {
            assert_eq!(cloud.describe("us-east-1", kind, name), Json::Null, "{}: {kind}", cloud.name);
        }
    }
}

#[tokio::test]
async fn rights_that_others_gave_a_user_or_a_group_are_taken_back() {
    for cloud in both() {
        let name = "identities-given";
        let said = spec(&cloud, name, "");
        Cloud::converge(&said, &Options::default(), &[]).await.expect("made");
        let all =
            json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] });
        call(&cloud, "create_group", &json!({ "GroupName": "identities-theirs" }));
        call(&cloud, "add_user_to_group", &json!({ "GroupName": "identities-theirs", "UserName": name }));
        for (operation, by) in [("put_user_policy", "UserName"), ("put_group_policy", "GroupName")] {
            call(&cloud, operation, &json!({ by: name, "PolicyName": "all", "PolicyDocument": all.to_string() }));
        }
        let (_, plan) = Cloud::plan(&said, &Options::default()).await;
        for (subject, paths) in [
            ("user.auditor@us-east-1", &["groups", "inline_policies"][..]),
            ("group.staff@us-east-1", &["inline_policies"]),
        ] {
            let change = plan.change(&address(subject)).unwrap_or_else(|| panic!("{}: {subject}", cloud.name));
            let drifted = change.attributes.iter().filter(|one| one.drift.is_some());
            let mut seen: Vec<&str> = drifted.map(|one| one.path.split('.').next().unwrap_or_default()).collect();
            seen.dedup();
            assert_eq!(seen, paths, "{}: {subject}", cloud.name);
        }
        Cloud::converge(&said, &Options::default(), &[]).await.expect("taken back");
        let user = cloud.describe("us-east-1", "user", name);
        assert_eq!((&user["groups"], &user["inline_policies"]), (&json!([name]), &Json::Null), "{user}");
        cloud.ask("us-east-1", "unmake", json!(["group", "identities-theirs"])).expect("gone");
        destroy(&cloud, name).await;
    }
}

/// A group takes no tags. What tells whose it is allows nothing that needs to be allowed, and goes when the group is let go.
#[tokio::test]
async fn a_group_is_marked_by_a_policy_that_allows_nothing() {
    for cloud in both() {
        let name = "identities-marked";
        let spec = |more: &str| {
            format!("{}[group.staff]\nregions = [\"us-east-1\"]\nname = \"{name}\"\n{more}", cloud.head(name))
        };
        Cloud::converge(&spec("on_remove = \"forget\"\n"), &Options::default(), &[]).await.expect("made");
        let mark = cloud.describe("us-east-1", "group", name)["mark"]["Statement"].clone();
        let statements = mark.as_array().cloned().unwrap_or_else(|| vec![mark.clone()]);
        assert_eq!(statements.len(), 1, "{mark}");
        assert_eq!(statements[0]["Action"], "sts:GetCallerIdentity", "{mark}");
        assert_eq!(statements[0]["Condition"]["StringEquals"]["aws:PrincipalTag/atlas:project"], name, "{mark}");
        // A member that somebody else put there keeps the group.
        Cloud::converge(&spec(""), &Options::default(), &[]).await.expect("no longer forgotten");
        cloud.ask("us-east-1", "make", json!(["user", "identities-member"])).expect("made");
        call(&cloud, "add_user_to_group", &json!({ "GroupName": name, "UserName": "identities-member" }));
        let error = Cloud::converge(&cloud.head(name), &Options::default(), &[]).await.expect_err("it has a member");
        assert!(error.contains("the user `identities-member` is in it still"), "{error}");
        assert!(!cloud.describe("us-east-1", "group", name)["mark"].is_null(), "{}", cloud.name);
        cloud.ask("us-east-1", "unmake", json!(["user", "identities-member"])).expect("gone");
        // What is let go has no mark any more, and is nobody's.
        Cloud::converge(&spec("on_remove = \"forget\"\n"), &Options::default(), &[]).await.expect("to be forgotten");
        Cloud::converge(&cloud.head(name), &Options::default(), &[]).await.expect("forgotten");
        let left = cloud.describe("us-east-1", "group", name);
        assert!(left["name"] == name && left["mark"].is_null(), "{left}");
        cloud.ask("us-east-1", "unmake", json!(["group", name])).expect("gone");
    }
}

#[tokio::test]
async fn a_policy_that_users_and_groups_have_is_replaced_under_them() {
    for cloud in both() {
        let name = "identities-replaced";
        for lines in ["", "description = \"one\"\n", "description = \"two\"\n"] {
            let said = spec(&cloud, name, lines);
            let done = Cloud::converge(&said, &Options::default(), &[]).await;
            done.unwrap_or_else(|why| panic!("{}: {lines}: {why}", cloud.name));
            for kind in ["user", "group"] {
                assert_eq!(
                    cloud.describe("us-east-1", kind, name)["policies"],
                    json!([name]),
                    "{}: {kind}",
                    cloud.name
                );
            }
        }
        destroy(&cloud, name).await;
    }
}

/// The servers here can neither add nor remove a client, so the calls themselves are looked at.
#[test]
fn clients_of_a_provider_are_added_before_others_are_removed() {
    let Some(cloud) = Cloud::localstack() else { return };
    let proxy = Proxy::before(&cloud.us, Spoil::Done(&["IAM AddClientID", "IAM RemoveClientID"]));
    let spec = |clients: &str| {
        format!(
            "[project]\nname = \"clients\"\n[region.us-east-1]\naws = {{ endpoint = \"{}\" }}\n[oidc_provider.ci]\nregions = [\"us-east-1\"]\nname = \"clients.example.com/id/A\"\nclient_ids = [{clients}]\n",
            proxy.url()
        )
    };
    let place = Place::with(&spec("\"a\", \"b\""));
    place.expect(0, &["apply", "--yes"]);
    place.write("atlas.toml", &spec("\"b\", \"c\""));
    proxy.log.requests.lock().expect("sound").clear();
    // Nothing was carried out, which the look after it tells.
    place.expect(3, &["apply", "--yes"]);
    let requests = proxy.log.requests.lock().expect("sound").clone();
    let changes: Vec<&str> = requests
        .iter()
        .filter_map(|text| text.split("\r\n\r\n").nth(1))
        .filter(|body| body.contains("ClientIDToOpen") || body.contains("ClientIDFromOpen"))
        .collect();
    assert_eq!(changes.len(), 2, "{changes:#?}");
    let arn =
        "OpenIDConnectProviderArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Aoidc-provider%2Fclients.example.com%2Fid%2FA";
    for (body, words) in
        changes.iter().zip([["Action=AddClientID", "ClientID=c"], ["Action=RemoveClientID", "ClientID=a"]])
    {
        assert!(body.contains(arn) && words.iter().all(|word| body.contains(word)), "{body}");
    }
    place.expect(0, &["destroy", "--yes"]);
}

/// What a workflow of GitHub needs: the issuer, and a role that trusts it, named by reference.
#[tokio::test]
async fn a_role_trusts_an_issuer_that_the_spec_makes() {
    for cloud in both() {
        let said = format!(
            r#"{}
[oidc_provider.github]
regions = ["us-east-1"]
name = "token.actions.githubusercontent.com"
client_ids = ["sts.amazonaws.com"]

[role.ci]
regions = ["us-east-1"]
name = "identities-ci"
trust = {{ oidc = "${{oidc_provider.github.name}}", subject = "repo:acme/ledger:ref:refs/heads/main" }}
"#,
            cloud.head("identities-ci")
        );
        Cloud::converge(&said, &Options::default(), &[]).await.unwrap_or_else(|why| panic!("{}: {why}", cloud.name));
        let trust = cloud.describe("us-east-1", "role", "identities-ci")["trust"].to_string();
        assert!(trust.contains(":oidc-provider/token.actions.githubusercontent.com"), "{trust}");
        destroy(&cloud, "identities-ci").await;
    }
}
