//! A session on a cluster, on one of its namespaces, or on an app: what makes, changes and deletes the objects in it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::api::{ApplyMode, CallError, ObjectPlace};
use super::app::{self, KindInNamespace};
use super::namespace::{self, GuardRails};
use super::read::{app_object, namespace_object, object_of};
use super::state::ClusterState;
use super::trial::{Scaled, leave_to_autoscaler, preview, rehearse};
use super::{displaced, done, fields, given, list, manifest, mark, parts, rivals, secret, wait};
use crate::desired::TakeOver;
use crate::driver::{Claims, Class, DriverError, Listing, Look, Preview, Request, Seen, Session, with_retries};
use crate::identity::Identity;
use crate::kind::{self, Count, Kind, KindRef, Outputs};
use crate::observed::{Mark, Owner};
use crate::value::Attributes;

/// How long a deletion is waited for.
const DELETION: Duration = Duration::from_secs(60);
/// The same of a namespace, with everything in it.
const DELETION_OF_ALL: Duration = Duration::from_secs(180);

/// How long webhooks may take to answer.
const WEBHOOKS: Duration = Duration::from_secs(60);

/// A session on what is in a cluster.
pub struct ClusterSession {
    pub state: Arc<ClusterState>,
    /// The cluster, the namespace or the app.
    pub host: Identity,
}

#[async_trait]
impl Session for ClusterSession {
    async fn list(&self, _: &[KindRef], claims: &Claims<'_>) -> Result<Listing, DriverError> {
        match (self.host.kind(), claims.all_but) {
            // Everything in a cluster is looked at together, whatever it lives in there.
            ("cluster", None) => list::list(&self.state, claims).await,
            ("namespace", Some(seen)) => list::strangers(&self.state, &self.host, seen).await,
            _ => Ok(Listing::default()),
        }
    }

    async fn writers(&self, seen: &Seen) -> Vec<String> {
        seen.raw::<Json>().map(rivals::writers).unwrap_or_default()
    }

    async fn read(&self, look: &Look<'_>) -> Result<Option<Seen>, DriverError> {
        let state = &self.state;
        let identity = look.identity.clone();
        let Some(live) = self.live(look.kind, look.identity, look.wanted).await? else {
            return Ok(self.ran(&identity));
        };
        let object = match look.kind.name {
            "namespace" => {
                let rails = GuardRails::read(&state.api, &live).await?;
                namespace_object(state, &live, &rails, look.wanted)
            }
            "app" => match app_object(state, &live, identity) {
                Some(object) => object,
                None => return Ok(None),
            },
            _ => {
                let mark = mark::read(&live, &state.cluster).map(|(mark, _)| mark);
                let mut object = object_of(state, live.clone(), identity, mark, self.host.clone());
                if look.evidence && live["kind"] == "CustomResourceDefinition" {
                    object.usage.insert("instances".into(), self.instances(&live).await?);
                }
                if look.evidence && live["kind"] == "Namespace" {
                    object.usage.insert("strangers".into(), self.strangers(&live, object.mark.as_ref()).await);
                }
                if look.evidence && object.usage.get("volumes").is_none() {
                    object.usage.insert("volumes".into(), self.volumes(&live).await?);
                }
                object
            }
        };
        Ok(Some(Seen::with(object, live)))
    }

    fn has_previews(&self, kind: &Kind) -> bool {
        kind.name == kind::OBJECT.name
    }

    async fn preview(&self, want: &Request<'_>) -> Result<Option<Preview>, DriverError> {
        let Some(live) = self.state.live(want.identity) else { return Ok(None) };
        preview(&self.state, &live, want).await.map(Some)
    }

    async fn prepare(&self, want: &Request<'_>) -> Result<(), DriverError> {
        match want.kind.name == kind::OBJECT.name {
            true => rehearse(&self.state, want).await,
            false => Ok(()),
        }
    }

    async fn create(&self, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.bring(want, None).await
    }

    async fn update(&self, seen: &Seen, want: &Request<'_>) -> Result<Outputs, DriverError> {
        self.bring(want, Some(raw(seen)?)).await
    }

