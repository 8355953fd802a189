//! A plan as people read it: layers as indentation, a symbol and a reason for each change, every difference, and one
//! line that sums it up.

use std::fmt::Write as _;

use foldhash::{HashMap, HashMapExt as _, HashSet, HashSetExt as _};
use similar::TextDiff;

use super::change::{AttributeChange, Change, Drifted};
use super::gate::Gate;
use super::planned::{Plan, Summary};
use super::show;
use crate::action::{Action, Cause};
use crate::address::Address;
use crate::graph::DependencyGraph;
use crate::kind::{self, Places, Risk};
use crate::parallel::{self, SHARE};
use crate::style::{Palette, Role, harmless};
use crate::value::Value;

/// Writes a plan for people, in lines of at most `width` characters where values allow it.
#[must_use]
pub fn render(plan: &Plan, palette: Palette, width: usize) -> String {
    let mut text = String::new();
    let tree = Tree::new(&plan.changes, &plan.layers);
    for root in &tree.roots {
        tree.write(root, 0, palette, width, &mut text);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let named = plan.changes.iter().filter(|change| is_only_named(change) && is_of_chart(change)).count();
    if named > 0 {
        let what = if named == 1 {
            "1 new object of an app is".to_owned()
        } else {
            format!("{named} new objects of apps are")
        };
        let line = format!(
            "{what} only named here: `atlas render ADDRESS` prints what an app comes to, and --json has it all."
        );
        text.push_str(&palette.paint(Role::Dim, &wrap(&line, 0, width)));
        text.push('\n');
    }
    for line in rollouts(&plan.gates) {
        text.push_str(&palette.paint(Role::Dim, &wrap(&line, 0, width)));
        text.push('\n');
    }
    text.push_str(&summary_line(plan.summary(), palette));
    text
}

/// Where each app goes on: the first step, and how many more there are.
fn rollouts(gates: &[Gate]) -> Vec<String> {
    let of_one_app = gates.chunk_by(|one, other| one.app_name() == other.app_name());
    let line = |gates: &[Gate]| match gates {
        [first, .., last] => {
            format!("{} So it does {} times, until {}.", first.words(), gates.len(), last.next.join(", "))
        }
        [first] => first.words(),
        [] => String::new(),
    };
    of_one_app.map(line).collect()
}

/// Writes only what moved behind Atlas's back, with everything that depends on it.
#[must_use]
pub fn render_drift(drifted: &[Change], graph: &DependencyGraph, palette: Palette, width: usize) -> String {
    let mut text = String::new();
    for change in drifted {
        let gone = change.cause == Cause::Missing;
        let (symbol, role) = if gone { ("-", Role::Delete) } else { ("~", Role::Update) };
        let reason = if gone { "was deleted behind Atlas's back" } else { "was changed behind Atlas's back" };
        text.push_str(&headline(palette.paint(role, symbol), &change.address, reason, 0, width, palette));
        for attribute in change.attributes.iter().filter(|attribute| attribute.drift.is_some() && !gone) {
            if attribute.drift == Drifted::FromUnknown {
                text.push_str(&moved_and_changed(attribute, width));
                continue;
            }
            // What Atlas made is the "before" of a drift, what is there now its "after".
            let turned = AttributeChange {
                before: attribute.after.clone(),
                after: attribute.before.clone(),
                ..attribute.clone()
            };
            difference(&turned, 4, 0, palette, width, &mut text);
        }
        let dependants = dependants(graph, &change.address);
        if !dependants.is_empty() {
            let names: Vec<String> = dependants.iter().map(ToString::to_string).collect();
            let line = wrap(&format!("what depends on it: {}", names.join(", ")), 4, width);
            text.push_str(&palette.paint(Role::Dim, &line));
            text.push('\n');
        }
    }

    text
}

/// What depends on a resource, without the objects of apps that do as a whole.
#[must_use]
pub fn dependants<'a>(graph: &'a DependencyGraph, address: &Address) -> Vec<&'a Address> {
    let all = graph.all_dependants(address);
    let known: HashSet<&Address> = all.iter().copied().collect();
    let is_part =
        |one: &Address| kind::is_of_kubernetes(one.kind()) && one.parent().is_some_and(|app| known.contains(&app));
    all.iter().filter(|one| !is_part(one)).copied().collect()
}

/// An attribute that somebody moved, and of which the spec asks for something else by now.
fn moved_and_changed(attribute: &AttributeChange, width: usize) -> String {
    let value = |value| if attribute.sensitive { "(sensitive)".to_owned() } else { show::value(value) };
    let text = format!(
        "{}: is {}, which is not what was last applied; the spec has changed since and asks for {}",
        attribute.path,
        value(&attribute.before),
        value(&attribute.after)
    );
    format!("{}\n", wrap(&text, 4, width))
}

struct Tree<'a> {
    changes: HashMap<&'a Address, Vec<&'a Change>>,
    children: HashMap<&'a Address, Vec<&'a Address>>,
    roots: Vec<&'a Address>,
}

