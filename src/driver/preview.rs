//! Asking what objects would become, between observing and planning: where only an API can say what a manifest means, what was
//! observed is put into the words of what is wanted, so that the planner compares like with like.

use std::time::Duration;

use foldhash::HashSet;
use futures_util::stream::{self, StreamExt as _};

use super::contract::{Preview, Request};
use super::{Class, DriverError, Progress, Sessions, with_retries};
use crate::desired::{Desired, Instance};
use crate::graph::DependencyGraph;
use crate::identity::Identity;
use crate::kind::{Outputs, Places};
use crate::observed::{Mark, Observed};
use crate::plan::{self, Options, what_is_wanted};
use crate::value::Attributes;

/// How many previews are under way at once.
const AT_ONCE: usize = 16;

/// Asks for a preview of every object that is there, is wanted, and is of a kind that has some. What can't be had stays as it was
/// observed.
pub async fn preview(
    sessions: &Sessions,
    desired: &Desired,
    graph: &DependencyGraph,
    options: &Options,
    observed: &mut Observed,
) {
    let of_apps = desired.objects().filter(|instance| instance.kind.places == Places::Rendered);
    let (there, absent): (Vec<&Instance>, Vec<&Instance>) =
        of_apps.partition(|instance| observed.at(&instance.identity).is_some());
    if options.destroy || there.is_empty() && absent.is_empty() {
        return;
    }
    // All at once: to look what is known is to go through the whole spec.
    let mut wanted = what_is_wanted(desired, graph, observed, options, &[absent.clone(), there.clone()].concat());
    let wanted_there = wanted.split_off(absent.len());
    learn_hosts(sessions, desired, observed, absent.iter().chain(&there));
    // Also where their hosts are not there yet: nothing is begun that could not be finished.
    for (instance, attributes) in absent.iter().zip(&wanted) {
        let why = sessions.registry().refusal(&instance.kind, attributes);
        why.into_iter().for_each(|why| observed.refuse(instance.identity.clone(), why));
    }
    rehearse(sessions, desired, absent.into_iter().zip(wanted), observed).await;
    let asked = there.iter().zip(wanted_there).filter_map(|(instance, attributes)| {
        let object = observed.at(&instance.identity)?;
        let mark = object.mark.clone().unwrap_or_else(|| Mark::unapplied(sessions.owner(), instance.address.clone()));
        let applied = plan::applied(&instance.settings.unapplied(), &attributes);
        Some((*instance, attributes, Mark { applied, ..mark }))
    });
    let asked: Vec<_> = asked.collect();
    let hosts = |instance: &Instance| {
        let hosts = instance.hosts.iter().filter_map(|host| desired.get(host));
        hosts.map(|host| host.identity.clone()).collect::<Vec<Identity>>()
    };
    let previews = asked.iter().map(|(instance, attributes, mark)| async move {
        let answer = one(sessions, instance, &hosts(instance), attributes, mark).await;
        (&instance.identity, answer)
    });
    let mut answers = stream::iter(previews.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
    while let Some((identity, answer)) = answers.next().await {
        match answer {
            Ok(Some(preview)) => {
                observed.learn_preview(identity, preview.attributes, preview.is_touched, preview.is_fixed);
                preview.is_refused.into_iter().for_each(|why| observed.refuse(identity.clone(), why));
                preview.is_untried.into_iter().for_each(|why| observed.leave_untried(identity.clone(), why));
                preview.is_contested.into_iter().for_each(|why| observed.contest(identity.clone(), why));
            }
            Ok(None) => {}
            Err(error) => observed.lose(identity.clone(), format!("can't be previewed: {}", error.chain())),
        }
    }
}

/// Lets the sessions be opened on what objects live in: their apps, and their clusters where those are not there yet.
fn learn_hosts<'a>(
    sessions: &Sessions,
    desired: &Desired,
    observed: &Observed,
    of: impl Iterator<Item = &'a &'a Instance>,
) {
    let mut known: HashSet<&Identity> = HashSet::default();
    for instance in of {
        let hosts = instance.hosts.iter().filter_map(|host| observed.at(&desired.get(host)?.identity));
        for host in hosts.chain(observed.host_of(&instance.identity)) {
            if known.insert(&host.identity) {
                sessions.learn(host.clone());
            }
        }
    }
}

/// Finds out what of the objects that are to be made the server would refuse. Only those count whose hosts are there and that are
/// known whole.
async fn rehearse<'a>(
    sessions: &Sessions,
    desired: &Desired,
    absent: impl Iterator<Item = (&'a Instance, Attributes)>,
    observed: &mut Observed,
) {
    let host = |instance: &Instance| desired.get(instance.hosts.first()?).map(|host| host.identity.clone());
    let can_be_tried = |(instance, wanted): &(&Instance, Attributes)| {
        host(instance).is_some_and(|host| observed.at(&host).is_some())
            && observed.why_unreachable(&instance.identity).is_none()
            && wanted.iter().all(|(_, one)| one.is_known())
    };
    let all: Vec<_> = absent.filter(can_be_tried).collect();
    let trials = all.iter().map(|(instance, attributes)| async move {
        let hosts: Vec<Identity> = host(instance).into_iter().collect();
        let session =
            sessions.keeper(&instance.kind, &hosts).await.ok().filter(|one| one.has_previews(&instance.kind))?;
        let mark = Mark::unapplied(sessions.owner(), instance.address.clone());
        let (derived, progress) = (Outputs::new(), Progress::default());
        let want = request(instance, &hosts, attributes, &mark, &derived, &progress);
        let error = with_retries(|| session.prepare(&want)).await.err()?;
        let refuses = matches!(error.class, Class::Invalid | Class::Denied);
        refuses.then(|| (instance.identity.clone(), error.chain()))
    });
    let mut answers = stream::iter(trials.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
    let mut refused = Vec::new();
    while let Some(answer) = answers.next().await {
        refused.extend(answer);
    }
    drop(answers);
    refused.into_iter().for_each(|(identity, why)| observed.refuse(identity, why));
}

fn request<'a>(
    instance: &'a Instance,
    hosts: &'a [Identity],
    attributes: &'a Attributes,
    mark: &'a Mark,
    derived: &'a Outputs,
    progress: &'a Progress,
) -> Request<'a> {
    Request {
        kind: &instance.kind,
        identity: &instance.identity,
        hosts,
        attributes,
        most: None,
        derived,
        mark,
        fields: &instance.settings.fields,
        limit: Duration::from_secs(instance.settings.timeout),
        progress,
    }
}

async fn one(
    sessions: &Sessions,
    instance: &Instance,
    hosts: &[Identity],
    attributes: &Attributes,
    mark: &Mark,
) -> Result<Option<Preview>, DriverError> {
    // An app that is only to be taken over is not there yet, and its cluster is.
    let chain = instance.identity.host();
    let hosts: Vec<Identity> = hosts.iter().cloned().chain(chain).collect();
    let hosts = hosts.as_slice();
    let Ok(session) = sessions.keeper(&instance.kind, hosts).await else { return Ok(None) };
    if !session.has_previews(&instance.kind) {
        return Ok(None);
    }
    let (derived, progress) = (Outputs::new(), Progress::default());
    let want = request(instance, hosts, attributes, mark, &derived, &progress);
    with_retries(|| session.preview(&want)).await
}