    async fn delete(&self, seen: &Seen) -> Result<(), DriverError> {
        let (api, live) = (&self.state.api, raw(seen)?);
        if seen.object.kind.name == "app" {
            self.refuse_remains(&seen.object.identity, live).await?;
            if let Some((own, _)) = mark::read(live, &self.state.cluster).filter(|_| parts::has_parts(live)) {
                let of = Owner { project: own.project, environment: own.environment };
                parts::tidy(api, &seen.object.identity, &self.state.cluster, &of, None).await?;
            }
        }
        if let Some((app, _)) = self.state.ran(&seen.object.identity) {
            self.state.remember(&app, &seen.object.identity, None).await?;
        }
        let Some(uid) = live["metadata"]["uid"].as_str() else { return Ok(()) };
        // One that is in no namespace may have been taken over by an app in another one since it was listed.
        let own = mark::read(live, &self.state.cluster);
        if own.is_some_and(|(_, own)| own != seen.object.identity) {
            return Err(DriverError::new(Class::Conflict, "it is another resource's by now; plan again"));
        }
        let Some(place) = self.place_of(live).await? else {
            return Err(DriverError::new(Class::Transient, "its kind is not served any more, so it can't be deleted"));
        };
        if given::is_given(live) {
            // What it delivered goes along with it, by the hand of the Argo CD.
            api.delete_with_all(&place, uid).await?;
            return wait::until_gone(api, &place, uid, DELETION_OF_ALL).await;
        }
        api.delete(&place, uid).await?;
        let limit = if place.served.kind == "Namespace" { DELETION_OF_ALL } else { DELETION };
        wait::until_gone(api, &place, uid, limit).await
    }

    async fn spare(&self, seen: &Seen) -> Result<(), DriverError> {
        let live = raw(seen)?;
        match self.place_of(live).await? {
            Some(place) => given::spare(&self.state.api, &place, live).await,
            None => Ok(()),
        }
    }

    async fn mark(&self, seen: &Seen, mark: Option<&Mark>) -> Result<(), DriverError> {
        let live = raw(seen)?;
        let patch = match mark {
            None => mark::without(),
            Some(mark) => {
                let mut patch = json!({ "metadata": { "uid": live["metadata"]["uid"] } });
                mark::put(&mut patch, mark, &seen.object.identity, &self.state.cluster);
                patch
            }
        };
        let Some(place) = self.place_of(live).await? else { return Err(gone()) };
        match self.state.api.merge(&place, &patch).await {
            Err(error) if error.is_absent() => Err(gone()),
            other => Ok(other.map(drop)?),
        }
    }
}

impl ClusterSession {
    /// An object as it is now; one that is being deleted is waited for until it is gone.
    async fn live(
        &self,
        kind: &Kind,
        identity: &Identity,
        wanted: Option<&Attributes>,
    ) -> Result<Option<Json>, DriverError> {
        let api = &self.state.api;
        let place = match kind.name {
            "namespace" => namespace::place(&identity.name()),
            "app" => app::place(identity),
            _ => match self.place(identity, wanted).await? {
                Some(place) => place,
                None => return Ok(None),
            },
        };
        let Some(live) = api.get(&place).await? else { return Ok(None) };
        let live = given::with_applications(api, live).await?;
        if wanted.is_some() && live["metadata"]["deletionTimestamp"].is_string() {
            let uid = live["metadata"]["uid"].as_str().unwrap_or_default();
            wait::until_gone(api, &place, uid, DELETION).await?;
            return api.get(&place).await;
        }
        let mut live = live;
        if kind.name == "app" {
            parts::complete(api, identity, &mut live).await?;
        }
        Ok(Some(live))
    }

    /// What ran and is gone.
    fn ran(&self, identity: &Identity) -> Option<Seen> {
        let (_, mark) = self.state.ran(identity)?;
        let word = identity.kind().split('.').next().unwrap_or_default();
        let live = json!({ "kind": word, "metadata": { "name": &*identity.name(), "namespace": identity.scope() } });
        Some(Seen::with(object_of(&self.state, live.clone(), identity.clone(), Some(mark), self.host.clone()), live))
    }