impl<'a> Tree<'a> {
    fn new(changes: &'a [Change], layers: &'a HashMap<Address, Address>) -> Self {
        let mut nodes: HashSet<&Address> = HashSet::with_capacity(changes.len());
        let mut by_address: HashMap<&Address, Vec<&Change>> = HashMap::with_capacity(changes.len());
        for change in changes {
            by_address.entry(&change.address).or_default().push(change);
            let mut next = Some(&change.address);
            while let Some(address) = next.filter(|address| nodes.insert(address)) {
                next = layers.get(address);
            }
        }
        let mut children: HashMap<&Address, Vec<&Address>> = HashMap::default();
        let mut roots = Vec::new();
        for node in nodes {
            match layers.get(node) {
                Some(host) => children.entry(host).or_default().push(node),
                None => roots.push(node),
            }
        }
        children.values_mut().chain([&mut roots]).for_each(|list| list.sort_by_cached_key(|address| rank(address)));
        Self { changes: by_address, children, roots }
    }

    fn write(&self, address: &Address, depth: usize, palette: Palette, width: usize, text: &mut String) {
        let indent = depth * 2;
        match self.changes.get(address) {
            Some(changes) => {
                changes.iter().for_each(|change| write_change(change, indent, palette, width, text));
            }
            None => {
                let _ = writeln!(text, "{}{}", " ".repeat(indent + 2), palette.paint(Role::Dim, address.as_str()));
            }
        }
        let children = self.children.get(address).map_or(&[][..], Vec::as_slice);
        let written = parallel::map(children.len(), SHARE, |at| {
            let mut text = String::new();
            self.write(children[at], depth + 1, palette, width, &mut text);
            text
        });
        text.extend(written);
    }
}

fn rank(address: &Address) -> (usize, &Address) {
    let at = kind::ALL.iter().position(|kind| kind.name == address.kind());
    (at.unwrap_or(usize::MAX), address)
}

/// Whether a change is one of the many that come of an app and that a chart says better.
fn is_only_named(change: &Change) -> bool {
    change.kind.places == Places::Rendered && change.action == Action::Create && change.blocked.is_none()
}

/// Whether an object comes of a chart: what a spec says itself of apps and namespaces stands in the plan above it.
fn is_of_chart(change: &Change) -> bool {
    let is_said = change.after.as_ref().is_some_and(|after| !after.attributes.get("secrets").is_null());
    !is_said && change.address.parent().is_some_and(|of| of.kind() == "app")
}

/// What an attribute is called for people. That the parts of an object are its manifest goes without saying.
fn called(attribute: &AttributeChange) -> &str {
    attribute.path.strip_prefix("manifest.").unwrap_or(&attribute.path)
}

fn write_change(change: &Change, indent: usize, palette: Palette, width: usize, text: &mut String) {
    if let Some(blocked) = &change.blocked {
        let reason = format!("blocked, {}", blocked.words(&change.address));
        text.push_str(&headline(palette.paint(Role::Warning, "!"), &change.address, &reason, indent, width, palette));
    } else {
        let deferred = change
            .deferred
            .as_ref()
            .filter(|_| !change.unsure && !is_only_named(change))
            .map(|host| format!(", deferred until {host} exists"));
        let reason = format!("{}{}", change.reason, deferred.unwrap_or_default());
        let symbol = if change.unsure {
            palette.paint(Role::Warning, "?")
        } else {
            palette.paint(role(change.action), change.action.symbol())
        };
        text.push_str(&headline(symbol, &change.address, &reason, indent, width, palette));
    }
    if let Some(verdict) = &change.verdict {
        let role = if verdict.risk == Risk::Lossy { Role::Delete } else { Role::Dim };
        let mut line = format!("{}: {}", verdict.risk.word(), verdict.evidence);
        if verdict.risk == Risk::Lossy {
            let _ = write!(line, "; it needs --allow-loss {}", change.address);
        }
        text.push_str(&palette.paint(role, &wrap(&line, indent + 6, width)));
        text.push('\n');
    }
    if matches!(change.action, Action::Delete | Action::Forget) || is_only_named(change) {
        return;
    }
    let widest = change.attributes.iter().map(|attribute| called(attribute).chars().count()).max().unwrap_or_default();
    let noise = |one: &&AttributeChange| one.path == "depends_on" && change.attributes.len() > 1;
    for attribute in change.attributes.iter().filter(|one| !noise(one)) {
        if change.action == Action::Create {
            let name = format!("{:widest$}", called(attribute));
            let used = indent + 6 + widest + 3;
            let value = if attribute.sensitive {
                "(sensitive)".to_owned()
            } else {
                show::block(&attribute.after, indent + 6, width, used)
            };
            let _ = writeln!(text, "{}{name} = {value}", " ".repeat(indent + 6));
        } else {
            difference(attribute, indent + 6, widest, palette, width, text);
        }
    }
}

