//! The suite that every world has to pass: the sandbox, LocalStack, moto, a container engine. Each attribute of each
//! kind is made, changed and changed back, and drifts behind Atlas's back and is healed; objects are made again,
//! removed, let go, adopted, protected and left alone. The cases come from the kinds' own schema. The result is a
//! matrix of kind and case, in which each cell is good or names what the world itself can't do.

use std::collections::BTreeMap;

use atlas::action::{Action, Cause};
use atlas::address::Address;
use atlas::execute::Report;
use atlas::kind::{Attribute, Kind};
use atlas::plan::{Options, Plan};
use atlas::recorded::Recorded;
use atlas::run::Pipeline;
use atlas::value::Attributes;
use serde_json::{Value, json};

use crate::attributes;
use crate::support::{actions, execute, selector, summary};

/// The lines of a block, by attribute, as the spec writes them.
pub type Lines = BTreeMap<String, String>;

/// A world, with a second client that knows nothing of Atlas.
#[allow(async_fn_in_trait, reason = "nobody needs these futures to be sent anywhere")]
pub trait Stand {
    /// What the matrix calls it.
    fn name(&self) -> &'static str;

    /// The attributes of a kind that are tried.
    fn attributes(&self, kind: &'static Kind) -> Vec<&'static Attribute> {
        kind.attributes.iter().collect()
    }

    /// Why this world can't do a case, if it can't.
    fn limit(&self, _: &Kind, _: &str) -> Option<&'static str> {
        None
    }

    /// The least that a good block says here.
    fn plain(&self, kind: &Kind) -> Lines {
        attributes::base(kind)
    }

    /// The blocks that an attribute's test goes through: without it, each of its examples, and without it again.
    fn stages(&self, kind: &Kind, attribute: &Attribute) -> Vec<Lines> {
        attributes::stages(kind, attribute)
    }

    /// A spec whose subject says these lines, with what they refer to; without lines there is no subject.
    fn spec(&self, kind: &Kind, lines: Option<&Lines>) -> String;

    /// The address of the subject.
    fn subject(&self, kind: &Kind) -> String {
        attributes::subject(kind)
    }

    /// What the subject and those around it may lose.
    fn may_lose(&self, kind: &Kind) -> Vec<String> {
        vec![self.subject(kind)]
    }

    /// A spec with the drivers of this world.
    fn pipeline(&self, spec: &str) -> Pipeline;

    /// What somebody else sees of the subject; null when it is not there.
    fn look(&self, kind: &Kind, lines: &Lines) -> Value;

