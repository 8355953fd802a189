//! `atlas render`: the objects of a chart, or of an app of the spec, as `helm template` prints them.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::args::{Global, RenderArgs};
use super::failure::{self, Failure};
use super::ui::Ui;
use super::{End, load};
use crate::address::Address;
use crate::desired::{Desired, Instance};
use crate::plan::{Known, Resolved, Resolver as _, Selector, selected};
use crate::render::RenderFault;
use crate::render::app::{shown, to_json, values_of};
use crate::render::helm::set::{SetKind, set};
use crate::render::helm::tables::overlay;
use crate::render::helm::{
    Capabilities, Chart, KubernetesVersion, Manifest, RenderRequest, Rendered, printed, render, values_file,
};
use crate::run::{self, ChartError, Spec};
use crate::suggest::suggest;
use crate::value::Attributes;

pub fn run(global: &Global, args: &RenderArgs, ui: &Ui) -> Result<End, Failure> {
    let (what, chart, mut request) = match address(&args.chart) {
        Some(address) => of_app(global, &address)?,
        None => {
            (args.chart.clone(), chart(Path::new(&args.chart), None)?, RenderRequest::new("release-name", "default"))
        }
    };
    refine(&mut request, args)?;
    let rendered = render(&chart, &request).map_err(|fault| refused(&what, &fault))?;
    tell(&rendered, ui);
    Ok(End::Good)
}

/// The address that a word is, unless there is a file or folder of that name.
fn address(word: &str) -> Option<Address> {
    let address = Address::parse(word).ok().filter(|address| address.kind() == "app")?;
    (!Path::new(word).exists()).then_some(address)
}

fn chart(path: &Path, project: Option<&Path>) -> Result<Chart, Failure> {
    run::chart(path, project).map_err(|error| {
        let failure = Failure::new(format!("the chart `{}` can't be read", path.display())).because(error.to_string());
        match error {
            ChartError::Files(_) => {
                failure.hint("name a folder with a Chart.yaml, an archive of one, or an app such as app.shop@dc")
            }
            ChartError::Content(_) => failure,
        }
    })
}

/// The chart of an app of the spec, and what it is asked for there.
fn of_app(global: &Global, address: &Address) -> Result<(String, Chart, RenderRequest), Failure> {
    let spec = load::spec(global)?;
    let instance = app(&spec, address)?;
    let attributes = resolved(instance, &spec.desired);
    // Behind the folder stands the digest of its content, which is a part of the spec.
    let pinned = attributes.get("chart").as_str().unwrap_or_default();
    let folder = pinned.rsplit_once("@sha256:").map_or(pinned, |(folder, _)| folder);
    let chart = chart(&spec.base.join(folder), Some(&spec.base))?;
    let text = |name: &str| attributes.get(name).as_str().map(str::to_owned);
    let name = text("name").unwrap_or_else(|| instance.object_name().to_owned());
    let mut request = RenderRequest::new(name, text("namespace").unwrap_or_else(|| "default".to_owned()));
    (request.values, request.unknowns) = values_of(attributes.get("values"));
    Ok((instance.address.to_string(), chart, request))
}

/// The one app that an address means.
fn app<'s>(spec: &'s Spec, address: &Address) -> Result<&'s Instance, Failure> {
    let wanted = [Selector::new(address.clone())];
    let apps: Vec<&Instance> = spec.desired.instances().iter().filter(|one| one.kind.name == "app").collect();
    let meant: Vec<&&Instance> = apps.iter().filter(|one| selected(&wanted, &one.address)).collect();
    let names = |all: &[&&Instance]| all.iter().map(|one| one.address.as_str()).collect::<Vec<_>>().join(", ");
    match meant.as_slice() {
        [one] => Ok(one),
        [] => {
            let known: Vec<&str> = apps.iter().map(|one| one.address.as_str()).collect();
            let failure = Failure::new(format!("there is no {address} in the spec"));
            Err(match suggest(address.as_str(), &known) {
                Some(hint) => failure.hint(hint),
                None if known.is_empty() => failure.hint("the spec has no app; name a chart's folder instead"),
                None => failure.hint(format!("there are {}", known.join(", "))),
            })
        }
        several => Err(Failure::new(format!("{address} is on several clusters"))
            .hint(format!("name one of them: {}", names(several)))),
    }
}

