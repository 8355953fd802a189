//! `atlas show`: all that is known of one resource.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::args::Global;
use super::failure::Failure;
use super::ui::Ui;
use super::{Done, End, load, notice};
use crate::address::Address;
use crate::desired::{Desired, Instance};
use crate::observed::{Object, Observed};
use crate::plan::{Known, Resolver as _, show_value};
use crate::run::{self, Opened, RunError};
use crate::style::Role;
use crate::suggest::suggest;
use crate::value::{Attributes, Value};

pub async fn run(global: &Global, address: &Address, ui: &Ui) -> Result<Done, Failure> {
    let opened = load::look(global, ui).await?;
    let (recorded, notices) = run::recorded(&opened)?;
    notice::tell(&notices, ui);
    let observed = opened.pipeline.observe(&recorded).await.map_err(RunError::from)?;
    tell(&opened, &observed, address, ui)?;
    Ok(End::Good.keeping((opened, observed)))
}

fn tell(opened: &Opened, observed: &Observed, address: &Address, ui: &Ui) -> Result<(), Failure> {
    let pipeline = &opened.pipeline;
    let instance = pipeline.desired.get(address);
    let at = instance.and_then(|instance| observed.at(&instance.identity));
    let object = at.or_else(|| observed.marked(address).next());
    if instance.is_none() && object.is_none() {
        let known: Vec<&str> = pipeline.desired.instances().iter().map(|one| one.address.as_str()).collect();
        return Err(Failure::new(format!("there is no {address} in the spec, and no object that carries its mark"))
            .hint(suggest(address.as_str(), &known).unwrap_or_else(|| "`atlas status` lists every address".into())));
    }
    let wanted = instance.map(|instance| resolved(instance, &pipeline.desired, observed)).unwrap_or_default();
    let unreachable = instance.and_then(|instance| observed.why_unreachable(&instance.identity));
    let graph = &pipeline.graph;
    let needs: Vec<&Address> = graph.needs(address).map(|(need, _)| need).collect();
    let names: BTreeSet<&Address> = instance.iter().flat_map(|one| &one.names).map(|edge| &edge.to).collect();
    let names: Vec<&Address> = names.into_iter().collect();
    let dependants: Vec<&Address> = graph.dependants(address).into_iter().map(|(one, _)| one).collect();
    if ui.json() {
        ui.out_pretty(&serde_json::json!({
            "address": address,
            "desired": instance.map(|instance| attributes(&wanted, &instance.kind)),
            "observed": object.map(|object| serde_json::json!({
                "identity": object.identity,
                "attributes": attributes(&object.attributes, &object.kind),
                "outputs": object.outputs,
                "usage": object.usage,
                "mark": object.mark,
            })),
            "unreachable": unreachable,
            "needs": needs,
            "needed_by": dependants,
            "names": names,
        }));
        return Ok(());
    }
    ui.out(&format!("{}\n", ui.palette().paint(Role::Strong, address.as_str())));
    if let Some(instance) = instance {
        desired(instance, &wanted, ui);
    }
    match (object, unreachable) {
        (_, Some(reason)) => ui.out(&format!("  observed: unknown, its host {reason}\n")),
        (None, None) => ui.out("  observed: not there\n"),
        (Some(object), None) => there(object, ui),
    }
    list("needs", &needs, ui);
    list("needed by", &dependants, ui);
    list("names", &names, ui);
    Ok(())
}

/// The attributes of a resource, its references completed with what was observed.
fn resolved(instance: &Instance, desired: &Desired, observed: &Observed) -> Attributes {
    let mut known = Known::default();
    known.learn_targets(&instance.names, desired, |other| {
        let host = other.hosts.first().and_then(|host| observed.at(&desired.get(host)?.identity));
        Cow::Owned(other.foretold(host.map(|host| &host.outputs)))
    });
    known.learn_targets(&instance.references, desired, |other| {
        let object = observed.marked(&other.address).next();
        object.map_or_else(Cow::default, |object| Cow::Borrowed(&object.outputs))
    });
    known.resolve(&instance.kind, &instance.attributes).into_owned()
}

fn desired(instance: &Instance, wanted: &Attributes, ui: &Ui) {
    let (line, what) = (&instance.identity, ui.palette().paint(Role::Dim, &instance.kind.summary));
    ui.out(&format!("  {what}\n  identity: {line}\n  desired:\n"));
    for (name, value) in wanted.iter() {
        ui.out(&format!("    {name} = {}\n", shown(&instance.kind, name, value)));
    }
}

fn there(object: &Object, ui: &Ui) {
    ui.out("  observed:\n");
    for (name, value) in object.attributes.iter() {
        ui.out(&format!("    {name} = {}\n", shown(&object.kind, name, value)));
    }
    for (name, value) in &object.outputs {
        ui.out(&format!("    {name} = {value}\n"));
    }
    for (name, count) in &object.usage {
        ui.out(&format!("    {name} = {count}\n"));
    }
    match &object.mark {
        Some(mark) => {
            let protect = if mark.protect { ", protected" } else { "" };
            ui.out(&format!(
                "  mark: project {}, environment {}, {}{protect}\n",
                mark.project, mark.environment, mark.address
            ));
        }
        None => ui.out("  mark: none, so it is not Atlas's\n"),
    }
}

fn list(title: &str, addresses: &[&Address], ui: &Ui) {
    if !addresses.is_empty() {
        let names: Vec<&str> = addresses.iter().map(|address| address.as_str()).collect();
        ui.out(&format!("  {title}: {}\n", names.join(", ")));
    }
}

fn shown(kind: &crate::kind::Kind, name: &str, value: &Value) -> String {
    let sensitive = kind.attribute(name).is_some_and(|attribute| attribute.sensitive);
    if sensitive { "(sensitive)".into() } else { show_value(value) }
}

fn attributes(attributes: &Attributes, kind: &crate::kind::Kind) -> serde_json::Value {
    let open = |name: &str| !kind.attribute(name).is_some_and(|attribute| attribute.sensitive);
    let entries = attributes.iter().filter(|(name, _)| open(name));
    serde_json::Value::Object(entries.map(|(name, value)| (name.to_owned(), value.to_json())).collect())
}