    /// Where an object is: as it is wanted, or else as it was last seen.
    async fn place(
        &self,
        identity: &Identity,
        wanted: Option<&Attributes>,
    ) -> Result<Option<ObjectPlace>, DriverError> {
        let api = &self.state.api;
        match (wanted, self.state.live(identity).as_deref()) {
            (Some(wanted), _) => api.place(wanted).await,
            (None, Some(live)) => self.place_of(live).await,
            // It was not listed in this run. Its identity tells what it is.
            (None, None) => {
                let served = api.served_as(identity.kind()).await?;
                let (scope, name) = (identity.scope(), identity.name());
                Ok(served.map(|served| ObjectPlace::of(&served, scope.as_deref(), &name)))
            }
        }
    }

    async fn place_of(&self, live: &Json) -> Result<Option<ObjectPlace>, DriverError> {
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let served = self.state.api.served(&text(&live["apiVersion"]), &text(&live["kind"])).await?;
        let metadata = &live["metadata"];
        Ok(served.map(|served| ObjectPlace::of(&served, metadata["namespace"].as_str(), &text(&metadata["name"]))))
    }

    /// Makes what is wanted, or brings what was seen to it.
    async fn bring(&self, want: &Request<'_>, live: Option<&Json>) -> Result<Outputs, DriverError> {
        match want.kind.name {
            "namespace" => {
                namespace::apply(&self.state.api, want, &self.state.cluster, live).await?;
            }
            "app" => {
                self.bring_app(want, live).await?;
            }
            _ => self.bring_object(want, live).await?,
        }
        Ok(want.derived.clone())
    }

    /// Writes the record of an app.
    async fn bring_app(&self, want: &Request<'_>, live: Option<&Json>) -> Result<(), DriverError> {
        let (api, cluster) = (&self.state.api, &self.state.cluster);
        let mut record = app::manifest(want, &live.map(app::kinds).unwrap_or_default());
        parts::part(api, want, cluster, &mut record).await?;
        mark::put(&mut record, want.mark, want.identity, cluster);
        let mode = ApplyMode { takes_over: true, is_trial: false };
        let made = api.apply(&app::place(want.identity), &record, mode).await?;
        self.state.learn_record(want.identity, &made);
        if live.is_some_and(parts::has_parts) || parts::has_parts(&made) {
            let of = Owner { project: want.mark.project.clone(), environment: want.mark.environment.clone() };
            parts::tidy(api, want.identity, cluster, &of, Some(&made)).await?;
        }
        Ok(())
    }

    async fn bring_object(&self, want: &Request<'_>, live: Option<&Json>) -> Result<(), DriverError> {
        let state = &self.state;
        let app = want.hosts.iter().find(|host| host.kind() == "app");
        if let (Some(live), Some(app)) = (live, app)
            && !live["metadata"]["uid"].is_string()
        {
            // It ran. All that can change is what is known of it.
            return state.remember(app, want.identity, Some(want.mark)).await;
        }
        let kind = KindInNamespace::of(want.attributes);
        let Some(place) = state.api.place(want.attributes).await? else {
            let what = format!("the cluster does not serve `{}` of `{}`", kind.kind, kind.api_version);
            return Err(DriverError::new(Class::Transient, format!("{what}; is its definition there?")));
        };
        if let Some(app) = app {
            state.record(app, &kind).await?;
        }
        let mut object = manifest::of(want.attributes);
        secret::fill(&state.secrets, want.attributes, live, &mut object)?;
        if let Some(live) = live {
            if mark::read(live, &state.cluster).is_none() {
                given::quiet(state, want.mark, want.identity).await?;
            }
            if let Some(managers) = fields::taken_over(live) {
                state.api.write_managers(&place, &live["metadata"]["resourceVersion"], &managers).await?;
            }
            rivals::leave(live, want.fields, &mut object);
            if leave_to_autoscaler(state, live, &mut object).await == Scaled::FromNowOn {
                state.api.hand_over(&place, &json!({ "replicas": live["spec"]["replicas"] })).await?;
            }
            // The server refuses it when another object has the name by now.
            object["metadata"]["uid"] = live["metadata"]["uid"].clone();
        }
        mark::put(&mut object, want.mark, want.identity, &state.cluster);
        if let Some(live) = live {
            self.refuse_contested(&place, live, &object, want).await?;
        }
        let mode = ApplyMode { takes_over: live.is_some(), is_trial: false };
        let made = self.apply_in_its_place(&place, live, &object, mode, want).await.map_err(explained)?;
        let waited = match app.filter(|_| done::goes_by_itself(&made)) {
            Some(app) => self.run_once(app, &place, &made, want).await,
            None => wait::until_ready(&state.api, &place, &made, want.limit, want.progress).await,
        };
        // One that succeeded did not fail, although that could not be remembered.
        let failed = waited.is_err() && done::is_removed_when_failed(&made);
        if failed && !self.state.api.get(&place).await.is_ok_and(|now| now.is_some_and(|now| done::has_completed(&now)))
        {
            // Why it failed counts more than that it could not be removed; the next run finds it then.
            drop(state.api.delete(&place, made["metadata"]["uid"].as_str().unwrap_or_default()).await);
        }
        waited
    }

