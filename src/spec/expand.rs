//! From blocks to resources: one for each place, with its hosts, its identity and its attributes.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use foldhash::{HashMap, HashMapExt as _, HashSet};

use super::declare::Block;
use super::node::Table;
use super::normalize::Normalizer;
use super::place::{Declared, Index};
use super::scope::{Globals, Scope};
use crate::address::{Address, Written};
use crate::desired::{Desired, Edge, FieldRules, Instance, OnRemove, Settings};
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::identity::Identity;
use crate::kind::{self, Attribute, Host, Kind, Places, duration};
use crate::parallel;
use crate::path::split;
use crate::suggest::suggest;
use crate::value::{Attributes, Value};

/// Makes the resources of every block.
pub fn instances(
    blocks: &[Block],
    source: &str,
    globals: &Globals<'_>,
    index: &Index,
    diagnostics: &mut Diagnostics,
) -> Vec<Instance> {
    let runs = parallel::map_runs(blocks, |blocks| {
        let mut diagnostics = Diagnostics::default();
        (run(blocks, source, globals, index, &mut diagnostics), diagnostics)
    });
    let mut instances = Vec::with_capacity(runs.iter().map(|(run, _)| run.len()).sum());
    for (run, found) in runs {
        instances.extend(run);
        diagnostics.append(found);
    }
    instances
}

fn run(
    blocks: &[Block],
    source: &str,
    globals: &Globals<'_>,
    index: &Index,
    diagnostics: &mut Diagnostics,
) -> Vec<Instance> {
    let mut instances = Vec::with_capacity(blocks.len());
    for block in blocks {
        let name = &block.declaration.name;
        if kind::place_attribute(&block.kind).is_some_and(|attribute| !block.has(attribute.name)) {
            check_without_place(block, source, globals, index, diagnostics);
        }
        let addresses = index.of(block).map_or(&[][..], Declared::addresses);
        for address in addresses {
            let place = address.place();
            let cluster = place.filter(|place| index.get("cluster", place).is_some());
            let region = match cluster {
                Some(cluster) => index.region_of(cluster),
                None if block.kind.name == "cluster" => index.region_of(name),
                None if block.kind.name == "region" => Some(name.as_str()),
                None => place,
            };
            let own_address = Some(address.clone());
            let scope = Scope { globals: Some(globals), name, place, region, cluster, own_address };
            instances.push(instance(block, source, &scope, index, diagnostics));
        }
    }
    instances
}

/// Checks a block whose place is missing as if it had one, and keeps what does not depend on the place: the misspelt key
/// that was meant to be the place, most likely.
fn check_without_place(
    block: &Block,
    source: &str,
    globals: &Globals<'_>,
    index: &Index,
    diagnostics: &mut Diagnostics,
) {
    let mut found = Diagnostics::default();
    let name = &block.declaration.name;
    let somewhere = Some("somewhere");
    let scope = Scope {
        globals: Some(globals),
        name,
        place: somewhere,
        region: somewhere,
        cluster: somewhere,
        own_address: None,
    };
    let _ = instance(block, source, &scope, index, &mut found);
    let placed = [&code::REFERENCE_TO_NOTHING, &code::NO_SUCH_PLACE, &code::MISSING_ATTRIBUTE];
    found.retain(|diagnostic| !placed.contains(&diagnostic.code));
    diagnostics.append(found);
}

/// Adds what only the whole spec tells: the namespace of each app, the hosts of what is only named, and the identity of each
/// object.
pub fn link(desired: &mut Desired) {
    let namespaces: HashMap<(String, String), Address> = desired
        .of_kind("namespace")
        .filter_map(|instance| {
            let name = instance.attributes.get("name").as_str()?.to_owned();
            Some(((name, instance.place()?.to_owned()), instance.address.clone()))
        })
        .collect();
    for instance in desired.instances_mut() {
        let Some(name) = instance.attributes.get("namespace").as_str().map(str::to_owned) else { continue };
        let Some(place) = instance.place().map(str::to_owned) else { continue };
        // What runs in a namespace goes with it, so the namespace is what it lives in.
        if let Some(host) = namespaces.get(&(name, place)) {
            instance.hosts = vec![host.clone()];
        }
    }
    for at in 0..desired.instances().len() {
        let more = hosts_of_named(&desired.instances()[at], desired);
        desired.instances_mut()[at].references.extend(more);
        let identity = identity(&desired.instances()[at], desired, 0);
        desired.instances_mut()[at].identity = identity;
    }
}

