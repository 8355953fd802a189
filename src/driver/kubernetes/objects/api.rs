//! A cluster's API as objects need it: what it serves, and the calls on objects of any kind, each one attempt.
//!
//! <https://kubernetes.io/docs/reference/using-api/api-concepts/>

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use foldhash::HashMap;
use http::{Method, Request};
use kube::{Client, Error};
use serde_json::{Value as Json, json};

use super::fields::{HANDED_OVER, MANAGER};
use crate::crash::point;
use crate::driver::kubernetes::error::refused;
use crate::driver::{Class, DriverError};
use crate::render::objects::{full_word, group, is_own_group};
use crate::value::Attributes;

/// How long one call may take.
const ANSWER: Duration = Duration::from_secs(30);
/// How many objects a page of a list has.
const PAGE: usize = 500;

/// How a cluster is reached again, once its credentials have ended.
#[async_trait]
pub trait Reconnect: Send + Sync {
    /// A client with the credentials that there are by now.
    ///
    /// # Errors
    /// When there are none.
    async fn again(&self) -> Result<Client, DriverError>;
}

/// The API of one cluster.
pub struct ClusterApi {
    client: Mutex<Client>,
    reach: Option<Arc<dyn Reconnect>>,
    /// What each version of a group serves, once that was asked.
    served: Mutex<HashMap<String, Arc<Vec<Served>>>>,
}

/// A kind that an API serves.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Served {
    /// The version of the API with its group.
    pub api_version: String,
    /// What Kubernetes calls it.
    pub kind: String,
    /// What it is called in paths.
    pub plural: String,
    /// Whether its objects are in namespaces.
    pub is_namespaced: bool,
    /// Whether it can be listed and deleted, as what stands for objects can.
    pub is_kept: bool,
}

impl Served {
    /// A kind that every cluster serves.
    pub fn always(api_version: &str, kind: &str, plural: &str, is_namespaced: bool) -> Self {
        Self { api_version: api_version.into(), kind: kind.into(), plural: plural.into(), is_namespaced, is_kept: true }
    }
}

/// Where one object is.
#[derive(Clone, Debug)]
pub struct ObjectPlace {
    pub served: Served,
    pub namespace: Option<String>,
    pub name: String,
}

/// How an object is applied.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApplyMode {
    /// Only to see what it would become.
    pub is_trial: bool,
    /// Whether fields are taken away from whoever changed them.
    pub takes_over: bool,
}

impl ObjectPlace {
    /// The place of an object of a kind; one that is in no namespace has none, whatever was said.
    pub fn of(served: &Served, namespace: Option<&str>, name: &str) -> Self {
        let namespace = namespace.filter(|_| served.is_namespaced).map(str::to_owned);
        Self { served: served.clone(), namespace, name: name.to_owned() }
    }

    fn path(&self) -> String {
        format!("{}/{}", self.served.path(self.namespace.as_deref()), self.name)
    }
}

impl Served {
    /// The path of its objects, in a namespace or in all of them.
    fn path(&self, namespace: Option<&str>) -> String {
        let root = root(&self.api_version);
        match namespace {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.plural),
            None => format!("{root}/{}", self.plural),
        }
    }
}

impl ClusterApi {
    /// The API that a client reaches.
    pub fn new(client: Client) -> Self {
        Self { client: Mutex::new(client), reach: None, served: Mutex::default() }
    }

    /// The API that a client reaches, and which is reached again where its credentials end.
    pub fn reached_by(client: Client, reach: Arc<dyn Reconnect>) -> Self {
        Self { reach: Some(reach), ..Self::new(client) }
    }