    /// Refuses to take away what somebody else applies by now. Where nobody else does, nothing is asked.
    async fn refuse_contested(
        &self,
        place: &ObjectPlace,
        live: &Json,
        object: &Json,
        want: &Request<'_>,
    ) -> Result<(), DriverError> {
        let is_own = mark::read(live, &self.state.cluster).is_some();
        if !is_own || want.fields.take_over == TakeOver::Everything || !rivals::has_rivals(live) {
            return Ok(());
        }
        let mode = ApplyMode { takes_over: true, is_trial: true };
        let contested = match self.state.api.apply(place, object, mode).await {
            Ok(then) => rivals::contested(live, &then, want.fields),
            // What is refused as a whole is refused again once it is applied, or what is in the way goes first.
            Err(error) if error.is_no_trial() || error.code() == 422 => {
                rivals::contested_as_it_stands(live, object, want.fields)
            }
            Err(error) => return Err(explained(error)),
        };
        match rivals::told(&contested) {
            Some(who) => Err(DriverError::new(Class::Conflict, format!("{who}; plan again"))),
            None => Ok(()),
        }
    }

    /// Applies an object. Where the server refuses it beside what somebody put in the place of its own items, those go first.
    async fn apply_in_its_place(
        &self,
        place: &ObjectPlace,
        live: Option<&Json>,
        object: &Json,
        mode: ApplyMode,
        want: &Request<'_>,
    ) -> Result<Json, CallError> {
        let refused = match self.apply_once_webhooks_answer(place, object, mode, want).await {
            Err(error) if error.code() == 422 => error,
            answer => return answer,
        };
        let managers = live.and_then(|live| Some((live, displaced::managers(live, object)?)));
        let Some((live, managers)) = managers else { return Err(refused) };
        self.state.api.write_managers(place, &live["metadata"]["resourceVersion"], &managers).await?;
        self.apply_once_webhooks_answer(place, object, mode, want).await
    }

