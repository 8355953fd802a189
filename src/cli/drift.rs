//! `atlas drift`: only what moved behind Atlas's back.

use std::collections::BTreeSet;

use serde::{Serialize, Serializer};

use super::args::Global;
use super::failure::Failure;
use super::ui::Ui;
use super::{Done, End, load, notice};
use crate::action::Cause;
use crate::address::Address;
use crate::graph::DependencyGraph;
use crate::plan::{self, AttributeChange, Change, Options, render_drift};
use crate::run::{self, Destination};
use crate::style::Role;
use crate::value::Value;

pub async fn run(global: &Global, ui: &Ui) -> Result<Done, Failure> {
    let opened = load::look(global, ui).await?;
    let planned = run::plan(&opened, &Options::default()).await?;
    notice::tell(&planned.notices, ui);
    let drifted = run::drift(&planned.plan, &run::inventory(&opened)?);
    let unknown: Vec<&Address> = planned.unseen(&opened).map(|change| &change.address).collect();
    let end = match () {
        () if !drifted.is_empty() => End::Differs,
        () if !unknown.is_empty() => End::Unknown,
        () => End::Good,
    };
    let graph = &opened.pipeline.graph;
    if ui.json() {
        let entry = |change| DriftEntry { change, graph };
        let Destination { project, environment, accounts, .. } = &planned.destination;
        let drift = drifted.iter().map(entry).collect();
        ui.out_pretty(&Drift { project, environment, accounts, drift, unknown: &unknown });
        return Ok(end.keeping((opened, planned)));
    }
    load::warn(opened.source.text(), &planned.plan.diagnostics, ui);
    let header = format!("Drift of {}:", planned.destination);
    ui.note(&format!("{}\n", ui.palette().paint(Role::Strong, &header)));
    ui.out(&render_drift(&drifted, graph, ui.palette(), ui.width()));
    let names: Vec<&str> = unknown.iter().map(|address| address.as_str()).collect();
    match end {
        End::Good => ui.note("No drift: nothing moved behind Atlas's back.\n"),
        End::Unknown => ui.note(&format!("No drift where somebody answers; unknown: {}.\n", names.len())),
        _ => {
            if !names.is_empty() {
                let hosts = "what they live in does not run or answer";
                ui.out(&format!("\nUnknown, because {hosts}: {}\n", names.join(", ")));
            }
            ui.note("\n`atlas apply` brings it back.\n");
        }
    }
    Ok(end.keeping((opened, planned)))
}

/// All drift as JSON.
#[derive(Serialize)]
struct Drift<'a> {
    project: &'a str,
    environment: &'a str,
    accounts: &'a BTreeSet<String>,
    drift: Vec<DriftEntry<'a>>,
    unknown: &'a [&'a Address],
}

/// One object that moved, with everything that needs it, which is looked up when it is written.
struct DriftEntry<'a> {
    change: &'a Change,
    graph: &'a DependencyGraph,
}

/// One attribute that moved.
struct Moved<'a>(&'a AttributeChange);

impl Serialize for DriftEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let change = self.change;
        let moved = change.attributes.iter().filter(|attribute| attribute.drift.is_some());
        let mut entry = serializer.serialize_struct("Entry", 5)?;
        entry.serialize_field("address", &change.address)?;
        entry.serialize_field("kind", change.kind.name)?;
        entry.serialize_field("cause", if change.cause == Cause::Missing { &Cause::Missing } else { &Cause::Drift })?;
        entry.serialize_field("attributes", &moved.map(Moved).collect::<Vec<_>>())?;
        entry.serialize_field("dependants", &plan::dependants(self.graph, &change.address))?;
        entry.end()
    }
}

impl Serialize for Moved<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let show = |value: &Value| if self.0.sensitive { serde_json::Value::Null } else { value.to_json() };
        let known = self.0.drift != plan::Drifted::FromUnknown;
        let mut entry = serializer.serialize_struct("Moved", 4)?;
        entry.serialize_field("path", &self.0.path)?;
        entry.serialize_field("expected", &if known { show(&self.0.after) } else { serde_json::Value::Null })?;
        entry.serialize_field("known", &known)?;
        entry.serialize_field("observed", &show(&self.0.before))?;
        entry.end()
    }
}