fn difference(
    change: &AttributeChange,
    indent: usize,
    widest: usize,
    palette: Palette,
    width: usize,
    text: &mut String,
) {
    let pad = " ".repeat(indent);
    let name = called(change);
    let note = if change.replaces { palette.paint(Role::Replace, "  replaces the object") } else { String::new() };
    if change.sensitive {
        let _ = writeln!(text, "{pad}{name:widest$}: (sensitive) -> (sensitive){note}");
        return;
    }
    let (before, after) = (show::value(&change.before), show::value(&change.after));
    let long = indent + widest.max(name.len()) + before.chars().count() + after.chars().count() + 6 > width;
    let multiline = |value: &Value| matches!(value, Value::String(text) if text.contains('\n'));
    let nested = |value: &Value| matches!(value, Value::List(_) | Value::Map(_));
    if multiline(&change.before)
        || multiline(&change.after)
        || (long && (nested(&change.before) || nested(&change.after)))
    {
        let _ = writeln!(text, "{pad}{name}:{note}");
        unified(&lines(&change.before), &lines(&change.after), indent + 2, palette, text);
    } else if long {
        let _ = writeln!(text, "{pad}{name}:{note}");
        let _ = writeln!(text, "{pad}  {}", palette.paint(Role::Delete, &format!("- {before}")));
        let _ = writeln!(text, "{pad}  {}", palette.paint(Role::Create, &format!("+ {after}")));
    } else {
        let before = palette.paint(Role::Delete, &before);
        let after = palette.paint(Role::Create, &after);
        let _ = writeln!(text, "{pad}{name:widest$}: {before} -> {after}{note}");
    }
}

fn unified(before: &str, after: &str, indent: usize, palette: Palette, text: &mut String) {
    let pad = " ".repeat(indent);
    let diff = TextDiff::from_lines(before, after);
    for hunk in diff.unified_diff().context_radius(2).iter_hunks() {
        for change in hunk.iter_changes() {
            let shown = harmless(change.value().trim_end_matches(['\n', '\r']));
            let line = format!("{} {shown}", change.tag());
            let role = match change.tag() {
                similar::ChangeTag::Delete => Role::Delete,
                similar::ChangeTag::Insert => Role::Create,
                similar::ChangeTag::Equal => Role::Dim,
            };
            let _ = writeln!(text, "{pad}{}", palette.paint(role, &line));
        }
    }
}

/// A value in lines, for comparing two of them line by line.
fn lines(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => format!("{text}\n"),
        value => show::block(value, 0, 40, 0) + "\n",
    }
}

fn headline(symbol: String, address: &Address, reason: &str, indent: usize, width: usize, palette: Palette) -> String {
    let pad = " ".repeat(indent);
    let name = palette.paint(Role::Strong, address.as_str());
    let length = indent + 4 + address.as_str().len() + 2 + reason.chars().count();
    if length <= width {
        return format!("{pad}{symbol} {name}  {}\n", palette.paint(Role::Dim, reason));
    }
    format!("{pad}{symbol} {name}\n{}\n", palette.paint(Role::Dim, &wrap(reason, indent + 6, width)))
}

/// Breaks a line at spaces, each piece indented.
fn wrap(line: &str, indent: usize, width: usize) -> String {
    let pad = " ".repeat(indent);
    let room = width.saturating_sub(indent).max(20);
    let mut wrapped = String::new();
    let mut used = 0;
    for word in line.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > room {
            wrapped.push('\n');
            used = 0;
        }
        wrapped.push_str(if used == 0 { &pad } else { " " });
        wrapped.push_str(word);
        used += length + usize::from(used > 0);
    }
    wrapped
}

const fn role(action: Action) -> Role {
    match action {
        Action::NoOp => Role::Dim,
        Action::Create => Role::Create,
        Action::Update => Role::Update,
        Action::Replace(_) => Role::Replace,
        Action::Delete => Role::Delete,
        Action::Adopt | Action::Forget => Role::Adopt,
    }
}

fn summary_line(summary: Summary, palette: Palette) -> String {
    let parts = [
        (summary.create, "to create", Role::Create),
        (summary.update, "to update", Role::Update),
        (summary.replace, "to replace", Role::Replace),
        (summary.delete, "to delete", Role::Delete),
        (summary.adopt, "to adopt", Role::Adopt),
        (summary.forget, "to forget", Role::Adopt),
        (summary.blocked, "blocked", Role::Warning),
    ];
    let said: Vec<String> = parts
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, word, role)| palette.paint(role, &format!("{count} {word}")))
        .collect();
    let plural = if summary.no_op == 1 { "resource is" } else { "resources are" };
    if said.is_empty() {
        return format!("No changes: {} {plural} as the spec says.\n", summary.no_op);
    }
    format!("Plan: {}, {} unchanged.\n", said.join(", "), summary.no_op)
}