/// The attributes of an app, with what the spec alone tells of what they refer to.
fn resolved(instance: &Instance, desired: &Desired) -> Attributes {
    let mut known = Known::default();
    for edge in instance.names.iter().chain(&instance.references) {
        let Some(other) = desired.get(&edge.to) else { continue };
        let outputs = Cow::Owned(other.foretold(None));
        known.learn(edge.to.clone(), Resolved { attributes: Cow::Borrowed(&other.attributes), outputs });
    }
    known.resolve(&instance.kind, &instance.attributes).into_owned()
}

/// Lays what the command line says over what the chart or the app says.
fn refine(request: &mut RenderRequest, args: &RenderArgs) -> Result<(), Failure> {
    for path in &args.values {
        let text = run::read_text(path).map_err(|error| failure::file(error, "the file of values"))?;
        let read = values_file::read(&text).map_err(|fault| {
            Failure::new(format!("the file of values `{}` can't be used", path.display())).because(fault.to_string())
        })?;
        request.values = overlay(&request.values, &read);
    }
    let file = |name: &str| run::read_text(&PathBuf::from(name)).map_err(|error| RenderFault::new(error.to_string()));
    // In Helm's own order, whatever order the command line has.
    let words = [
        (&args.set_json, SetKind::Json),
        (&args.set, SetKind::Plain),
        (&args.set_string, SetKind::Text),
        (&args.set_file, SetKind::File(&file)),
    ];
    for (words, kind) in words {
        for word in words {
            set(&request.values, word, kind)
                .map_err(|fault| Failure::new(format!("`{word}` sets no value")).because(fault.to_string()))?;
        }
    }
    if let Some(name) = &args.release {
        request.name.clone_from(name);
    }
    if let Some(namespace) = &args.namespace {
        request.namespace.clone_from(namespace);
    }
    request.include_crds = args.include_crds;
    request.capabilities = capabilities(args)?;
    run::at_this_moment(request)
        .map_err(|error| Failure::new("this machine gives no random numbers").because(error.to_string()))
}

fn capabilities(args: &RenderArgs) -> Result<Capabilities, Failure> {
    let mut capabilities = Capabilities::default();
    if let Some(version) = &args.kube_version {
        capabilities.kubernetes = KubernetesVersion::read(version).map_err(|fault| {
            Failure::new("the version of Kubernetes can't be used")
                .because(fault.to_string())
                .hint("write it as 1.33.0")
        })?;
    }
    Rc::make_mut(&mut capabilities.apis).extend(args.api_versions.iter().cloned());
    Ok(capabilities)
}

/// Why a chart gives no objects.
fn refused(what: &str, fault: &RenderFault) -> Failure {
    let failure = Failure::new(format!("`{what}` can't be rendered")).because(fault.to_string());
    match &fault.value {
        _ if fault.unknown => failure.hint("what that is, is known once it is made; the objects can be told then"),
        Some(value) => failure.hint(format!("look at `{value}` in its values")),
        None => failure,
    }
}

fn tell(rendered: &Rendered, ui: &Ui) {
    let unknowns = &rendered.unknowns;
    if ui.json() {
        let all = rendered.crds.iter().chain(&rendered.objects).chain(&rendered.hooks);
        let objects: Vec<serde_json::Value> = all.map(|manifest| object(manifest, rendered)).collect();
        ui.out_pretty(&serde_json::json!({ "objects": objects }));
        return;
    }
    for hook in &rendered.strange {
        let event = hook.hook.as_ref().and_then(|hook| hook.strange.as_deref()).unwrap_or_default();
        ui.note(&format!(
            "{} {} is a hook of `{event}`, which Helm does not know and leaves out.\n",
            hook.kind, hook.name
        ));
    }
    ui.out(&shown(&printed(rendered), unknowns));
}

fn object(manifest: &Manifest, rendered: &Rendered) -> serde_json::Value {
    let hook = manifest.hook.as_ref().map(|hook| {
        serde_json::json!({
            "events": hook.events,
            "weight": hook.weight,
            "delete_policies": hook.delete_policies,
        })
    });
    serde_json::json!({
        "source": manifest.file,
        "hook": hook,
        "object": to_json(&manifest.value, &rendered.unknowns),
    })
}