    /// Somebody else makes an object with the subject's name.
    async fn make(&self, kind: &'static Kind, lines: &Lines) -> Result<(), String>;

    /// Somebody else removes the subject.
    fn unmake(&self, kind: &Kind, lines: &Lines) -> Result<(), String>;

    /// Whether somebody else sees an attribute as the spec says it.
    fn check(&self, kind: &'static Kind, attribute: &Attribute, seen: &Value, wanted: &Value) -> Result<(), String>;

    /// Whether an attribute steers Atlas and leaves no trace on the object.
    fn steers(&self, attribute: &Attribute) -> bool {
        ["ignore", "timeout", "renamed_from"].contains(&attribute.name)
    }

    /// Whether somebody else can change an attribute of an object that is there.
    fn drifts(&self, kind: &Kind, attribute: &Attribute) -> bool {
        kind.attribute(attribute.name).is_some()
    }

    /// Somebody else sets an attribute to what another spec makes of it.
    async fn meddle(
        &self,
        kind: &'static Kind,
        attribute: &Attribute,
        lines: &Lines,
        other: &str,
    ) -> Result<(), String>;

    /// Whether both looks saw the same object.
    fn same(&self, before: &Value, after: &Value) -> bool;

    /// What tells an object from one that was made in its place, where somebody else can see that.
    fn id(&self, _: &Value) -> Option<String> {
        None
    }

    /// Whether this world can be made not to answer.
    fn cuts_off(&self) -> bool {
        false
    }

    /// Makes the world one that does not answer to Atlas, or one that does again.
    fn cut_off(&self, _: bool) {}

    /// Takes away all that a kind's tests left.
    async fn clean(&self, kind: &'static Kind);
}

/// Runs the suite for some kinds, prints the matrix, and fails for each bad cell. Gives the number of cells.
pub async fn suite(stand: &impl Stand, kinds: &[&'static Kind]) -> usize {
    let mut failed = Vec::new();
    let mut count = 0;
    for kind in kinds {
        let mut cells: Vec<(String, Result<(), String>)> = Vec::new();
        // With `renamed_from` and no name, the object would get the former block's name, which is refused, so the block
        // says its name. A cluster can't, and is renamed in a scenario of its own.
        let says_its_name = |attribute: &Attribute| attribute.name != "renamed_from" || kind.name != "cluster";
        for attribute in stand.attributes(kind).into_iter().filter(|attribute| says_its_name(attribute)) {
            cells.push((attribute.name.to_owned(), attribute_converges(stand, kind, attribute).await));
            stand.clean(kind).await;
        }
        let own = ["(missing)", "(foreign)", "(orphan)", "(forgotten)", "(protected)"];
        for case in own.into_iter().chain(stand.cuts_off().then_some("(unreachable)")) {
            let outcome = match case {
                "(missing)" => missing_is_made_again(stand, kind).await,
                "(foreign)" => foreign_is_left_alone_until_adopted(stand, kind).await,
                "(orphan)" => orphan_is_removed(stand, kind).await,
                "(forgotten)" => forgotten_stays(stand, kind).await,
                "(unreachable)" => unreachable_is_left_alone(stand, kind).await,
                _ => protected_stays(stand, kind).await,
            };
            cells.push((case.to_owned(), outcome));
            stand.clean(kind).await;
            // A failed case may have left an object without a mark.
            let _ = stand.unmake(kind, &stand.plain(kind));
        }
        count += cells.len();
        for (case, outcome) in cells {
            let word = match (&outcome, stand.limit(kind, &case)) {
                (Ok(()), None) => "ok".to_owned(),
                (Ok(()), Some(_)) => "ok, although listed as a limit".to_owned(),
                (Err(_), Some(why)) => format!("not here: {why}"),
                (Err(why), None) => format!("FAILED: {why}"),
            };
            println!("{:12} {:10} {case:22} {word}", stand.name(), kind.name);
            if word.starts_with("FAILED") {
                failed.push(format!("{}.{case}: {word}", kind.name));
            }
        }
    }
    assert!(failed.is_empty(), "{} of {count} cells\n{}", failed.len(), failed.join("\n"));
    count
}

/// Observes and plans, without any records: what tells whose an object is, is its mark alone.
pub async fn plan(stand: &impl Stand, spec: &str, options: &Options) -> (Pipeline, Plan) {
    let pipeline = stand.pipeline(spec);
    let (_, plan) = pipeline.look_and_plan(&Recorded::default(), options).await.expect("observed");
    (pipeline, plan)
}

/// Applies, and says what is wrong if the world is not as the spec says then.
pub async fn converge(
    stand: &impl Stand,
    spec: &str,
    options: &Options,
    loss: &[String],
) -> Result<(Plan, Report), String> {
    let (pipeline, plan) = plan(stand, spec, options).await;
    if plan.diagnostics.has_errors() {
        return Err(format!("{:?}", plan.diagnostics));
    }
    let loss: Vec<&str> = loss.iter().map(String::as_str).collect();
    let mut report = execute(&pipeline, plan.clone(), &loss).await;
    // An object that others write to holds more by then, as a bucket for access logs does. The error says to plan
    // again, so this plans again.
    if report.failed.iter().any(|one| one.error.starts_with("it would lose more than the plan showed")) {
        let (pipeline, again) = self::plan(stand, spec, options).await;
        report = execute(&pipeline, again, &loss).await;
    }
    if !report.is_complete() {
        return Err(format!("failed: {:?} {:?}", report.failed, report.skipped));
    }
    let (_, left) = self::plan(stand, spec, &Options::default()).await;
    if left.is_empty() { Ok((plan, report)) } else { Err(format!("still differs: {}", summary(&left))) }
}

async fn attribute_converges(stand: &impl Stand, kind: &'static Kind, attribute: &Attribute) -> Result<(), String> {
    let mut stages = stand.stages(kind, attribute);
    if attribute.name == "renamed_from" && kind.attribute("name").is_some() {
        let name = Address::parse(&stand.subject(kind)).expect("an address").name().to_owned();
        for lines in &mut stages {
            lines.entry("name".into()).or_insert_with(|| format!("\"{name}\""));
        }
    }
    let mut id = None;
    let mut changed = false;
    let (mut before, mut called) = (Attributes::default(), String::new());
    for (at, lines) in stages.iter().enumerate() {
        let told = |error: String| format!("stage {at}: {error}");
        let spec = stand.spec(kind, Some(lines));
        let (plan, _) = converge(stand, &spec, &Options::default(), &stand.may_lose(kind)).await.map_err(told)?;
        let change = plan.changes.iter().find(|change| change.address.to_string() == stand.subject(kind));
        changed |= at > 0 && !plan.steps.is_empty();
        let seen = stand.look(kind, lines);
        let (wanted, identity) = said(stand, kind, &spec);
        if let Some(own) = kind.attribute(attribute.name) {
            stand.check(kind, own, &seen, &wanted.get(own.name).to_json()).map_err(told)?;
        }
        if let Some(moved) = called_drift(&plan) {
            return Err(told(format!("an edit of the spec is called drift: {moved}")));
        }
        if at > 0 {
            let replaced = change.is_some_and(|change| matches!(change.action, Action::Replace(_)));
            // Another name means another object, so a changed identity replaces it, even where a drifted name does not.
            let replaces = |one: &Attribute| {
                one.is_replaced_for(wanted.get(one.name)) && wanted.get(one.name) != before.get(one.name)
            };
            let by_table = identity != called || kind.attributes.iter().any(replaces);
            if replaced != (change.is_some() && by_table) {
                return Err(told(format!("replaced: {replaced}, by the table: {by_table}; {}", summary(&plan))));
            }
            let now = stand.id(&seen);
            if now.is_some() && (now != id) != replaced {
                return Err(told(format!("planned a replacement: {replaced}; it was {id:?}, and is {now:?}")));
            }
        }
        id = stand.id(&seen);
        (before, called) = (wanted, identity);
    }
    let default = attribute.default.as_ref().map(ToString::to_string);
    let constant = attribute.examples.len() == 1 && Some(attribute.example()) == default.as_deref();
    if !changed && !stand.steers(attribute) && !constant {
        return Err("nothing that was said about it changed anything".into());
    }
    if stand.drifts(kind, attribute) { drift_heals(stand, kind, attribute, &stages).await } else { Ok(()) }
}

/// What a plan takes for moved behind Atlas's back.
fn called_drift(plan: &Plan) -> Option<String> {
    let mut all = plan.changes.iter().flat_map(|change| change.attributes.iter().map(move |one| (change, one)));
    let (change, one) = all.find(|(_, one)| one.drift.is_some())?;
    Some(format!("{} {}: {:?} to {:?}, {:?}", change.address, one.path, one.before, one.after, one.drift))
}

/// What a spec says of the subject, in normal form.
fn said(stand: &impl Stand, kind: &Kind, spec: &str) -> (Attributes, String) {
    let pipeline = stand.pipeline(spec);
    let mut all = pipeline.desired.instances().iter();
    let subject = all.find(|one| one.address.to_string() == stand.subject(kind)).expect("the subject");
    (subject.attributes.clone(), subject.identity.to_string())
}

/// Somebody else gives the attribute the value of its other example: the plan says so, and the next apply heals it.
async fn drift_heals(
    stand: &impl Stand,
    kind: &'static Kind,
    attribute: &Attribute,
    stages: &[Lines],
) -> Result<(), String> {
    let other = stand.spec(kind, Some(stages.get(2).unwrap_or(&stages[0])));
    let lines = &stages[1];
    let spec = stand.spec(kind, Some(lines));
    let loss = stand.may_lose(kind);
    converge(stand, &spec, &Options::default(), &loss).await?;
    if said(stand, kind, &spec).0.get(attribute.name) == said(stand, kind, &other).0.get(attribute.name) {
        return Ok(());
    }
    stand.meddle(kind, attribute, lines, &other).await?;
    let (_, plan) = plan(stand, &spec, &Options::default()).await;
    let change = plan.changes.iter().find(|change| change.address.to_string() == stand.subject(kind));
    let change = change.ok_or("its drift is not seen")?;
    if change.cause != Cause::Drift || !change.attributes.iter().any(|one| one.drift.is_some()) {
        return Err(format!("its drift is taken for {:?}: {}", change.cause, summary(&plan)));
    }
    if attribute.replaces && !matches!(change.action, Action::Replace(_)) {
        return Err(format!("its drift would not replace it: {}", summary(&plan)));
    }
    converge(stand, &spec, &Options::default(), &loss).await.map(drop).map_err(|error| format!("healing: {error}"))
}

async fn missing_is_made_again(stand: &impl Stand, kind: &'static Kind) -> Result<(), String> {
    let lines = stand.plain(kind);
    let spec = stand.spec(kind, Some(&lines));
    converge(stand, &spec, &Options::default(), &[]).await?;
    stand.unmake(kind, &lines)?;
    let (_, plan) = plan(stand, &spec, &Options::default()).await;
    expect(&plan, &stand.subject(kind), "create")?;
    converge(stand, &spec, &Options::default(), &[]).await.map(drop)
}

async fn foreign_is_left_alone_until_adopted(stand: &impl Stand, kind: &'static Kind) -> Result<(), String> {
    // A name that was never Atlas's: some servers give a new bucket the tags of a deleted one with the same name.
    let mut lines = stand.plain(kind);
    if let Some(name) = lines.get_mut("name") {
        *name = format!("{}-foreign\"", name.trim_end_matches('"'));
    }
    let spec = stand.spec(kind, Some(&lines));
    stand.make(kind, &lines).await?;
    let before = stand.look(kind, &lines);
    let (pipeline, planned) = plan(stand, &spec, &Options::default()).await;
    expect(&planned, &stand.subject(kind), "blocked")?;
    execute(&pipeline, planned, &[]).await;
    let after = stand.look(kind, &lines);
    if after != before {
        return Err(format!("somebody else's object was touched: it was {before}, and is {after}"));
    }
    let options = Options { adopt: vec![selector(&stand.subject(kind))], ..Options::default() };
    converge(stand, &spec, &options, &[]).await?;
    same(stand, &before, &stand.look(kind, &lines))
}

async fn orphan_is_removed(stand: &impl Stand, kind: &'static Kind) -> Result<(), String> {
    let lines = stand.plain(kind);
    converge(stand, &stand.spec(kind, Some(&lines)), &Options::default(), &[]).await?;
    let without = stand.spec(kind, None);
    let (_, plan) = plan(stand, &without, &Options::default()).await;
    expect(&plan, &stand.subject(kind), "delete")?;
    converge(stand, &without, &Options::default(), &[]).await?;
    match stand.look(kind, &lines) {
        Value::Null => Ok(()),
        left => Err(format!("still there: {left}")),
    }
}

async fn forgotten_stays(stand: &impl Stand, kind: &'static Kind) -> Result<(), String> {
    let mut lines = stand.plain(kind);
    lines.insert("on_remove".into(), "\"forget\"".into());
    converge(stand, &stand.spec(kind, Some(&lines)), &Options::default(), &[]).await?;
    let before = stand.look(kind, &lines);
    converge(stand, &stand.spec(kind, None), &Options::default(), &[]).await?;
    let after = stand.look(kind, &lines);
    // The object has no owner now, so the plan leaves it alone.
    let (_, plan) = plan(stand, &stand.spec(kind, Some(&lines)), &Options::default()).await;
    let blocked = expect(&plan, &stand.subject(kind), "blocked");
    stand.unmake(kind, &lines)?;
    blocked.and(same(stand, &before, &after))
}

async fn protected_stays(stand: &impl Stand, kind: &'static Kind) -> Result<(), String> {
    let lines = stand.plain(kind);
    let mut protected = lines.clone();
    protected.insert("protect".into(), "true".into());
    converge(stand, &stand.spec(kind, Some(&lines)), &Options::default(), &[]).await?;
    let before = stand.look(kind, &lines);
    converge(stand, &stand.spec(kind, Some(&protected)), &Options::default(), &[]).await?;
    // The block is gone, and the object's own mark protects it all the same.
    let (_, without) = plan(stand, &stand.spec(kind, None), &Options::default()).await;
    if !without.diagnostics.has_errors() {
        return Err(format!("its deletion is planned: {}", summary(&without)));
    }
    let destroy = Options { destroy: true, ..Options::default() };
    if !plan(stand, &stand.spec(kind, Some(&protected)), &destroy).await.1.diagnostics.has_errors() {
        return Err("destroying it is planned".into());
    }
    converge(stand, &stand.spec(kind, Some(&lines)), &Options::default(), &[]).await?;
    same(stand, &before, &stand.look(kind, &lines))?;
    converge(stand, &stand.spec(kind, None), &Options::default(), &[]).await.map(drop)
}

/// What does not answer is neither made again, nor changed, nor removed.
async fn unreachable_is_left_alone(stand: &impl Stand, kind: &'static Kind) -> Result<(), String> {
    let lines = stand.plain(kind);
    let mut protected = lines.clone();
    protected.insert("protect".into(), "true".into());
    converge(stand, &stand.spec(kind, Some(&lines)), &Options::default(), &[]).await?;
    let before = stand.look(kind, &lines);
    stand.cut_off(true);
    let mut told = Ok(());
    for lines in [Some(&lines), Some(&protected), None] {
        let (_, plan) = plan(stand, &stand.spec(kind, lines), &Options::default()).await;
        let seen = plan.changes.iter().any(|change| change.address.to_string() == stand.subject(kind));
        if !plan.steps.is_empty() || lines.is_some() && !seen {
            told = Err(format!("planned without a look: {}", json!(actions(&plan))));
        }
    }
    stand.cut_off(false);
    told?;
    same(stand, &before, &stand.look(kind, &lines))?;
    converge(stand, &stand.spec(kind, Some(&lines)), &Options::default(), &[]).await.map(drop)
}

fn same(stand: &impl Stand, before: &Value, after: &Value) -> Result<(), String> {
    if stand.same(before, after) { Ok(()) } else { Err(format!("it was {before}, and is {after}")) }
}

/// Whether a plan does this to the subject, and nothing else.
fn expect(plan: &Plan, subject: &str, action: &str) -> Result<(), String> {
    let found = actions(plan);
    let wanted = BTreeMap::from([(subject.to_owned(), action.to_owned())]);
    if found == wanted { Ok(()) } else { Err(format!("planned {}, not to {action} {subject}", json!(found))) }
}
