//! The contract of sessions, tested on AWS's driver without the engine: on LocalStack and on moto.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use atlas::address::Address;
use atlas::desired::OnRemove;
use atlas::driver::aws::Aws;
use atlas::driver::{Claims, Class, Driver as _, Listing, Look, Progress, Request, Seen, Service, Session, Wanted};
use atlas::identity::Identity;
use atlas::kind::{self, Facts, KindRef, Outputs};
use atlas::observed::{Condition, Mark, Object, Owner};

use atlas::value::{Attributes, Value};
use serde_json::{Value as Json, json};

use super::Cloud;
use super::proxy::{Proxy, Spoil};

pub const BUCKET: &str = "bucket";

pub fn owner() -> Owner {
    Owner::new("sessions", "default")
}

/// The host object of a region behind an endpoint; with an account, no credentials are needed to learn it.
pub fn region(name: &str, endpoint: &str, account: Option<&str>) -> Object {
    let said = match account {
        Some(_) => ("localstack", kind::literal("{ port = 4566 }")),
        None => ("aws", Value::default().with(&["endpoint"], endpoint.into())),
    };
    let outputs = account.map(|account| ("account".into(), account.to_owned()));
    Object {
        kind: kind::get("region").expect("a kind").into(),
        identity: Identity::root("region", name),
        hosts: Vec::new(),
        attributes: std::iter::once(said).collect(),
        outputs: outputs.into_iter().chain([("endpoint".into(), endpoint.to_owned())]).collect(),
        usage: kind::Usage::default(),
        mark: None,
        external: account.is_none(),
        unsaid: Vec::new(),
        condition: Condition::Ready,
    }
}

pub async fn open(host: &Object) -> Arc<dyn Session> {
    Aws::new().open(Some(host), &owner()).await.expect("opened")
}

pub fn mark(kind: &str, name: &str) -> Mark {
    Mark {
        project: "sessions".into(),
        environment: "default".into(),
        address: Address::new(kind, name, Some("us-east-1")),
        protect: false,
        on_remove: OnRemove::Delete,
        needs: Vec::new(),
        applied: String::new(),
    }
}

/// A look at an object that is about to be deleted.
pub fn evidence<'a>(kind: &'a KindRef, identity: &'a Identity) -> Look<'a> {
    Look { kind, identity, wanted: None, evidence: true }
}

/// One of the program's own kinds.
pub fn own(kind: &str) -> KindRef {
    kind::get(kind).expect("a kind").into()
}

pub async fn listed(session: &dyn Session, kinds: &[&str], wanted: &Wanted<'_>) -> Listing {
    let kinds: Vec<KindRef> = kinds.iter().map(|kind| own(kind)).collect();
    let owner = owner();
    static LOOKS: AtomicU64 = AtomicU64::new(1);
    let look = LOOKS.fetch_add(1, Ordering::Relaxed);
    session.list(&kinds, &Claims { owner: &owner, wanted, evidence: false, look, all_but: None }).await.expect("listed")
}

/// An object that a test makes, with all that a request says of it.
struct Wish {
    kind: KindRef,
    identity: Identity,
    attributes: Attributes,
    mark: Mark,
}

