//! `atlas render`: the objects of a chart, or of an app of the spec, as `helm template` prints them.

use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use super::args::{Global, RenderArgs};
use super::failure::{self, Failure};
use super::ui::Ui;
use super::{End, load};
use crate::address::Address;
use crate::charts::{ChartProblem, Charts, local_chart};
use crate::desired::{ArgoDelivery, ChartSource, Instance};
use crate::plan::{Selector, selected};
use crate::render::RenderFault;
use crate::render::app::{shown, to_json, written};
use crate::render::helm::set::{SetKind, set};
use crate::render::helm::tables::overlay;
use crate::render::helm::{
    Capabilities, Chart, KubernetesVersion, Manifest, RenderRequest, Rendered, printed, render, values_file,
};
use crate::render::objects::is_delivery;
use crate::run::{self, Spec};
use crate::spec::OutsideReferences;
use crate::style::{Role, harmless};
use crate::suggest::suggest;
use crate::value::Value;

/// How long the name of a release may be, as Helm's label has to take it with what it adds.
const LONGEST_NAME: usize = 53;

pub fn run(global: &Global, args: &RenderArgs, ui: &Ui) -> Result<End, Failure> {
    let (what, chart, mut request) = match address(&args.chart) {
        Some(address) => {
            let spec = load::spec(global)?;
            let app = app(&spec, &address)?;
            if ArgoDelivery::of(&app.attributes).is_some() {
                return given(&spec, app, ui);
            }
            let Some(source) = ChartSource::of(&app.attributes) else {
                ui.document(&plain(&spec, app)?);
                return Ok(End::Good);
            };
            let (request, _) = run::chart_request(app, &spec.desired);
            (app.address.to_string(), loaded(global, &source)?, request)
        }
        None => {
            has_no_spec(global)?;
            (args.chart.clone(), chart(global, &args.chart)?, RenderRequest::new("release-name", "default"))
        }
    };
    refine(&mut request, args, ui)?;
    let rendered = render(&chart, &request).map_err(|fault| refused(&what, &fault))?;
    tell(&rendered, ui);
    Ok(End::Good)
}

/// Whether a chart is in the folder that people are in, out of which nothing in it may lead then.
fn is_here(chart: &str) -> bool {
    Path::new(chart).is_relative() && !Path::new(chart).components().any(|part| part == Component::ParentDir)
}

/// The address that a word is, unless there is a file or folder of that name.
fn address(word: &str) -> Option<Address> {
    let address = Address::parse(word).ok().filter(|address| address.kind() == "app")?;
    (!Path::new(word).exists()).then_some(address)
}

/// Helm's `-f` is a file of values, and this one is the spec. Where nobody looks at a spec, to name one is a mistake.
fn has_no_spec(global: &Global) -> Result<(), Failure> {
    let named = global.file != Path::new("atlas.toml") || global.environment.is_some() || !global.var.is_empty();
    match named {
        true => Err(Failure::new("a chart has no spec, so `-f`, `-e` and `--var` say nothing about it")
            .hint("a file of values is `--values FILE`; an app of a spec is app.NAME@CLUSTER")),
        false => Ok(()),
    }
}

/// The chart that a word names. Of one outside of the folder that people are in nothing is looked for elsewhere.
fn chart(global: &Global, word: &str) -> Result<Chart, Failure> {
    match is_here(word) {
        true => loaded(global, &ChartSource::Path(word.trim_end_matches('/').to_owned())),
        false => local_chart(Path::new(word)).map_err(|problem| unread(word, &problem)),
    }
}

/// A chart with what it depends on.
fn loaded(global: &Global, source: &ChartSource) -> Result<Chart, Failure> {
    let mut charts = Charts::new(run::chart_surroundings(&load::setup(global)));
    let loaded = charts.get(source).map_err(|problem| unread(source.chart(), &problem))?;
    Ok(loaded.chart.clone())
}

fn unread(word: &str, problem: &ChartProblem) -> Failure {
    let failure = Failure::new(format!("the chart `{word}` can't be read")).because(problem.to_string());
    match problem {
        ChartProblem::Files(_) => {
            failure.hint("name a folder with a Chart.yaml, an archive of one, or an app such as app.shop@dc")
        }
        ChartProblem::NotLocked(_) => {
            failure.hint("an app of a spec that names the chart, and `atlas lock`, pin what it depends on")
        }
        _ => failure,
    }
}