/// What is only named does not have to be there. Its host does, where what it is called says something of the host, such as
/// its account.
fn hosts_of_named(instance: &Instance, desired: &Desired) -> Vec<Edge> {
    let mut needed: Vec<Edge> = Vec::new();
    for edge in &instance.names {
        let Some(other) = desired.get(&edge.to) else { continue };
        let known = other.foretold(None);
        let tells_all =
            other.kind.outputs.iter().all(|output| output.formula.is_none() || known.contains_key(output.name));
        let host = other.hosts.first().filter(|host| !tells_all && !instance.hosts.contains(host));
        let new = host.filter(|host| !instance.references.iter().chain(&needed).any(|known| known.to == **host));
        needed.extend(new.map(|host| Edge { to: host.clone(), ..edge.clone() }));
    }
    needed
}

/// Two resources must not mean the same object.
pub fn check_identities(desired: &Desired, blocks: &[Block], diagnostics: &mut Diagnostics) {
    let mut seen: HashMap<&str, &Instance> = HashMap::with_capacity(desired.instances().len());
    // A bucket's name is taken in all of S3, not in one region only.
    let mut buckets: BTreeMap<&str, &Instance> = BTreeMap::new();
    let of_account: Vec<&str> =
        desired.kinds.iter().filter(|kind| kind.spans_regions()).map(|kind| kind.name).collect();
    let mut accounts: BTreeMap<(&str, &str, String), &Instance> = BTreeMap::new();
    for instance in desired.objects() {
        let clash = seen.insert(&instance.identity, instance).or_else(|| {
            let name = instance.attributes.get("name").as_str().filter(|_| instance.kind.name == "bucket")?;
            buckets.insert(name, instance)
        });
        let clash = clash.or_else(|| {
            // IAM is one and the same in every region of an account.
            let region = desired.get(instance.hosts.first()?).filter(|_| of_account.contains(&instance.kind.name))?;
            let account = region.attributes.get("aws");
            let name = instance.attributes.get("name").as_str().filter(|_| !account.is_null())?;
            accounts.insert((instance.kind.name, name, account.to_json().to_string()), instance)
        });
        if let Some(other) = clash {
            let name = instance.attributes.get("name").as_str().unwrap_or_default();
            let in_order = other.declaration.header <= instance.declaration.header;
            let (first, later) = if in_order { (other, instance) } else { (instance, other) };
            let detail =
                format!("{} and {} would both be the {} `{name}`", first.address, later.address, instance.kind.name);
            diagnostics.push(
                Diagnostic::error(&code::TWO_WITH_ONE_OBJECT, detail)
                    .at(blocks[later.declaration.block].span_at("name"))
                    .hint("give each a `name` of its own; `${region}` tells places apart")
                    .of(&instance.address),
            );
        }
    }
}

