//! Looking at engines: all of each in a few lists.

use std::collections::BTreeMap;
use std::sync::Arc;

use bollard::models::ContainerSummary;
use foldhash::{HashMap, HashSet};
use futures_util::stream::{self, StreamExt as _};

use super::engine::Engine;
use super::engines::named_by;
use super::inspected::{Counters, Inspected};
use super::listed::{Identified, Listed};
use super::mark::{self, Labels};
use super::note::Notes;
use super::scope::SessionScope;
use super::spec_side::SpecSide;
use super::{cluster, container, network, volume};
use crate::driver::{Claims, DriverError, Listing, with_retries};
use crate::identity::Identity;
use crate::kind::{self, KindRef};
use crate::observed::Object;
use crate::value::{Attributes, Value};

/// How many containers are looked at at once.
const AT_ONCE: usize = 16;

/// An object as one engine told it.
pub(super) struct Described {
    pub object: Object,
    /// What no other object is called by its engine, and what people call it.
    pub id: String,
    pub name: String,
    /// Whether its mark is certain to be its own.
    pub is_certain: bool,
    /// Containers that carry the mark as well and are no part of it.
    pub copies: Vec<String>,
}

/// What is asked of every engine.
struct Query<'a> {
    scope: &'a SessionScope,
    kinds: &'a [KindRef],
    claims: &'a Claims<'a>,
    /// The wanted regions by the names of their containers.
    regions: HashMap<String, Identity>,
}

/// Looks at all that a session's owner has, or wants, on every engine that something names.
pub(super) async fn list(scope: &SessionScope, kinds: &[KindRef], claims: &Claims<'_>) -> Listing {
    let mut listing = Listing::default();
    let wanted = by_engine(scope, kinds, claims, &mut listing);
    let regions = wanted.values().flatten().filter(|identity| identity.kind() == "region");
    let regions = regions.map(|identity| (scope.name(identity), identity.clone())).collect();
    let query = Query { scope, kinds, claims, regions };
    let engines = scope.engines().all();
    let asked = engines.iter().map(|engine| {
        let (query, wanted) = (&query, wanted.get(&engine.name));
        async move {
            // An engine on which nothing is wanted may well not be there.
            if wanted.is_none() && engine.name.is_none() && !engine.is_there() {
                return (engine, Ok((None, Vec::new())));
            }
            let ask = || async {
                // Connected first, so that an engine that is not there is waited for once, and not by each call.
                engine.docker().await?;
                let (name, told) = futures_util::future::join(engine.own_name(), query.ask(engine)).await;
                Ok((name, told?))
            };
            (engine, with_retries(ask).await)
        }
    });
    let mut found: BTreeMap<Identity, Vec<(Arc<Engine>, Described)>> = BTreeMap::new();
    for (engine, answer) in futures_util::future::join_all(asked).await {
        let on_it = wanted.get(&engine.name).into_iter().flatten();
        match answer {
            Ok((name, told)) => {
                if let Some(name) = name.map(Arc::<str>::from) {
                    let on_it = on_it.chain(told.iter().map(|one| &one.object.identity));
                    listing.locations.extend(on_it.map(|identity| (identity.clone(), Arc::clone(&name))));
                }
                for one in told {
                    found.entry(one.object.identity.clone()).or_default().push((Arc::clone(engine), one));
                }
            }
            Err(error) => {
                let reason = format!("is on an engine that can't be asked: {}", error.chain());
                listing.unreachable.extend(on_it.map(|identity| (identity.clone(), reason.clone())));
            }
        }
    }
    for (identity, told) in found {
        match query.settle(&identity, told) {
            Ok((engine, object)) => {
                scope.engines().remember(&identity, &engine);
                listing.objects.push(object);
            }
            Err(reason) => drop(listing.unreachable.insert(identity, reason)),
        }
    }
    listing
}

/// What is wanted and would be on an engine, by the engine's name.
fn by_engine(
    scope: &SessionScope,
    kinds: &[KindRef],
    claims: &Claims<'_>,
    listing: &mut Listing,
) -> BTreeMap<Option<String>, Vec<Identity>> {
    let mut wanted: BTreeMap<Option<String>, Vec<Identity>> = BTreeMap::new();
    let engines = scope.engines();
    for (text, attributes) in claims.wanted {
        let Some(identity) = scope.own(kinds, text) else { continue };
        let engine = match attributes {
            Some(attributes) => match named_by(identity.kind(), attributes) {
                Some(name) => Ok(engines.get(name.as_deref())),
                None => continue,
            },
            None => engines.of(&identity, None),
        };
        match engine {
            Ok(engine) => wanted.entry(engine.name.clone()).or_default().push(identity),
            Err(error) => drop(listing.unreachable.insert(identity, error.chain())),
        }
    }
    wanted
}

