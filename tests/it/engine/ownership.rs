//! Whose an object of an engine is: made again when it is missing, removed with its block, let go, adopted, protected.

use std::collections::BTreeMap;

use atlas::kind::Kind;
use atlas::plan::Options;
use serde_json::{Value, json};

use super::Engine;
use super::conformance::{name_of, plain, spec, subject};
use crate::cloud::summary;
use crate::support::{actions, execute, selector};

pub async fn missing_is_made_again(engine: &Engine, kind: &'static Kind) -> Result<(), String> {
    let lines = plain(kind);
    let spec = spec(kind, Some(&lines));
    engine.converge(&spec, &Options::default(), &[]).await?;
    unmake(engine, kind, &name_of(&lines))?;
    let (_, plan) = engine.plan(&spec, &Options::default()).await;
    expect(&actions(&plan), &[(&subject(kind), "create")])?;
    engine.converge(&spec, &Options::default(), &[]).await.map(drop)
}

pub async fn foreign_is_left_alone_until_adopted(engine: &Engine, kind: &'static Kind) -> Result<(), String> {
    let lines = plain(kind);
    let name = name_of(&lines);
    let spec = spec(kind, Some(&lines));
    match kind.name {
        "container" => drop(engine.start(&name, &[])),
        name_of_kind => drop(engine.docker(&[name_of_kind, "create", &name])),
    }
    let before = engine.inspect(kind.name, &name);
    let (pipeline, plan) = engine.plan(&spec, &Options::default()).await;
    expect(&actions(&plan), &[(&subject(kind), "blocked")])?;
    execute(&pipeline, plan, &[]).await;
    let after = engine.inspect(kind.name, &name);
    if after != before {
        return Err(format!("somebody else's object was touched: it was {before}, and is {after}"));
    }
    let options = Options { adopt: vec![selector(&subject(kind))], ..Options::default() };
    engine.converge(&spec, &options, &[]).await?;
    same(&before, &engine.inspect(kind.name, &name))
}

pub async fn orphan_is_removed(engine: &Engine, kind: &'static Kind) -> Result<(), String> {
    let lines = plain(kind);
    engine.converge(&spec(kind, Some(&lines)), &Options::default(), &[]).await?;
    let without = spec(kind, None);
    let (_, plan) = engine.plan(&without, &Options::default()).await;
    expect(&actions(&plan), &[(&subject(kind), "delete")])?;
    engine.converge(&without, &Options::default(), &[]).await?;
    match engine.inspect(kind.name, &name_of(&lines)) {
        Value::Null => Ok(()),
        left => Err(format!("still there: {left}")),
    }
}

pub async fn forgotten_stays(engine: &Engine, kind: &'static Kind) -> Result<(), String> {
    let mut lines = plain(kind);
    lines.insert("on_remove".into(), "\"forget\"".into());
    engine.converge(&spec(kind, Some(&lines)), &Options::default(), &[]).await?;
    let before = engine.inspect(kind.name, &name_of(&lines));
    engine.converge(&spec(kind, None), &Options::default(), &[]).await?;
    let after = engine.inspect(kind.name, &name_of(&lines));
    // It is nobody's now, so nobody's plan touches it.
    let (_, plan) = engine.plan(&spec(kind, Some(&lines)), &Options::default()).await;
    let blocked = expect(&actions(&plan), &[(&subject(kind), "blocked")]);
    unmake(engine, kind, &name_of(&lines))?;
    blocked.and(same(&before, &after))
}

pub async fn protected_stays(engine: &Engine, kind: &'static Kind) -> Result<(), String> {
    let lines = plain(kind);
    let protected: BTreeMap<_, _> = lines.clone().into_iter().chain([("protect".into(), "true".into())]).collect();
    engine.converge(&spec(kind, Some(&lines)), &Options::default(), &[]).await?;
    let before = engine.inspect(kind.name, &name_of(&lines));
    engine.converge(&spec(kind, Some(&protected)), &Options::default(), &[]).await?;
    // The block is gone, and the object's own mark protects it all the same.
    let (_, plan) = engine.plan(&spec(kind, None), &Options::default()).await;
    if !plan.diagnostics.has_errors() {
        return Err(format!("its deletion is planned: {}", summary(&plan)));
    }
    let destroy = Options { destroy: true, ..Options::default() };
    if !engine.plan(&spec(kind, Some(&protected)), &destroy).await.1.diagnostics.has_errors() {
        return Err("destroying it is planned".into());
    }
    engine.converge(&spec(kind, Some(&lines)), &Options::default(), &[]).await?;
    same(&before, &engine.inspect(kind.name, &name_of(&lines)))?;
    engine.converge(&spec(kind, None), &Options::default(), &[]).await.map(drop)
}

/// Whether it is the same object still.
fn same(before: &Value, after: &Value) -> Result<(), String> {
    let own = |seen: &Value| [seen["Id"].clone(), seen["CreatedAt"].clone(), seen["Created"].clone()];
    if own(before) == own(after) { Ok(()) } else { Err(format!("it was {before}, and is {after}")) }
}

pub fn unmake(engine: &Engine, kind: &Kind, name: &str) -> Result<(), String> {
    let force: &[&str] = if kind.name == "container" { &["--force"] } else { &[] };
    engine.ask(&[&[kind.name, "rm"], force, &[name]].concat()).map(drop)
}

fn expect(actions: &BTreeMap<String, String>, wanted: &[(&str, &str)]) -> Result<(), String> {
    let found = json!(actions);
    let wanted: BTreeMap<&str, &str> = wanted.iter().copied().collect();
    if found == json!(wanted) { Ok(()) } else { Err(format!("planned {found}, not {wanted:?}")) }
}