    fn client(&self) -> Client {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What tells the cluster from every other one: there is no identifier but that of the namespace that each has.
    pub async fn uid(&self) -> Result<Option<String>, DriverError> {
        match self.call(Method::GET, "/api/v1/namespaces/kube-system", None).await {
            Ok(found) => Ok(found["metadata"]["uid"].as_str().map(str::to_owned)),
            Err(error) if error.is_absent() || error.code() == 403 => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// A kind as the API serves it; none where it does not, as before a definition is there.
    pub async fn served(&self, api_version: &str, kind: &str) -> Result<Option<Served>, DriverError> {
        let find = |all: &[Served]| all.iter().find(|one| one.kind == kind).cloned();
        let known = self.served.lock().unwrap_or_else(PoisonError::into_inner).get(api_version).cloned();
        if let Some(found) = known.and_then(|all| find(&all)) {
            return Ok(Some(found));
        }
        Ok(find(&self.all_of(api_version).await?))
    }

    /// The kind of an object that may have been made in a version that is served no more: in any other one of its group.
    pub async fn still_served(&self, api_version: &str, kind: &str) -> Result<Option<Served>, DriverError> {
        match self.served(api_version, kind).await? {
            Some(served) => Ok(Some(served)),
            None => self.served_as(&full_word(api_version, kind)).await,
        }
    }

    /// The kind that a word in an identity means: `Deployment`, or `Widget.atlas.test` of another group.
    pub async fn served_as(&self, word: &str) -> Result<Option<Served>, DriverError> {
        let (kind, group) = word.split_once('.').map_or((word, None), |(kind, group)| (kind, Some(group)));
        let fits = |name: &str| group.map_or_else(|| is_own_group(name), |group| group == name);
        for version in self.versions(fits).await? {
            if let Some(found) = self.served(&version, kind).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Every kind whose objects are in namespaces, each once.
    pub async fn namespaced(&self) -> Result<Vec<Served>, DriverError> {
        let mut all: Vec<Served> = Vec::new();
        for version in self.versions(|_| true).await? {
            let known = |one: &Served| {
                let same = |other: &Served| group(&other.api_version) == group(&one.api_version);
                all.iter().any(|other| other.plural == one.plural && same(other))
            };
            let served = self.all_of(&version).await?;
            let new: Vec<Served> =
                served.iter().filter(|one| one.is_namespaced && one.is_kept && !known(one)).cloned().collect();
            all.extend(new);
        }
        Ok(all)
    }

    /// Every version of some groups, for each the one that it prefers first: some kinds are served in another one.
    async fn versions(&self, fits: impl Fn(&str) -> bool) -> Result<Vec<String>, DriverError> {
        let mut versions: Vec<String> = fits("").then(|| "v1".to_owned()).into_iter().collect();
        let groups = self.call(Method::GET, "/apis", None).await?;
        let groups = groups["groups"].as_array().into_iter().flatten();
        for one in groups.filter(|one| fits(one["name"].as_str().unwrap_or_default())) {
            let others = one["versions"].as_array().into_iter().flatten();
            for version in std::iter::once(&one["preferredVersion"]).chain(others) {
                let version =
                    version["groupVersion"].as_str().filter(|name| !versions.iter().any(|known| known == name));
                versions.extend(version.map(str::to_owned));
            }
        }
        Ok(versions)
    }

    /// Where an object with these attributes is; none where its kind is not served.
    pub async fn place(&self, attributes: &Attributes) -> Result<Option<ObjectPlace>, DriverError> {
        let text = |name: &str| attributes.get(name).as_str();
        let served = self.served(text("api_version").unwrap_or_default(), text("kind").unwrap_or_default()).await?;
        let name = text("name").unwrap_or_default();
        Ok(served.map(|served| ObjectPlace::of(&served, text("namespace"), name)))
    }

    /// One object; none where it, or its kind, is not there.
    pub async fn get(&self, place: &ObjectPlace) -> Result<Option<Json>, DriverError> {
        Ok(self.look(place).await?)
    }

    /// The same, with the answer of the server where it gives none.
    pub async fn look(&self, place: &ObjectPlace) -> Result<Option<Json>, CallError> {
        match self.call(Method::GET, &place.path(), None).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The objects of a kind, in a namespace or in all of them, that have certain labels. None where the kind is not served.
    pub async fn list(&self, served: &Served, namespace: Option<&str>, labels: &str) -> Result<Vec<Json>, DriverError> {
        let path = served.path(namespace.filter(|_| served.is_namespaced));
        let (mut items, mut next) = (Vec::new(), String::new());
        loop {
            let query =
                [("labelSelector", labels), ("continue", &next), ("limit", &PAGE.to_string())].map(pair).concat();
            let page = match self.call(Method::GET, &format!("{path}?{query}"), None).await {
                // The list has changed too much since its first page.
                Err(error) if error.code() == 410 && !next.is_empty() => {
                    (items, next) = (Vec::new(), String::new());
                    continue;
                }
                Err(error) if error.is_absent() => return Ok(Vec::new()),
                page => page?,
            };
            let Json::Object(mut page) = page else { return Ok(items) };
            next = page.get("metadata").and_then(|data| data["continue"].as_str()).unwrap_or_default().to_owned();
            if let Some(Json::Array(found)) = page.remove("items") {
                items.extend(found.into_iter().map(|mut item| {
                    // Items of a list do not say what they are.
                    item["apiVersion"] = served.api_version.as_str().into();
                    item["kind"] = served.kind.as_str().into();
                    item
                }));
            }
            if next.is_empty() {
                return Ok(items);
            }
        }
    }

    /// Applies an object, as the server does it for everybody who says what he wants.
    pub async fn apply(&self, place: &ObjectPlace, object: &Json, mode: ApplyMode) -> Result<Json, CallError> {
        let mut path = format!("{}?fieldManager={MANAGER}", place.path());
        path.push_str(if mode.takes_over { "&force=true" } else { "" });
        path.push_str(if mode.is_trial { "&dryRun=All" } else { "" });
        self.call(Method::PATCH, &path, Some(("application/apply-patch+yaml", object))).await
    }

    /// Makes somebody else an owner of a part of an object's spec, so that it stays when Atlas applies it no more:
    /// <https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership>.
    pub async fn hand_over(&self, place: &ObjectPlace, part: &Json) -> Result<(), CallError> {
        let path = format!("{}?fieldManager={HANDED_OVER}&force=true", place.path());
        let body = json!({
            "apiVersion": place.served.api_version,
            "kind": place.served.kind,
            "metadata": { "name": place.name },
            "spec": part,
        });
        self.call(Method::PATCH, &path, Some(("application/apply-patch+yaml", &body))).await.map(drop)
    }

    /// Changes a part of an object.
    pub async fn merge(&self, place: &ObjectPlace, patch: &Json) -> Result<Json, CallError> {
        let path = format!("{}?fieldManager={MANAGER}", place.path());
        self.call(Method::PATCH, &path, Some(("application/merge-patch+json", patch))).await
    }

    /// Writes another list of who manages which field of an object, when it is still as it was seen.
    pub async fn write_managers(
        &self,
        place: &ObjectPlace,
        version: &Json,
        managers: &[Json],
    ) -> Result<Json, CallError> {
        let patch = json!([
            { "op": "replace", "path": "/metadata/managedFields", "value": managers },
            { "op": "replace", "path": "/metadata/resourceVersion", "value": version },
        ]);
        let path = format!("{}?fieldManager={MANAGER}", place.path());
        self.call(Method::PATCH, &path, Some(("application/json-patch+json", &patch))).await
    }

    /// Begins to delete an object, when it is still this one. What is not there is deleted.
    pub async fn delete(&self, place: &ObjectPlace, uid: &str) -> Result<(), CallError> {
        self.delete_as("Background", place, uid).await
    }

    /// Begins to delete an object that is gone only once what it made is.
    pub async fn delete_with_all(&self, place: &ObjectPlace, uid: &str) -> Result<(), CallError> {
        self.delete_as("Foreground", place, uid).await
    }

    async fn delete_as(&self, policy: &str, place: &ObjectPlace, uid: &str) -> Result<(), CallError> {
        let options = json!({
            "kind": "DeleteOptions",
            "apiVersion": "v1",
            "propagationPolicy": policy,
            "preconditions": { "uid": uid },
        });
        match self.call(Method::DELETE, &place.path(), Some(("application/json", &options))).await {
            Err(error) if !error.is_absent() => Err(error),
            _ => Ok(()),
        }
    }

    /// The last lines that a container wrote.
    pub async fn log(&self, namespace: &str, pod: &str, container: &str, lines: usize, former: bool) -> Option<String> {
        let path = format!(
            "/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&tailLines={lines}&previous={former}"
        );
        let request = Request::get(path).body(Vec::new()).ok()?;
        tokio::time::timeout(ANSWER, self.client().request_text(request)).await.ok()?.ok()
    }

    async fn all_of(&self, api_version: &str) -> Result<Arc<Vec<Served>>, DriverError> {
        let listed = match self.call(Method::GET, &root(api_version), None).await {
            Ok(listed) => listed,
            Err(error) if error.is_absent() => return Ok(Arc::default()),
            Err(error) => return Err(error.into()),
        };
        let kinds = listed["resources"].as_array().into_iter().flatten();
        let all = kinds.filter_map(|one| {
            let plural = one["name"].as_str().filter(|name| !name.contains('/'))?.to_owned();
            let verbs: Vec<&str> = one["verbs"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
            Some(Served {
                api_version: api_version.to_owned(),
                kind: one["kind"].as_str()?.to_owned(),
                plural,
                is_namespaced: one["namespaced"] == true,
                is_kept: verbs.contains(&"list") && verbs.contains(&"delete"),
            })
        });
        let all: Arc<Vec<Served>> = Arc::new(all.collect());
        let mut served = self.served.lock().unwrap_or_else(PoisonError::into_inner);
        served.insert(api_version.to_owned(), Arc::clone(&all));
        Ok(all)
    }

    async fn call(&self, method: Method, path: &str, body: Option<(&str, &Json)>) -> Result<Json, CallError> {
        let request = Request::builder().method(method).uri(path).header("accept", "application/json");
        let request = match body {
            Some((kind, body)) => request.header("content-type", kind).body(body.to_string().into_bytes()),
            None => request.body(Vec::new()),
        };
        let request = request.map_err(|error| CallError::Unsent(error.to_string()))?;
        let writes = request.method() != Method::GET && !path.contains("dryRun");
        if writes {
            point("before a write to a cluster");
        }
        let answer = self.answer(request).await;
        if writes {
            point("after a write to a cluster");
        }
        answer
    }

    /// Asks, and asks again with other credentials where the server does not know those that there were: a token ends, and whatever gave
    /// it gives another one.
    async fn answer(&self, request: Request<Vec<u8>>) -> Result<Json, CallError> {
        let answer = attempt(&self.client(), request.clone()).await;
        let Some(reach) = self.reach.as_ref().filter(|_| answer.as_ref().is_err_and(|error| error.code() == 401))
        else {
            return answer;
        };
        let Ok(client) = reach.again().await else { return answer };
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = client.clone();
        attempt(&client, request).await
    }
}

async fn attempt(client: &Client, request: Request<Vec<u8>>) -> Result<Json, CallError> {
    match tokio::time::timeout(ANSWER, client.request(request)).await {
        Ok(Err(Error::Api(status))) if status.code == 429 => {
            // Whoever asks again does so after that. A server that says nothing of it means a second.
            let asked = status.details.as_ref().map_or(1, |details| details.retry_after_seconds.max(1));
            tokio::time::sleep(Duration::from_secs(asked.into()).min(ANSWER)).await;
            Err(CallError::Answer(Error::Api(status)))
        }
        Ok(answer) => answer.map_err(CallError::Answer),
        Err(_) => Err(CallError::Silent),
    }
}

/// What came of a call that did not do what it was for.
pub enum CallError {
    /// The server refused it, or could not be asked.
    Answer(Error),
    /// There was no answer in time.
    Silent,
    /// It could not be put into words.
    Unsent(String),
}

impl CallError {
    /// The code that the server answered with; zero where it did not.
    pub fn code(&self) -> u16 {
        match self {
            Self::Answer(Error::Api(status)) => status.code,
            _ => 0,
        }
    }

    /// Whether there is no such object, kind or namespace.
    pub fn is_absent(&self) -> bool {
        self.code() == 404
    }

    /// What the server says.
    pub fn message(&self) -> &str {
        match self {
            Self::Answer(Error::Api(status)) => &status.message,
            _ => "",
        }
    }

    /// Whether a webhook could not be asked, which may pass.
    pub fn is_silent_webhook(&self) -> bool {
        self.code() == 500 && self.message().contains("failed calling webhook")
    }

    /// Whether a webhook can't be asked by a trial: <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#side-effects>.
    pub fn is_no_trial(&self) -> bool {
        self.message().contains("does not support dry run")
    }

    /// Whether all that the server refuses is to change fields of an object that is there: then a new one would be taken.
    pub fn forbids_change(&self) -> bool {
        const WORDS: [&str; 8] = [
            "field is immutable",
            "is immutable",
            "are forbidden",
            "may not change once set",
            "cannot change roleRef",
            "may not be changed in an update",
            "pod updates may not change fields",
            "is forbidden: updates to",
        ];
        let forbids = |text: &str| WORDS.iter().any(|words| text.contains(words));
        let Self::Answer(Error::Api(status)) = self else { return false };
        let causes = status.details.iter().flat_map(|details| &details.causes);
        let mut messages = causes.map(|cause| cause.message.as_str()).peekable();
        let all = messages.peek().is_none() || messages.all(forbids);
        status.code == 422 && forbids(&status.message) && all
    }

    /// What the server refuses to change, in short: it repeats the whole of some fields.
    pub fn forbidden(&self) -> String {
        let Self::Answer(Error::Api(status)) = self else { return self.message().to_owned() };
        let causes = status.details.iter().flat_map(|details| &details.causes);
        let short = causes.map(|cause| {
            let words = cause.message.rsplit(": ").next().unwrap_or_default();
            let words = if words.len() > 200 { "can't be changed" } else { words };
            format!("{}: {words}", cause.field)
        });
        let all: Vec<String> = short.collect();
        if all.is_empty() { self.message().to_owned() } else { all.join("; ") }
    }
}

impl From<CallError> for DriverError {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Answer(error) => refused(&error),
            CallError::Silent => Self::new(Class::Unreachable, format!("no answer within {} s", ANSWER.as_secs())),
            CallError::Unsent(why) => Self::new(Class::Invalid, why),
        }
    }
}

fn root(api_version: &str) -> String {
    match api_version.contains('/') {
        true => format!("/apis/{api_version}"),
        false => format!("/api/{api_version}"),
    }
}

/// One part of a query; nothing where it has no value.
fn pair((name, value): (&str, &str)) -> String {
    if value.is_empty() {
        return String::new();
    }
    let mut text = format!("{name}=");
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => text.push(char::from(byte)),
            other => text.push_str(&format!("%{other:02X}")),
        }
    }
    text.push('&');
    text
}