    /// Applies an object. A webhook that was made a moment ago may not answer yet, and its certificate may not be known yet.
    async fn apply_once_webhooks_answer(
        &self,
        place: &ObjectPlace,
        object: &Json,
        mode: ApplyMode,
        want: &Request<'_>,
    ) -> Result<Json, CallError> {
        let end = Instant::now() + WEBHOOKS.min(want.limit / 2);
        loop {
            match self.state.api.apply(place, object, mode).await {
                Err(error) if error.is_silent_webhook() && Instant::now() < end => {
                    want.progress.tell(format!("waiting: {}", error.message()));
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                answer => return answer,
            }
        }
    }

    /// Waits for a Job that goes by itself once it has ended, and remembers that it ran.
    async fn run_once(
        &self,
        app: &Identity,
        place: &ObjectPlace,
        made: &Json,
        want: &Request<'_>,
    ) -> Result<(), DriverError> {
        let api = &self.state.api;
        wait::until_ready(api, place, made, want.limit, want.progress).await?;
        self.state.remember(app, want.identity, Some(want.mark)).await?;
        let uid = made["metadata"]["uid"].as_str().unwrap_or_default();
        match done::is_removed_by_hook(made) && wait::waits(made) {
            true => Ok(api.delete(place, uid).await?),
            false => Ok(()),
        }
    }

    /// How many objects of others are in a namespace that a chart made.
    async fn strangers(&self, namespace: &Json, own: Option<&Mark>) -> Count {
        let name = namespace["metadata"]["name"].as_str().unwrap_or_default();
        let identity = self.state.cluster.inside("namespace", name);
        let is_own =
            |mark: &Mark| own.is_some_and(|own| (&own.project, &own.environment) == (&mark.project, &mark.environment));
        match list::strangers(&self.state, &identity, &foldhash::HashSet::default()).await {
            Ok(found) => {
                let others = found.objects.iter().filter(|one| !one.mark.as_ref().is_some_and(is_own));
                Count::Exactly(others.count() as u64)
            }
            Err(_) => Count::Unknown,
        }
    }

    /// How many volumes the claims of a StatefulSet have.
    async fn volumes(&self, set: &Json) -> Result<Count, DriverError> {
        let api = &self.state.api;
        let Some(served) = api.served("v1", "PersistentVolumeClaim").await? else { return Ok(Count::Unknown) };
        let claims = api.list(&served, set["metadata"]["namespace"].as_str(), "").await?;
        let name = set["metadata"]["name"].as_str().unwrap_or_default();
        let templates = set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten();
        let starts: Vec<String> =
            templates.filter_map(|one| Some(format!("{}-{name}-", one["metadata"]["name"].as_str()?))).collect();
        let own = |claim: &&Json| {
            let called = claim["metadata"]["name"].as_str().unwrap_or_default();
            claim["spec"]["volumeName"].is_string() && starts.iter().any(|start| called.starts_with(start.as_str()))
        };
        Ok((claims.iter().filter(own).count() as u64).into())
    }

    /// How many custom resources a definition has.
    async fn instances(&self, definition: &Json) -> Result<Count, DriverError> {
        let text = |path: &str| definition.pointer(path).and_then(Json::as_str).unwrap_or_default();
        let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
        let Some(version) = { versions }.find(|one| one["storage"] == true).and_then(|one| one["name"].as_str()) else {
            return Ok(Count::Unknown);
        };
        let api_version = format!("{}/{version}", text("/spec/group"));
        match self.state.api.served(&api_version, text("/spec/names/kind")).await? {
            Some(served) => Ok((self.state.api.list(&served, None, "").await?.len() as u64).into()),
            None => Ok(Count::Unknown),
        }
    }

    /// Refuses to forget an app while objects of it are there.
    async fn refuse_remains(&self, app: &Identity, record: &Json) -> Result<(), DriverError> {
        let Some((own, _)) = mark::read(record, &self.state.cluster) else { return Ok(()) };
        let owner = Owner { project: own.project.clone(), environment: own.environment.clone() };
        let selector = mark::selector(&owner);
        for kind in app::kinds(record).into_values() {
            let api = &self.state.api;
            let Some(served) = api.still_served(&kind.api_version, &kind.kind).await? else { continue };
            let listed = with_retries(|| api.list(&served, kind.namespace.as_deref(), &selector)).await?;
            let rest = listed.iter().find_map(|one| {
                let (mark, identity) = mark::read(one, &self.state.cluster)?;
                (mark.address.parent().as_ref() == Some(&own.address)).then_some(identity)
            });
            if let Some(rest) = rest {
                let what = format!("`{}` of `{}` is still there", rest.name(), app.name());
                return Err(DriverError::new(Class::Conflict, format!("{what}; plan again")));
            }
        }
        Ok(())
    }
}

/// What the server said, with the way out where it refuses to change a field.
fn explained(error: CallError) -> DriverError {
    let forbids = error.forbids_change();
    let told = DriverError::from(error);
    match forbids {
        true => DriverError::new(told.class, format!("{}; plan again to replace it", told.message)),
        false => told,
    }
}

fn gone() -> DriverError {
    DriverError::new(Class::Conflict, "it is gone")
}

fn raw(seen: &Seen) -> Result<&Json, DriverError> {
    seen.raw::<Json>().ok_or_else(|| DriverError::new(Class::Invalid, "it was not seen in a cluster"))
}