impl Query<'_> {
    fn asks_for(&self, kind: &str) -> bool {
        self.kinds.iter().any(|one| one.name == kind)
    }

    fn wanted(&self, identity: &Identity) -> Option<Option<&Attributes>> {
        self.claims.wanted.get(identity.as_str()).copied()
    }

    /// Whether an object is looked at: it is the owner's, or wanted.
    fn is_relevant(&self, one: &Identified) -> bool {
        self.wanted(&one.identity).is_some() || self.is_owned(one)
    }

    fn is_owned(&self, one: &Identified) -> bool {
        one.mark.as_ref().is_some_and(|mark| self.claims.owner.has(mark))
    }

    async fn ask(&self, engine: &Engine) -> Result<Vec<Described>, DriverError> {
        match &self.scope.host {
            None => self.ask_all(engine).await,
            Some(host) if self.asks_for("cluster") => self.ask_clusters(engine, host).await,
            Some(_) => Ok(Vec::new()),
        }
    }

    async fn ask_all(&self, engine: &Engine) -> Result<Vec<Described>, DriverError> {
        let (networks, volumes, containers, notes) = futures_util::future::join4(
            async { if self.asks_for("network") { network::list(engine).await } else { Ok(Vec::new()) } },
            async { if self.asks_for("volume") { volume::list(engine).await } else { Ok(Vec::new()) } },
            container::list(engine),
            Notes::read(engine),
        )
        .await;
        let (networks, volumes, containers, notes) = (networks?, volumes?, containers?, notes?);
        let identify = |kind: &str, listed: Listed| {
            let one = Identified::of(kind_named(kind), engine.name.as_deref(), listed, &notes);
            self.is_relevant(&one).then_some(one)
        };
        let mut found: Vec<(Identified, Inspected)> = Vec::new();
        for one in volumes {
            let identified = identify("volume", volume::listed(&one));
            found.extend(identified.map(|identified| (identified, Inspected::Volume(Box::new(one)))));
        }
        // To know what a volume holds is costly, and matters only where it may go.
        let may_go = |(one, _): &(Identified, Inspected)| self.wanted(&one.identity).is_none();
        let counters = match self.claims.evidence || found.iter().any(may_go) {
            true if !found.is_empty() => Counters::of(&containers).with_sizes(engine).await,
            _ => Counters::of(&containers),
        };
        for one in networks {
            let identified = identify("network", network::listed(&one));
            found.extend(identified.map(|identified| (identified, Inspected::Network(Box::new(one)))));
        }
        found.extend(self.inspect(engine, &containers, &notes).await?);
        let secret = |reference: &Value| self.scope.secret(reference).ok();
        let told = found.into_iter().map(|(one, inspected)| {
            let (id, name) = (one.listed.id.clone(), one.listed.name.clone());
            let (is_certain, said) = (one.is_certain, self.wanted(&one.identity).flatten());
            let spec = SpecSide { wanted: said, base: &self.scope.surroundings.base, secret: &secret };
            let object = inspected.object(one, engine, Some(&counters), &spec);
            Described { object, id, name, is_certain, copies: Vec::new() }
        });
        Ok(told.collect())
    }

    /// Looks at the containers and regions among listed containers that matter, one by one.
    async fn inspect(
        &self,
        engine: &Engine,
        containers: &[ContainerSummary],
        notes: &Notes,
    ) -> Result<Vec<(Identified, Inspected)>, DriverError> {
        let images = container::labels_of_images(engine, containers, "atlas.identity").await?;
        let looks: Vec<_> = containers
            .iter()
            .filter_map(|one| {
                let image = container::image_of(one).and_then(|image| images.get(image));
                let identified = self.identify_container(engine, container::listed(one, image), notes)?;
                Some((identified, image))
            })
            .map(|(identified, image)| async move {
                let seen = container::inspect(engine, &identified.listed.id).await?;
                let Some(seen) = seen else { return Ok(None) };
                let seen = container::own_of(engine, seen).await?;
                let moved = container::moved_tag(engine, &seen, self.wanted(&identified.identity).flatten()).await;
                Ok::<_, DriverError>(Some((identified, Inspected::container(seen, image).moved_to(moved))))
            })
            .collect();
        let mut looked = stream::iter(looks).buffer_unordered(AT_ONCE);
        let mut found = Vec::new();
        while let Some(one) = looked.next().await {
            found.extend(one?);
        }
        Ok(found)
    }

    /// A container may be the whole of a region, or a part of a cluster and no object of its own.
    fn identify_container(&self, engine: &Engine, listed: Listed, notes: &Notes) -> Option<Identified> {
        if mark::get(&listed.labels, "k3d.cluster").is_some() {
            return None;
        }
        let marked = mark::identity(&listed.labels);
        let by_name = self.regions.get(&listed.name).filter(|_| marked.is_none());
        let is_region = by_name.is_some() || marked.is_some_and(|identity| identity.kind() == "region");
        let kind = if is_region { "region" } else { "container" };
        if !self.asks_for(kind) {
            return None;
        }
        let mut one = Identified::of(kind_named(kind), engine.name.as_deref(), listed, notes);
        if let Some(identity) = by_name {
            one.identity = identity.clone();
        }
        // Each project and environment has regions of its own, whose containers are named after it.
        let is_ours = !is_region || self.is_owned(&one) || one.listed.name == self.scope.name(&one.identity);
        (is_ours && self.is_relevant(&one)).then_some(one)
    }

    async fn ask_clusters(&self, engine: &Engine, host: &Identity) -> Result<Vec<Described>, DriverError> {
        let wanted = |name: &str| Some(host.inside("cluster", name)).filter(|one| self.wanted(one).is_some());
        let marked = |labels: &Labels| mark::identity(labels).filter(|own| own.host_str() == Some(host.as_str()));
        let clusters =
            cluster::list(engine, None, |name, labels| wanted(name).is_some() || marked(labels).is_some()).await?;
        if clusters.is_empty() {
            return Ok(Vec::new());
        }
        let notes = Notes::read(engine).await?;
        let mut told = Vec::new();
        for mut seen in clusters {
            let (name, id) = (seen.name.clone(), seen.id());
            let identity = host.inside("cluster", &name);
            let one = cluster::identified(&seen, &identity, &notes);
            if !self.is_relevant(&one) {
                continue;
            }
            let copies = if self.is_owned(&one) { seen.copies.clone() } else { Vec::new() };
            // What a cluster holds is counted where some of it may go.
            let said = self.wanted(&identity).flatten();
            let counts = self.claims.evidence || said.is_none_or(|wanted| cluster::loses_nodes(&seen, wanted));
            cluster::look_inside(engine, &mut seen, said, counts).await;
            let secret = |reference: &Value| self.scope.secret(reference).ok();
            let spec = SpecSide { wanted: said, base: &self.scope.surroundings.base, secret: &secret };
            let object = Inspected::Cluster(Box::new(seen)).object(one, engine, None, &spec);
            told.push(Described { object, id, name, is_certain: true, copies });
        }
        Ok(told)
    }

    /// The object of an identity among all that engines told of it, or why nothing can be said of it.
    fn settle(
        &self,
        identity: &Identity,
        mut told: Vec<(Arc<Engine>, Described)>,
    ) -> Result<(Arc<Engine>, Object), String> {
        let wanted = self.wanted(identity).flatten();
        // Two names may lead to one engine, which tells of everything twice then.
        if told.len() > 1 {
            let own = self.scope.engines().of(identity, wanted).ok().map(|engine| engine.name.clone());
            told.sort_by_key(|(engine, one)| (own.as_ref() != Some(&engine.name), !one.is_certain));
            let mut ids = HashSet::default();
            told.retain(|(_, one)| ids.insert(one.id.clone()));
        }
        let is_owned = |one: &Described| one.object.mark.as_ref().is_some_and(|mark| self.claims.owner.has(mark));
        if told.len() > 1 && told.iter().any(|(_, one)| is_owned(one)) {
            let names: Vec<(&str, &str)> = told.iter().map(|(_, one)| (one.name.as_str(), one.id.as_str())).collect();
            return Err(several(&names));
        }
        let Some((engine, one)) = told.into_iter().next() else { return Err("is not there any more".into()) };
        if let Some(copy) = one.copies.first() {
            return Err(format!(
                "is a cluster, and `{copy}` carries its mark without being one of its nodes; remove that copy"
            ));
        }
        // After a deletion nobody can tell whether it was the right container, so that has to be certain before.
        let may_go = self.claims.evidence || wanted.is_none();
        if !one.is_certain && is_owned(&one) && may_go {
            return Err(renamed(&one.name, &self.scope.name(identity)));
        }
        // What the spec says is elsewhere now can't be in both places: nothing is done to it, nor to what lives in it,
        // before its containers are gone.
        if wanted.is_some_and(|wanted| named_by(identity.kind(), wanted).is_none()) {
            return Err(
                "is still in containers that Atlas made, and the spec says it is elsewhere; restore the former spec, \
                 destroy it, and then move it"
                    .into(),
            );
        }
        Ok((engine, one.object))
    }
}

/// Why nothing is done to what is there several times: by the names that people call them and the engine's own.
pub(super) fn several(names: &[(&str, &str)]) -> String {
    let same = names.windows(2).all(|pair| pair[0].0 == pair[1].0);
    let name = |(name, id): &(&str, &str)| match same {
        true => format!("`{}` ({name})", id.get(..12).unwrap_or(id)),
        false => format!("`{name}`"),
    };
    let all: Vec<String> = names.iter().map(name).collect();
    format!(
        "is there more than once: {} have its name or carry its mark, and nothing shows which of them Atlas made; \
         remove or rename the copy",
        all.join(" and ")
    )
}

/// Why nothing is removed that is called otherwise than its mark says.
pub(super) fn renamed(now: &str, then: &str) -> String {
    format!(
        "is called `{now}` now, so it may be a copy of what Atlas made; if it is the original, rename it back with \
         `docker rename {now} {then}`"
    )
}

fn kind_named(name: &str) -> KindRef {
    kind::get(name).unwrap_or(kind::ALL[0]).into()
}
