//! Waiting until an object does what it is for, and until one is gone.

use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::Instant;

use super::api::{ClusterApi, ObjectPlace};
use super::given;
use crate::driver::kubernetes::condition::{PodTrouble, condition, pod_trouble};
use crate::driver::{Class, DriverError, Progress};
use crate::observed::Condition;
use crate::render::objects::{READY_ANNOTATION, UNAWAITED, WAIT_ANNOTATION};

/// How often an object is looked at: soon at first, and then rarely.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);
/// What is left of a step's time to say in time what it waited for.
const MARGIN: Duration = Duration::from_secs(2);
/// How long an object may say that it fails before that is believed: some recover at once.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a pod may be in trouble that may pass: an image that is pushed late, a server that is not up yet.
const TROUBLE: Duration = Duration::from_secs(60);
/// How many lines of a log are told.
const LINES: usize = 8;

/// Waits until an object is ready, at most until its time is over.
pub async fn until_ready(
    api: &ClusterApi,
    place: &ObjectPlace,
    applied: &Json,
    limit: Duration,
    progress: &Progress,
) -> Result<(), DriverError> {
    if !waits(applied) {
        return Ok(());
    }
    let began = Instant::now();
    let end = began + limit.saturating_sub(MARGIN);
    let (mut pause, mut failing, mut troubled) = (FIRST, None, None);
    let mut live = applied.clone();
    loop {
        let (waits_for, fails) = match condition_of(&live, began.elapsed()) {
            Condition::Ready => return Ok(()),
            Condition::Progressing(reason) => (reason, false),
            Condition::Degraded(reason) => (reason, true),
            // Nobody can say, so nobody can wait for it.
            Condition::Unknown(_) => return Ok(()),
        };
        let trouble = trouble_of(api, &live).await;
        let words = trouble
            .as_ref()
            .map_or_else(|| waits_for.clone(), |(pod, trouble)| format!("{waits_for}; pod {pod}: {}", trouble.text));
        progress.tell(format!("waiting: {words}"));
        let now = Instant::now();
        failing = fails.then(|| failing.unwrap_or(now));
        troubled = trouble.as_ref().map(|_| troubled.unwrap_or(now));
        let is_hopeless = trouble.as_ref().is_some_and(|(_, trouble)| trouble.fatal);
        let over = |since: Option<Instant>, limit: Duration| since.is_some_and(|since| now - since >= limit);
        if over(failing, PATIENCE) || over(troubled, if is_hopeless { PATIENCE } else { TROUBLE }) || now >= end {
            let log = last_lines(api, &live, trouble.as_ref()).await;
            let why = if now >= end { "it did not become ready in time" } else { "it does not become ready" };
            return Err(DriverError::new(Class::Invalid, format!("{why}: {words}{log}")));
        }
        tokio::time::sleep(pause.min(end.saturating_duration_since(now))).await;
        pause = (pause * 2).min(LONGEST);
        live = match looked_at(api, place).await {
            Ok(Some(live)) => live,
            Ok(None) if is_done_by_itself(&live) => return Ok(()),
            Ok(None) => return Err(DriverError::new(Class::Conflict, "somebody deleted it while it was waited for")),
            // The server may be busy; the end of the step's time ends this as well.
            Err(error) if error.class != Class::Denied => {
                progress.tell(format!("waiting: {}", error.chain()));
                live
            }
            Err(error) => return Err(error),
        };
    }
}

/// An object as it is now, with what else tells how it is.
async fn looked_at(api: &ClusterApi, place: &ObjectPlace) -> Result<Option<Json>, DriverError> {
    match api.get(place).await? {
        Some(live) => given::with_applications(api, live).await.map(Some),
        None => Ok(None),
    }
}

/// Whether anybody waits for an object. What its app has a rule for is waited for whatever its kind is.
pub fn waits(object: &Json) -> bool {
    let kind = object["kind"].as_str().unwrap_or_default();
    let annotations = &object["metadata"]["annotations"];
    let has_rule = annotations[READY_ANNOTATION].is_string();
    annotations[WAIT_ANNOTATION] != "applied" && (has_rule || !UNAWAITED.contains(&kind))
}