/// What an Argo CD is given for an app: an Application, or the ApplicationSet of its hub.
fn given(spec: &Spec, app: &Instance, ui: &Ui) -> Result<End, Failure> {
    let is_of = |one: &&Instance| {
        let carrier = one.address.parent();
        let is_sibling = carrier
            .as_ref()
            .is_some_and(|carrier| carrier.kind() == app.address.kind() && carrier.name() == app.address.name());
        let is_set = one.attributes.get("kind").as_str() == Some("ApplicationSet");
        is_delivery(&one.attributes) && is_sibling && (is_set || carrier.as_ref() == Some(&app.address))
    };
    let objects = spec.desired.instances().iter().filter(is_of);
    let whole = |one: &Instance| {
        let text = |name: &str| one.attributes.get(name).clone();
        let head = one.attributes.get("manifest").clone().with(&["apiVersion"], text("api_version"));
        let head = head.with(&["kind"], text("kind")).with(&["metadata", "name"], text("name"));
        head.with(&["metadata", "namespace"], text("namespace"))
    };
    let objects: Vec<Value> = objects.map(whole).collect();
    if ui.json() {
        let objects: Vec<serde_json::Value> = objects
            .iter()
            .map(|one| serde_json::json!({ "source": "the spec", "hook": null, "object": one.to_json() }))
            .collect();
        ui.out_pretty(&serde_json::json!({ "objects": objects, "left_out": [] }));
        return Ok(End::Good);
    }
    let texts = objects.iter().map(|one| Ok(format!("---\n{}", written(one)?)));
    let texts: Result<String, RenderFault> = texts.collect();
    ui.document(&texts.map_err(|fault| refused(app.address.as_str(), &fault))?);
    Ok(End::Good)
}

/// The manifests of an app that has no chart, as they are.
fn plain(spec: &Spec, app: &Instance) -> Result<String, Failure> {
    let texts = run::plain_texts(app, &spec.base)
        .map_err(|why| Failure::new(format!("the manifests of {} can't be read", app.address)).because(why))?;
    let references = OutsideReferences::of(&spec.desired);
    let text = |text: &str| match app.attributes.get("kustomize").is_null() {
        true => references.with_variables(text),
        false => text.to_owned(),
    };
    Ok(texts.iter().map(|one| format!("---\n# Source: {}\n{}\n", one.name, text(&one.text).trim_end())).collect())
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

/// Lays what the command line says over what the chart or the app says.
fn refine(request: &mut RenderRequest, args: &RenderArgs, ui: &Ui) -> Result<(), Failure> {
    for path in &args.values {
        let text = match path.as_os_str() == "-" {
            true => {
                ui.rest().map_err(|error| Failure::new("standard input can't be read").because(error.to_string()))?
            }
            false => run::read_text(path).map_err(|error| failure::file(error, "the file of values"))?,
        };
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
        release_name(name)?;
        request.name.clone_from(name);
    }
    if let Some(namespace) = &args.namespace {
        request.namespace.clone_from(namespace);
    }
    request.include_crds = args.include_crds;
    extend(&mut request.capabilities, args)?;
    run::at_this_moment(request)
        .map_err(|error| Failure::new("this machine gives no random numbers").because(error.to_string()))
}

/// Helm's rule for the names of releases.
fn release_name(name: &str) -> Result<(), Failure> {
    let good = |part: &str| {
        let ends = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        part.starts_with(ends) && part.ends_with(ends) && part.chars().all(|c| ends(c) || c == '-')
    };
    if name.len() <= LONGEST_NAME && name.split('.').all(good) {
        return Ok(());
    }
    Err(Failure::new(format!("`{name}` can't be the name of a release")).hint(format!(
        "use small letters, digits, `-` and `.`, a letter or digit at both ends, and at most {LONGEST_NAME} characters"
    )))
}

/// Tells a chart what the command line says of the cluster, over what the spec says.
fn extend(capabilities: &mut Capabilities, args: &RenderArgs) -> Result<(), Failure> {
    if let Some(version) = &args.kube_version {
        capabilities.kubernetes = KubernetesVersion::read(version).map_err(|fault| {
            Failure::new("the version of Kubernetes can't be used")
                .because(fault.to_string())
                .hint("write it as 1.33.0")
        })?;
    }
    Rc::make_mut(&mut capabilities.apis).extend(args.api_versions.iter().cloned());
    Ok(())
}

/// Why a chart gives no objects.
fn refused(what: &str, fault: &RenderFault) -> Failure {
    let failure = Failure::new(format!("`{what}` can't be rendered")).because(fault.to_string());
    match &fault.value {
        _ if fault.unknown => failure.hint("what that is, is known once it is made; the objects can be told then"),
        Some(value) if !value.is_empty() => failure.hint(format!("look at `{value}` in its values")),
        _ => failure,
    }
}

fn tell(rendered: &Rendered, ui: &Ui) {
    let unknowns = &rendered.unknowns;
    let left_out: Vec<String> = rendered.strange.iter().map(left_out).collect();
    for why in &left_out {
        ui.err(&format!("{} {}\n", ui.error_palette().paint(Role::Warning, "warning:"), harmless(why)));
    }
    if ui.json() {
        let all = rendered.crds.iter().chain(&rendered.objects).chain(&rendered.hooks);
        let objects: Vec<serde_json::Value> = all.map(|manifest| object(manifest, rendered)).collect();
        ui.out_pretty(&serde_json::json!({ "objects": objects, "left_out": left_out }));
        return;
    }
    ui.document(&shown(&printed(rendered), unknowns));
}

/// A hook that Helm leaves out, and why.
fn left_out(hook: &Manifest) -> String {
    let event = hook.hook.as_ref().and_then(|hook| hook.strange.as_deref()).unwrap_or_default();
    format!("{}/{} of {} is left out: nobody knows hooks of `{event}`", hook.kind, hook.name, hook.file)
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
