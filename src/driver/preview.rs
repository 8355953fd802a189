//! Asking what objects would become, between observing and planning: where only an API can say what a manifest means, what was
//! observed is put into the words of what is wanted, so that the planner compares like with like.

use futures_util::stream::{self, StreamExt as _};

use super::contract::{Preview, Request};
use super::{DriverError, Progress, Sessions, with_retries};
use crate::desired::{Desired, Instance};
use crate::graph::DependencyGraph;
use crate::identity::Identity;
use crate::kind::{Outputs, Places};
use crate::observed::{Mark, Observed};
use crate::plan::{Options, what_is_wanted};

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
    let there: Vec<&Instance> = of_apps.filter(|instance| observed.at(&instance.identity).is_some()).collect();
    if there.is_empty() || options.destroy {
        return;
    }
    let wanted = what_is_wanted(desired, graph, observed, options, &there);
    for host in there.iter().flat_map(|instance| &instance.hosts) {
        let object = desired.get(host).and_then(|host| observed.at(&host.identity));
        object.cloned().into_iter().for_each(|object| sessions.learn(object));
    }
    let asked = there.iter().zip(wanted).filter_map(|(instance, attributes)| {
        let object = observed.at(&instance.identity)?;
        let mark = object.mark.clone().unwrap_or_else(|| Mark::unapplied(sessions.owner(), instance.address.clone()));
        let applied = crate::plan::applied(&instance.settings.ignore, &attributes);
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
                observed.learn_preview(identity, preview.attributes, preview.is_touched, preview.is_fixed)
            }
            Ok(None) => {}
            Err(error) => observed.lose(identity.clone(), format!("can't be previewed: {}", error.chain())),
        }
    }
}

async fn one(
    sessions: &Sessions,
    instance: &Instance,
    hosts: &[Identity],
    attributes: &crate::value::Attributes,
    mark: &Mark,
) -> Result<Option<Preview>, DriverError> {
    let Ok(session) = sessions.keeper(&instance.kind, hosts).await else { return Ok(None) };
    if !session.has_previews(&instance.kind) {
        return Ok(None);
    }
    let (derived, progress) = (Outputs::new(), Progress::default());
    let want = Request {
        kind: &instance.kind,
        identity: &instance.identity,
        hosts,
        attributes,
        most: None,
        derived: &derived,
        mark,
        limit: std::time::Duration::from_secs(instance.settings.timeout),
        progress: &progress,
    };
    with_retries(|| session.preview(&want)).await
}