/// Waits until an object that is being deleted is gone.
pub async fn until_gone(api: &ClusterApi, place: &ObjectPlace, uid: &str, limit: Duration) -> Result<(), DriverError> {
    let end = Instant::now() + limit;
    let mut pause = FIRST;
    loop {
        let there = api.get(place).await?.filter(|live| live["metadata"]["uid"] == uid);
        let Some(live) = there else { return Ok(()) };
        if Instant::now() >= end {
            return Err(DriverError::new(Class::Conflict, format!("it is still being deleted: {}", held_by(&live))));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// What keeps an object from being gone.
fn held_by(live: &Json) -> String {
    let held = live["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Json::as_str);
    let held: Vec<&str> = held.collect();
    let conditions = live["status"]["conditions"].as_array().into_iter().flatten();
    let told = conditions.filter(|one| one["status"] == "True" && (live["kind"] == "Namespace"));
    let told: Vec<&str> = told.filter_map(|one| one["message"].as_str()).collect();
    match (held.as_slice(), told.as_slice()) {
        ([], []) => "nothing says what holds it".to_owned(),
        (held, []) => format!("the finalizers {} hold it", held.join(", ")),
        (_, told) => told.join("; "),
    }
}

/// The condition of an object while it is waited for. A hook is there to end, so its Job is ready once it is complete.
fn condition_of(live: &Json, age: Duration) -> Condition {
    let is_hook = live["metadata"]["annotations"]["helm.sh/hook"].is_string();
    match condition(live, Some(age.as_secs())) {
        Condition::Ready if is_hook && live["kind"] == "Job" && !is_complete(live) => {
            Condition::Progressing("its Job runs".to_owned())
        }
        other => other,
    }
}

fn is_complete(job: &Json) -> bool {
    job["spec"]["suspend"] == true || has_ended(job, "Complete")
}

/// Whether a hook is a Job that failed. It does not run again by itself.
pub fn is_failed_hook(live: &Json) -> bool {
    live["metadata"]["annotations"]["helm.sh/hook"].is_string() && live["kind"] == "Job" && has_ended(live, "Failed")
}

fn has_ended(job: &Json, how: &str) -> bool {
    let conditions = job["status"]["conditions"].as_array().into_iter().flatten();
    { conditions }.any(|one| one["type"] == how && one["status"] == "True")
}

/// Whether what is gone ended and was removed by its own clock.
fn is_done_by_itself(live: &Json) -> bool {
    live["kind"] == "Job" && live["spec"]["ttlSecondsAfterFinished"].is_number()
}

/// The first pod of a workload that is in trouble.
async fn trouble_of(api: &ClusterApi, live: &Json) -> Option<(String, PodTrouble)> {
    if live["kind"] == "Pod" {
        return Some((live["metadata"]["name"].as_str()?.to_owned(), pod_trouble(live)?));
    }
    let labels = match live["kind"].as_str()? {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => &live["spec"]["selector"]["matchLabels"],
        "Job" => &live["spec"]["template"]["metadata"]["labels"],
        _ => return None,
    };
    // What has no labels would be every pod of the namespace.
    let labels = labels.as_object().filter(|all| !all.is_empty())?;
    let pairs = labels.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
    let selector = pairs.collect::<Vec<_>>().join(",");
    let served = api.served("v1", "Pod").await.ok()??;
    let pods = api.list(&served, live["metadata"]["namespace"].as_str(), &selector).await.ok()?;
    let trouble = |pod: &Json| Some((pod["metadata"]["name"].as_str()?.to_owned(), pod_trouble(pod)?));
    let mut all: Vec<(String, PodTrouble)> = of_now(&pods, live).into_iter().filter_map(trouble).collect();
    all.sort_by_key(|(name, trouble)| (!trouble.fatal, name.clone()));
    all.into_iter().next()
}

/// The pods of a workload as it is now: not those of a revision before it, and not those that ended.
fn of_now<'a>(pods: &'a [Json], live: &Json) -> Vec<&'a Json> {
    const REVISIONS: [&str; 2] = ["pod-template-hash", "controller-revision-hash"];
    let revision = |pod: &Json| {
        let labels = &pod["metadata"]["labels"];
        REVISIONS.iter().find_map(|name| labels[*name].as_str()).unwrap_or_default().to_owned()
    };
    let made = |pod: &&Json| pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
    let newest = live["status"]["updateRevision"].as_str().map(str::to_owned);
    let newest = newest.or_else(|| pods.iter().max_by_key(made).map(revision)).unwrap_or_default();
    let counts = |pod: &&Json| pod["status"]["phase"] != "Failed" && (newest.is_empty() || revision(pod) == newest);
    pods.iter().filter(counts).collect()
}

/// The last lines of the container that fails, where there are some.
async fn last_lines(api: &ClusterApi, live: &Json, trouble: Option<&(String, PodTrouble)>) -> String {
    let Some((pod, PodTrouble { container: Some(container), .. })) = trouble else { return String::new() };
    let namespace = live["metadata"]["namespace"].as_str().unwrap_or_default();
    for former in [true, false] {
        let log = api.log(namespace, pod, container, LINES, former).await.unwrap_or_default();
        let lines: Vec<String> = log.lines().map(|line| format!("\n    {line}")).collect();
        if !lines.is_empty() {
            return format!("; the last lines of `{container}`:{}", lines.concat());
        }
    }
    String::new()
}