impl Wish {
    fn new(kind: &str, name: &str, lines: &[(&'static str, &str)]) -> Self {
        let said = lines.iter().map(|(name, value)| (*name, kind::literal(value)));
        let own = own(kind);
        let said: Attributes = said.chain([("name", name.into())]).collect();
        let defaults = own.attributes.iter().map(|one| (one.name, kind::default_of(one)));
        let attributes: Attributes = defaults.chain(said.iter().map(|(name, value)| (name, value.clone()))).collect();
        let mark = Mark { applied: attributes.fingerprint(), ..mark(kind, name) };
        let identity = Identity::root("region", "us-east-1").inside(kind, name);
        Self { attributes: kind::normal_attributes(&own, attributes), kind: own, identity, mark }
    }

    async fn with<T>(&self, call: impl AsyncFnOnce(&Request<'_>) -> T) -> T {
        let hosts = [Identity::root("region", "us-east-1")];
        let facts = Facts { attributes: &self.attributes, name: "x", place: Some("us-east-1"), host: None };
        let derived: Outputs = self.kind.derive_outputs(&facts);
        let request = Request {
            kind: &self.kind,
            identity: &self.identity,
            hosts: &hosts,
            attributes: &self.attributes,
            most: None,
            derived: &derived,
            mark: &self.mark,
            fields: &atlas::desired::FieldRules::default(),
            limit: Duration::from_secs(60),
            progress: &Progress::default(),
        };
        call(&request).await
    }

    async fn make(&self, session: &dyn Session) {
        self.with(async |request| session.create(request).await).await.expect("made");
    }

    async fn seen(&self, session: &dyn Session) -> Seen {
        let look = Look { kind: &self.kind, identity: &self.identity, wanted: Some(&self.attributes), evidence: false };
        session.read(&look).await.expect("readable").expect("there")
    }
}

const TRUST: (&str, &str) = ("trust", "{ service = \"ec2.amazonaws.com\" }");
const ALLOW: (&str, &str) = ("allow", "[{ actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::x/*\"] }]");

/// Makes one call as a client that knows nothing of Atlas.
fn call(cloud: &Cloud, operation: &str, arguments: Json) {
    cloud.ask("us-east-1", "race", json!([[[["iam", operation, arguments]]], 1])).expect("called");
}

fn both() -> Vec<Cloud> {
    Cloud::localstack().into_iter().chain(Cloud::moto()).collect()
}

#[tokio::test]
async fn a_role_that_a_profile_holds_stays_whole() {
    for cloud in both() {
        let session = open(&region("us-east-1", &cloud.us, None)).await;
        let role = Wish::new("role", "held", &[TRUST, ALLOW]);
        role.make(&*session).await;
        call(&cloud, "create_instance_profile", json!({ "InstanceProfileName": "holder" }));
        let pair = json!({ "InstanceProfileName": "holder", "RoleName": "held" });
        call(&cloud, "add_role_to_instance_profile", pair.clone());
        let error = session.delete(&role.seen(&*session).await).await.expect_err("it is held");
        assert_eq!(error.class, Class::Transient, "{error}");
        assert!(error.message.contains("the instance profile `holder` still holds it"), "{error}");
        let left = cloud.describe("us-east-1", "role", "held");
        assert_eq!(left["allow"][0]["actions"], json!(["s3:GetObject"]), "nothing of it is gone: {left}");
        call(&cloud, "remove_role_from_instance_profile", pair);
        call(&cloud, "delete_instance_profile", json!({ "InstanceProfileName": "holder" }));
        session.delete(&role.seen(&*session).await).await.expect("free by now");
        assert_eq!(cloud.describe("us-east-1", "role", "held"), Json::Null);
    }
}

#[tokio::test]
async fn a_policy_that_is_attached_stays_whole() {
    for cloud in both() {
        let session = open(&region("us-east-1", &cloud.us, None)).await;
        let (role, policy) = (Wish::new("role", "holds", &[TRUST]), Wish::new("policy", "attached", &[ALLOW]));
        role.make(&*session).await;
        policy.make(&*session).await;
        let arn = policy.seen(&*session).await.object.outputs.get("arn").cloned().expect("told");
        call(&cloud, "attach_role_policy", json!({ "RoleName": "holds", "PolicyArn": arn }));
        let denied =
            "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}]}";
        let version = json!({ "PolicyArn": arn, "PolicyDocument": denied, "SetAsDefault": true });
        call(&cloud, "create_policy_version", version);
        let error = session.delete(&policy.seen(&*session).await).await.expect_err("it is attached");
        assert!(error.message.contains("the role `holds` has it still"), "{error}");
        call(&cloud, "set_default_policy_version", json!({ "PolicyArn": arn, "VersionId": "v1" }));
        let left = cloud.describe("us-east-1", "policy", "attached");
        assert!(left["allow"][0]["actions"] == json!(["s3:GetObject"]), "its first version is there: {left}");
        // The policy is attached to this role, and the role's deletion detaches it.
        session.delete(&role.seen(&*session).await).await.expect("deleted");
        session.delete(&policy.seen(&*session).await).await.expect("deleted");
    }
}

#[tokio::test]
async fn a_copied_mark_makes_no_object_ours() {
    for cloud in both() {
        let session = open(&region("us-east-1", &cloud.us, None)).await;
        let original = Wish::new(BUCKET, "copied-original", &[("force_empty", "true")]);
        original.make(&*session).await;
        cloud.ask("us-east-1", "make", json!([BUCKET, "copied-copy"])).expect("made");
        let tags = cloud.describe("us-east-1", BUCKET, "copied-original")["tags"].clone();
        let tags: Vec<Json> =
            tags.as_object().expect("tags").iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
        let put = json!({ "Bucket": "copied-copy", "Tagging": { "TagSet": tags } });
        cloud.ask("us-east-1", "race", json!([[[["s3", "put_bucket_tagging", put]]], 1])).expect("tagged");
        let names = |listing: &Listing| -> Vec<String> {
            listing
                .objects
                .iter()
                .map(|one| one.identity.name().into_owned())
                .filter(|one| one.starts_with("copied"))
                .collect()
        };
        assert_eq!(names(&listed(&*session, &[BUCKET], &Wanted::default()).await), ["copied-original"]);
        // The copy is seen when it is wanted, without a mark.
        let copy = Wish::new(BUCKET, "copied-copy", &[]);
        assert_eq!(copy.seen(&*session).await.object.mark, None);
        assert!(original.seen(&*session).await.object.mark.is_some());
        cloud.ask("us-east-1", "unmake", json!([BUCKET, "copied-copy"])).expect("unmade");
        session.delete(&original.seen(&*session).await).await.expect("deleted");
    }
}

#[tokio::test]
async fn what_is_gone_is_a_conflict_and_its_deletion_a_success() {
    for cloud in both() {
        let session = open(&region("us-east-1", &cloud.us, None)).await;
        let wishes = [
            Wish::new(BUCKET, "gone-bucket", &[("versioning", "true")]),
            Wish::new("queue", "gone-queue", &[]),
            Wish::new("policy", "gone-policy", &[ALLOW]),
            Wish::new("role", "gone-role", &[TRUST]),
            Wish::new("instance_profile", "gone-profile", &[]),
            Wish::new("oidc_provider", "gone.example.com", &[]),
            Wish::new("group", "gone-group", &[ALLOW]),
            Wish::new("user", "gone-user", &[ALLOW]),
        ];
        for wish in wishes {
            wish.make(&*session).await;
            let again = wish.with(async |request| session.create(request).await).await;
            // SQS and, in us-east-1, S3 answer a second creation of the same object with success.
            if !["queue", BUCKET].contains(&wish.kind.name) {
                assert_eq!(again.expect_err("it is there").class, Class::Conflict, "{:?}", wish.kind);
            }
            let seen = wish.seen(&*session).await;
            let other = Mark { protect: true, ..wish.mark.clone() };
            session.mark(&seen, Some(&other)).await.expect("marked");
            assert_eq!(wish.seen(&*session).await.object.mark, Some(other));
            let seen = wish.seen(&*session).await;
            session.delete(&seen).await.expect("deleted");
            assert!(session.read(&evidence(&wish.kind, &wish.identity)).await.expect("readable").is_none());
            session.delete(&seen).await.expect("gone already");
            let updated = wish.with(async |request| session.update(&seen, request).await).await;
            let marked = session.mark(&seen, None).await;
            let classes = (updated.map_err(|error| error.class), marked.map_err(|error| error.class));
            assert_eq!(classes, (Err(Class::Conflict), Err(Class::Conflict)), "{:?}", wish.kind);
        }
    }
}

#[tokio::test]
async fn a_profile_changes_its_role_in_place() {
    for cloud in both() {
        let session = open(&region("us-east-1", &cloud.us, None)).await;
        let roles = ["one", "two"].map(|name| Wish::new("role", &format!("profiled-{name}"), &[TRUST]));
        let mut arns = Vec::new();
        for role in &roles {
            role.make(&*session).await;
            arns.push(role.seen(&*session).await.object.outputs.get("arn").cloned().expect("told"));
        }
        let said = |arn: Option<&String>| {
            let role = arn.map(|arn| ("role", format!("{arn:?}")));
            let lines: Vec<(&'static str, &str)> = role.iter().map(|(name, arn)| (*name, arn.as_str())).collect();
            Wish::new("instance_profile", "profiled", &lines)
        };
        said(Some(&arns[0])).make(&*session).await;
        for arn in [Some(&arns[0]), Some(&arns[1]), None, Some(&arns[0])] {
            let wish = said(arn);
            let seen = wish.seen(&*session).await;
            wish.with(async |request| session.update(&seen, request).await).await.expect("updated");
            let now = wish.seen(&*session).await.object;
            assert_eq!(now.attributes.get("role").as_str(), arn.map(String::as_str));
            assert_eq!(now.mark.as_ref(), Some(&wish.mark));
        }
        let profile = said(None).seen(&*session).await;
        session.delete(&profile).await.expect("deleted with its role in it");
        for role in &roles {
            session.delete(&role.seen(&*session).await).await.expect("deleted");
        }
    }
}

#[test]
fn a_region_that_tells_its_account_is_not_asked_for_it() {
    let Some(cloud) = Cloud::moto() else { return };
    let proxy = Proxy::before(&cloud.us, Spoil::Nothing);
    // In this region no other test has anything that would be looked at.
    let host = region("ap-south-1", &proxy.url(), Some("123456789012"));
    let aws = Aws::new();
    let served = |kind: &str, host: Option<&Object>| aws.serves(kind::get(kind).expect("a kind"), host);
    assert_eq!(served("region", None), Service::Tells);
    for kind in [BUCKET, "queue", "policy", "role", "instance_profile", "oidc_provider", "group", "user"] {
        assert_eq!((served(kind, Some(&host)), served(kind, None)), (Service::Keeps, Service::None));
    }
    assert_eq!(served("cluster", Some(&host)), Service::None);
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let session = aws.open(Some(&host), &owner()).await.expect("opened");
        listed(&*session, &["queue"], &Wanted::default()).await;
    });
    // Whether it answers at all, and one list: nothing else.
    let calls = proxy.calls.lock().expect("sound").clone();
    assert_eq!(calls, ["S3 GET ", "SQS ListQueues"]);
}

/// What is made together with its tags needs no intent that outlives the run.
#[tokio::test]
async fn only_a_bucket_and_a_group_are_made_before_they_are_marked() {
    let session = open(&region("us-east-1", "http://127.0.0.1:9", Some("123456789012"))).await;
    for kind in ["queue", "policy", "role", "instance_profile", "oidc_provider", "user"] {
        assert!(session.creates_marked(&own(kind)), "{kind}");
    }
    for kind in [BUCKET, "group"] {
        assert!(!session.creates_marked(&own(kind)), "{kind}");
    }
}

#[tokio::test]
async fn only_regions_that_are_wanted_are_told() {
    let Some(cloud) = Cloud::moto() else { return };
    let session = Aws::new().open(None, &owner()).await.expect("opened");
    let said = |text: &str| -> Attributes { std::iter::once(("aws", kind::literal(text))).collect() };
    let (good, bad) =
        (said(&format!("{{ endpoint = \"{}/\" }}", cloud.us)), said("{ endpoint = \"http://127.0.0.1:9\" }"));
    let other: Attributes = std::iter::once(("localstack", kind::literal("{ port = 1 }"))).collect();
    let bucket = "region/us-east-1/bucket/x";
    let wanted = [
        ("region/us-east-1", Some(&good)),
        ("region/eu-west-1", Some(&bad)),
        ("region/eu-north-1", Some(&other)),
        ("region/ap-south-1", None),
        (bucket, Some(&good)),
    ];
    let listing = listed(&*session, &["region", BUCKET], &wanted.into_iter().collect()).await;
    let [told] = listing.objects.as_slice() else { panic!("{:?}", listing.objects) };
    assert_eq!((told.identity.as_str(), told.external), ("region/us-east-1", true));
    assert_eq!(told.outputs.get("endpoint"), Some(&cloud.us));
    assert!(told.outputs.get("account").is_some_and(|account| account.len() == 12));
    let unreachable: Vec<_> =
        listing.unreachable.iter().map(|(identity, why)| (identity.as_str(), why.as_str())).collect();
    assert!(matches!(unreachable.as_slice(), [("region/eu-west-1", why)] if why.starts_with("does not answer")));
}
