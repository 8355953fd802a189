//! What a `${…}` without a resource may name: variables, the project, and the place that a resource stands at.

use std::collections::BTreeMap;

use super::inputs::Inputs;
use super::locate::locate;
use super::node::{Content, Node, Table, unknown_key};
use crate::address::Address;
use crate::diagnostic::{Diagnostic, Diagnostics, code};
use crate::suggest::Near;
use crate::value::{Text, Value};

/// What is the same for every resource of a spec.
pub struct Globals<'a> {
    pub project: &'a str,
    pub environment: &'a str,
    variables: BTreeMap<String, Content>,
}

impl<'a> Globals<'a> {
    pub const fn new(project: &'a str, environment: &'a str, variables: BTreeMap<String, Content>) -> Self {
        Self { project, environment, variables }
    }

    /// The values of all variables.
    pub fn values(&self) -> BTreeMap<String, Value> {
        let value = |content: &Content| match content {
            Content::Bool(yes) => Value::Bool(*yes),
            Content::Int(number) => Value::Int(*number),
            Content::Float(number) => Value::Float(*number),
            Content::String(text) => Value::String(text.clone()),
            Content::Array(_) | Content::Table(_) => Value::Null,
        };
        self.variables.iter().map(|(name, content)| (name.clone(), value(content))).collect()
    }

    /// The names of all variables.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }
}

/// What one resource at one place may name.
pub struct Scope<'a> {
    pub globals: Option<&'a Globals<'a>>,
    pub name: &'a str,
    pub place: Option<&'a str>,
    pub region: Option<&'a str>,
    pub cluster: Option<&'a str>,
    /// The address of the parent, for what is declared inside another resource.
    pub own_address: Option<Address>,
}

impl Scope<'_> {
    /// A scope in which nothing has a name.
    pub const fn bare() -> Self {
        Self { globals: None, name: "", place: None, region: None, cluster: None, own_address: None }
    }

    /// The text of a bare word such as `region`.
    pub fn word(&self, word: &str) -> Option<&str> {
        match word {
            "project" => self.globals.map(|globals| globals.project),
            "environment" => self.globals.map(|globals| globals.environment),
            "name" => Some(self.name),
            "place" => self.place,
            "region" => self.region,
            "cluster" => self.cluster,
            _ => None,
        }
    }

    /// The bare words that have a meaning here.
    pub fn words(&self) -> Vec<&'static str> {
        let all = ["project", "environment", "name", "place", "region", "cluster"];
        all.into_iter().filter(|word| self.word(word).is_some()).collect()
    }

    /// The value of a variable.
    pub fn variable(&self, name: &str) -> Option<&Content> {
        self.globals.and_then(|globals| globals.variables.get(name))
    }
}

/// Reads `[var.NAME]`, over each default what was given from outside.
pub fn variables(
    source: &str,
    root: &Table,
    inputs: &Inputs,
    diagnostics: &mut Diagnostics,
) -> BTreeMap<String, Content> {
    let mut variables = BTreeMap::new();
    let declared = root.get("var").and_then(|entry| entry.node.as_table());
    for (name, entry) in declared.into_iter().flat_map(Table::iter) {
        let Some(table) = entry.node.as_table() else {
            diagnostics.push(
                Diagnostic::error(
                    &code::WRONG_TYPE,
                    format!("[var.{name}] is a table, this is {}", entry.node.describe()),
                )
                .at(entry.key)
                .hint(format!("write [var.{name}] with `default = …`")),
            );
            continue;
        };
        for (key, inner) in table.iter().filter(|(key, _)| !["default", "description"].contains(&key.as_str())) {
            diagnostics.push(unknown_key(key, inner, &format!("[var.{name}]"), &["default", "description"]));
        }
        let default = table.get("default").map(|entry| &entry.node);
        let value = match (inputs.variables.get(name.as_str()), default) {
            (Some((text, origin)), default) => read_input(name, text, origin, default, diagnostics),
            (None, Some(default)) => scalar(source, name, default, diagnostics),
            (None, None) => {
                diagnostics.push(
                    Diagnostic::error(
                        &code::VARIABLE_WITHOUT_VALUE,
                        format!("`{name}` has no default and was not given"),
                    )
                    .at(entry.key)
                    .hint(format!("give it with --var {name}=…, or ATLAS_VAR_{name}, or write a `default`")),
                );
                None
            }
        };
        variables.insert(name.to_string(), value.unwrap_or_else(|| Content::String(Text::default())));
    }
    let mut near = None;
    for (name, (_, origin)) in inputs.variables.iter().filter(|(name, _)| !variables.contains_key(*name)) {
        let near = near.get_or_insert_with(|| Near::new(variables.keys().map(String::as_str)));
        let hint = near.suggest(name).unwrap_or_else(|| format!("declare it: [var.{name}]"));
        let detail = format!("{origin} gives `{name}`, and the spec has no [var.{name}]");
        if origin.starts_with("--var") {
            diagnostics.push(Diagnostic::error(&code::UNKNOWN_VARIABLE, detail).hint(hint));
        } else {
            diagnostics.push(Diagnostic::warning(&code::UNKNOWN_VARIABLE, detail).hint(hint));
        }
    }
    variables
}

/// The value that a variable was given from outside, read as the type of its default.
fn read_input(
    name: &str,
    text: &str,
    origin: &str,
    default: Option<&Node>,
    diagnostics: &mut Diagnostics,
) -> Option<Content> {
    let read = match default.map(|node| &node.content) {
        Some(Content::Int(_)) => text.parse().ok().map(Content::Int),
        Some(Content::Bool(_)) => text.parse().ok().map(Content::Bool),
        Some(Content::Float(_)) => text.parse().ok().map(Content::Float),
        _ => Some(Content::String(text.into())),
    };
    if read.is_none() {
        let wanted = default.map_or("a text", Node::describe);
        diagnostics.push(
            Diagnostic::error(
                &code::VARIABLE_OF_WRONG_TYPE,
                format!("{origin} gives `{text}`, but `{name}` is {wanted}"),
            )
            .at(default.map(|node| node.span)),
        );
    }
    read.or_else(|| default.map(|node| node.content.clone()))
}

fn scalar(source: &str, name: &str, node: &Node, diagnostics: &mut Diagnostics) -> Option<Content> {
    match &node.content {
        Content::Array(_) | Content::Table(_) => {
            diagnostics.push(
                Diagnostic::error(&code::WRONG_TYPE, format!("`{name}` is {}", node.describe()))
                    .at(node.span)
                    .hint("a variable is a text, a number, or true or false"),
            );
            None
        }
        Content::String(text) if text.contains("${") => {
            let at = text.find("${").unwrap_or_default();
            diagnostics.push(
                Diagnostic::error(&code::REFERENCE_IN_VARIABLE, "a variable stands for itself")
                    .at(locate(source, node.span, &(at..text.len())))
                    .hint("use the reference where the value is needed"),
            );
            None
        }
        content => Some(content.clone()),
    }
}