fn instance(block: &Block, source: &str, scope: &Scope<'_>, index: &Index, diagnostics: &mut Diagnostics) -> Instance {
    let kind = &block.kind;
    let declaration = Arc::clone(&block.declaration);
    let empty = Table::new();
    let table = block.node.as_table().unwrap_or(&empty);
    let list: Vec<&Attribute> = kind::attributes_of(kind).collect();
    let what = format!("a {}", kind.name);
    let mut normalizer = Normalizer::new(source, scope, index, diagnostics);
    normalizer.read = kind::place_attribute(kind).map(|attribute| attribute.name);
    let values = normalizer.object(&list, table, declaration.header, "", &what);
    let (edges, mut names) = (std::mem::take(&mut normalizer.edges), std::mem::take(&mut normalizer.names));
    let mut common: Attributes = Attributes::default();
    let mut own: Vec<(&'static str, Value)> = Vec::with_capacity(values.len());
    for (name, value) in values {
        match kind.attribute(name) {
            Some(attribute) => own.push((name, kind::normal(&attribute.ty, value))),
            None => common.set(name, value),
        }
    }
    let settings = settings(&common, block, scope, index, diagnostics);
    let former = settings.renamed_from.as_ref().filter(|_| settings.keeps_name);
    own.extend(own_name(block, scope, former, diagnostics));
    let attributes: Attributes = own.into_iter().collect();
    let address = scope.own_address.clone().unwrap_or_else(|| Address::new(kind.name, scope.name, scope.place));
    let servers: Vec<Address> = edges.iter().filter(|e| e.attribute == "server").map(|e| e.to.clone()).collect();
    let hosts = hosts(kind, scope, index, &attributes, &address, servers);
    let mut references: Vec<Edge> = edges;
    match hosts.as_slice() {
        [_, _, ..] => {
            let hosts: HashSet<&Address> = hosts.iter().collect();
            references.retain(|edge| !hosts.contains(&edge.to));
        }
        hosts => references.retain(|edge| !hosts.contains(&edge.to)),
    }
    references.dedup_by(|a, b| a.to == b.to && a.attribute == b.attribute);
    references.shrink_to_fit();
    names.dedup_by(|a, b| a.to == b.to && a.attribute == b.attribute);
    let (kind, identity) = (kind.clone(), Identity::default());
    Instance { address, kind, declaration, attributes, identity, hosts, references, names, settings }
}

/// The name of an object that is given none: its resource's, or the one that its resource had before. To rename a resource
/// changes what Atlas calls it and not the object.
fn own_name(
    block: &Block,
    scope: &Scope<'_>,
    former: Option<&Address>,
    diagnostics: &mut Diagnostics,
) -> Option<(&'static str, Value)> {
    let attribute = block.kind.attribute("name").filter(|_| !block.has("name"))?;
    let name = former.map_or(scope.name, Address::name);
    if let kind::Type::Text(rule) = &attribute.ty
        && let Err(fault) = (rule.check)(name)
    {
        diagnostics.push(
            Diagnostic::error(&code::BAD_OBJECT_NAME, format!("`{name}`: {}", fault.reason))
                .at(block.declaration.header)
                .hint("say another one: `name = \"…\"`"),
        );
    }
    Some(("name", name.into()))
}

fn hosts(
    kind: &Kind,
    scope: &Scope<'_>,
    index: &Index,
    attributes: &Attributes,
    address: &Address,
    servers: Vec<Address>,
) -> Vec<Address> {
    let host = |kind: &str, name: &str| match index.get(kind, name) {
        Some(Declared::Once(own)) => own.clone(),
        _ => Address::new(kind, name, None),
    };
    let one = |kind: &str, name: Option<&str>| name.map(|name| host(kind, name)).into_iter().collect();
    match kind.host {
        Host::World => Vec::new(),
        Host::Region => one("region", scope.region),
        Host::Cluster => one("cluster", scope.cluster),
        Host::Parent => address.parent().into_iter().collect(),
        Host::AnyServer if servers.is_empty() => {
            let names = attributes.get("regions").items().iter().filter_map(Value::as_str);
            names.map(|name| host("region", name)).collect()
        }
        Host::AnyServer => servers,
    }
}

fn settings(
    common: &Attributes,
    block: &Block,
    scope: &Scope<'_>,
    index: &Index,
    diagnostics: &mut Diagnostics,
) -> Settings {
    let kind = &block.kind;
    let text = |name: &str| common.get(name).as_str();
    // What lives inside another resource is known by its whole address, and may have the same name in another one.
    let is_own = |old: &Written<'_>| match &scope.own_address {
        Some(own) if own.parent().is_some() => own.as_str() == old.as_str(),
        _ => old.name() == scope.name,
    };
    let renamed_from = text("renamed_from").and_then(|text| {
        let parsed = Written::parse(text);
        let problem = match &parsed {
            Err(error) => error.to_string(),
            Ok(old) if old.kind() != kind.name => format!("`{text}` is no {}, and this is one", kind.name),
            Ok(old) if is_own(old) => "a resource is not renamed from its own name".into(),
            Ok(old) if old.place().is_some() && scope.place.is_none() => {
                format!("a {} stands in no place that its address says", kind.name)
            }
            // A region is never renamed, so the former place has to be the same. A cluster may have been renamed.
            Ok(old) if kind.places == Places::Regions && old.place().is_some_and(|at| Some(at) != scope.place) => {
                format!("`{text}` was in another region than {}", scope.place.unwrap_or_default())
            }
            Ok(old) if index.find(*old).is_some() => format!("the spec still declares {old}"),
            Ok(_) => String::new(),
        };
        if !problem.is_empty() {
            diagnostics.push(
                Diagnostic::error(&code::BAD_FORMER_ADDRESS, problem)
                    .at(block.span_at("renamed_from"))
                    .hint(format!("write the address that it had before, such as {}.old-name", kind.name)),
            );
        }
        parsed.ok().map(|old| match (scope.place, old.place()) {
            (Some(place), None) => Address::new(old.kind(), old.name(), Some(place)),
            _ => old.to_owned(),
        })
    });
    check_ignored(common, block, diagnostics);
    Settings {
        protect: common.get("protect") == &Value::Bool(true),
        ignore: common.get("ignore").items().iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
        kept: Vec::new(),
        timeout: text("timeout").and_then(|text| duration::parse(text).ok()).unwrap_or(600),
        on_remove: if text("on_remove") == Some("forget") { OnRemove::Forget } else { OnRemove::Delete },
        keeps_name: renamed_from.is_some() && !block.has("name") && kind.name != "region",
        fields: FieldRules::default(),
        renamed_from,
    }
}

/// What is left to others has to be there.
fn check_ignored(common: &Attributes, block: &Block, diagnostics: &mut Diagnostics) {
    let kind = &block.kind;
    for (at, path) in common.get("ignore").items().iter().enumerate() {
        let path = path.as_str().unwrap_or_default();
        let first = split(path).first().copied().unwrap_or_default();
        if first == "name" || first == "namespace" {
            diagnostics.push(
                Diagnostic::error(&code::IGNORED_NAME, "it is how the object is found")
                    .at(block.span_at(&format!("ignore.{at}")))
                    .hint(format!("remove `{first}` from `ignore`")),
            );
        } else if let Err(unknown) = kind::attribute_at(kind, path) {
            let kind::UnknownPart { part, within, known } = unknown;
            let what = if within.is_empty() { format!("a {}", kind.name) } else { format!("`{within}`") };
            let hint = suggest(part, &known).unwrap_or_else(|| match known.as_slice() {
                [] => "there is nothing below it".to_owned(),
                known => format!("it has {}", known.join(", ")),
            });
            diagnostics.push(
                Diagnostic::error(&code::UNKNOWN_ATTRIBUTE, format!("{what} has no `{part}` to ignore"))
                    .at(block.span_at(&format!("ignore.{at}")))
                    .hint(hint),
            );
        }
    }
}

/// The deterministic name of an object: its host's, its kind, and the name that it has there.
fn identity(instance: &Instance, desired: &Desired, depth: usize) -> Identity {
    // Hosts are at most a few deep; a spec whose hosts form a cycle is refused by the graph.
    let host = match instance.hosts.as_slice() {
        [host] if depth < 16 && instance.kind.host != Host::AnyServer => desired.get(host),
        _ => None,
    };
    let host = host.map(|host| match &host.identity {
        known if known.is_empty() => Cow::Owned(identity(host, desired, depth + 1)),
        known => Cow::Borrowed(known),
    });
    let kind = instance.kind.name;
    let name = instance.object_name();
    // What is on another engine than the usual one is another object of the same name.
    let engine = instance.attributes.get("engine").as_str().filter(|_| instance.kind.host == Host::World);
    let engine = engine.map(kind::engine_word);
    let scope = instance.attributes.get("namespace").as_str().or(engine.as_deref());
    match (host, scope) {
        (Some(host), Some(scope)) => host.scoped(kind, scope, name),
        (Some(host), None) => host.inside(kind, name),
        (None, scope) => Identity::root_scoped(kind, scope, name),
    }
}
