//! From a spanned node to a typed value: types, rules, variables and references.

mod limit;
mod named;
mod secret;

use std::borrow::Cow;

use super::locate::{Literal, locate};
use super::node::{Content, Node, Table, TableEntry, unknown_key};
use super::place::{Declared, Index, Unresolved};
use super::refer::refer;
use super::scope::Scope;
use super::template::{Piece, pieces};
use crate::desired::Edge;
use crate::diagnostic::{Code, Diagnostic, Diagnostics, Span, code};
use crate::kind::{Attribute, Fault, Rule, Shared, Type, default_of, duration, json};
use crate::path::join;
use crate::suggest::suggest;
use crate::value::{Part, Template, Text, Value};

/// Turns the nodes of one resource into values, and collects the references that they make.
pub struct Normalizer<'a> {
    source: &'a str,
    scope: &'a Scope<'a>,
    index: &'a Index,
    diagnostics: &'a mut Diagnostics,
    /// The references found so far.
    pub edges: Vec<Edge>,
    /// What is only named.
    pub names: Vec<Edge>,
    /// The kinds of which the attribute at hand only names objects.
    only_names: Shared<[&'static str]>,
    /// An attribute of the block that was read already: to read its places for each of them again would take as many times
    /// as there are places.
    pub read: Option<&'static str>,
}

/// A text after its variables are filled in.
enum Filled<'a> {
    Known(Cow<'a, str>),
    Waiting(Template),
    /// A whole text was one variable that is no text.
    Other(Node),
    Broken,
}

impl<'a> Normalizer<'a> {
    pub const fn new(
        source: &'a str,
        scope: &'a Scope<'a>,
        index: &'a Index,
        diagnostics: &'a mut Diagnostics,
    ) -> Self {
        let only_names = Shared::Static(&[] as &[&str]);
        Self { source, scope, index, diagnostics, edges: Vec::new(), names: Vec::new(), only_names, read: None }
    }

    /// The attributes of a block: known keys only, required ones there, defaults filled in.
    pub fn object(
        &mut self,
        attributes: &[&Attribute],
        table: &Table,
        at: Span,
        path: &str,
        what: &str,
    ) -> Vec<(&'static str, Value)> {
        for (key, entry) in table.iter().filter(|(key, _)| attributes.iter().all(|known| known.name != key.as_str())) {
            let known: Vec<&str> = attributes.iter().map(|attribute| attribute.name).collect();
            self.diagnostics.push(unknown_key(key, entry, what, &known));
        }
        let mut values = Vec::with_capacity(attributes.len());
        for attribute in attributes {
            if path.is_empty() && self.read == Some(attribute.name) {
                continue;
            }
            let value = match table.get(attribute.name) {
                Some(entry) => {
                    let named = (!attribute.only_names.is_empty())
                        .then(|| std::mem::replace(&mut self.only_names, attribute.only_names.clone()));
                    let value = match path {
                        "" => self.value(&attribute.ty, &entry.node, attribute.name),
                        path => self.value(&attribute.ty, &entry.node, &format!("{path}.{}", attribute.name)),
                    };
                    if let Some(before) = named {
                        self.only_names = before;
                    }
                    if !attribute.reserved.is_empty() {
                        self.refuse_reserved(attribute, &entry.node, &value);
                    }
                    value
                }
                None => {
                    if attribute.required {
                        self.diagnostics.push(
                            Diagnostic::error(&code::MISSING_ATTRIBUTE, format!("{what} needs `{}`", attribute.name))
                                .at(at)
                                .hint(format!("write `{} = {}`", attribute.name, attribute.example())),
                        );
                    }
                    default_of(attribute)
                }
            };
            values.push((attribute.name, value));
        }
        values
    }

    /// One value of one type. A value that does not fit is reported and becomes null.
    pub fn value(&mut self, ty: &Type, node: &Node, path: &str) -> Value {
        if let Content::String(text) = &node.content
            && text.contains("${")
            && !matches!(ty, Type::Secret)
        {
            return match self.fill(text, node.span, path) {
                Filled::Known(filled) => self.text(ty, &filled, node.span, filled == *text, path),
                Filled::Waiting(template) => self.waiting(ty, template, text, node.span, path),
                Filled::Other(other) => self.value(ty, &other, path),
                Filled::Broken => Value::Null,
            };
        }
        match (ty, &node.content) {
            (_, Content::String(text)) => self.text(ty, text, node.span, true, path),
            (Type::Bool | Type::Texts | Type::Any, Content::Bool(flag)) => Value::Bool(*flag),
            (Type::Texts | Type::Any, Content::Float(number)) => {
                if !number.is_finite() {
                    let detail = format!("`{number}` is no number that a driver could be told");
                    self.diagnostics.push(Diagnostic::error(&code::OUT_OF_RANGE, detail).at(node.span));
                }
                Value::Float(*number)
            }
            (Type::Texts | Type::Any, Content::Int(number)) => Value::Int(*number),
            (Type::Int(min, max) | Type::Limit(min, max), Content::Int(number)) => {
                if number < min || number > max {
                    let detail = format!("{number} is not a {}", ty.describe());
                    self.diagnostics.push(Diagnostic::error(&code::OUT_OF_RANGE, detail).at(node.span));
                }
                Value::Int(*number)
            }
            (Type::List(item) | Type::Set(item), Content::Array(items)) => Value::List(
                items.iter().enumerate().map(|(n, node)| self.value(item, node, &format!("{path}.{n}"))).collect(),
            ),
            (Type::Any, Content::Array(items)) => {
                Value::List(items.iter().map(|node| self.value(&Type::Any, node, path)).collect())
            }
            (Type::Texts, Content::Array(items)) => {
                let is_list = |node: &&Node| matches!(node.content, Content::Array(_));
                match items.iter().find(is_list) {
                    Some(inner) => self.mismatch(ty, inner),
                    None => Value::List(items.iter().map(|node| self.value(ty, node, path)).collect()),
                }
            }
            (Type::Map(item), Content::Table(table)) => self.map(item, table, path),
            (Type::Any, Content::Table(table)) => self.map(&Type::Any, table, path),
            (Type::Object(attributes) | Type::WordOrObject(_, attributes), Content::Table(table)) => {
                let list: Vec<&Attribute> = attributes.iter().collect();
                let values = self.object(&list, table, node.span, path, &format!("`{path}`"));
                let set = values.into_iter().filter(|(_, value)| !value.is_null());
                Value::map(set.map(|(name, value)| (name.into(), value)).collect())
            }
            (Type::Limit(min, max), Content::Table(table)) => self.limit((*min, *max), table, node.span, path),
            (Type::Secret, Content::Table(table)) => self.secret(table, node.span),
            _ => self.mismatch(ty, node),
        }
    }

    /// Refuses what belongs to somebody else, in the value as it is once variables and environments had their say.
    fn refuse_reserved(&mut self, attribute: &Attribute, node: &Node, value: &Value) {
        let mut refuse = |key: &str, value: Option<&str>, span: Span| {
            if let Some(rule) = attribute.reserved.iter().find(|rule| rule.covers(key, value)) {
                let detail = format!("`{key}` in `{}`: {}", attribute.name, rule.why);
                self.diagnostics.push(Diagnostic::error(&code::RESERVED_KEY, detail).at(span).hint(&*rule.hint));
            }
        };
        match (&node.content, value) {
            (Content::Table(table), Value::Map(entries)) => {
                let value = |key: &Text| entries.get(key.as_str()).and_then(Value::as_str);
                table.iter().for_each(|(key, entry)| refuse(key, value(key), entry.key));
            }
            (Content::Array(nodes), Value::List(items)) => {
                let texts = nodes.iter().zip(items).filter_map(|(node, item)| Some((item.as_str()?, node.span)));
                texts.for_each(|(text, span)| refuse(text, None, span));
            }
            _ => {}
        }
    }

    fn map(&mut self, item: &Type, table: &Table, path: &str) -> Value {
        if matches!(item, Type::Secret) {
            return self.secrets(table, path);
        }
        let entry = |(key, entry): (&Text, &TableEntry)| (key.clone(), self.value(item, &entry.node, &join(path, key)));
        Value::map(table.iter().map(entry).collect())
    }

    fn text(&mut self, ty: &Type, text: &str, span: Span, literal: bool, path: &str) -> Value {
        match ty {
            Type::Duration(min, max) => match duration::parse(text) {
                Ok(seconds) if seconds < *min || seconds > *max => {
                    let detail = format!("`{text}` is not a {}", ty.describe());
                    self.diagnostics.push(Diagnostic::error(&code::OUT_OF_RANGE, detail).at(span));
                    Value::Null
                }
                Ok(seconds) => Value::String(duration::format(seconds)),
                Err(fault) => self.broken(&code::NOT_A_DURATION, fault, span, literal),
            },
            Type::Text(rule) => self.ruled(&code::BROKEN_RULE, rule, text, span, literal),
            Type::Json(rule) => match self.ruled(&code::BAD_JSON, rule, text, span, literal) {
                Value::Null => Value::Null,
                _ => Value::String(json::normal(text).into()),
            },
            Type::Choice(words) | Type::WordOrObject(words, _) if words.contains(&text) => text.into(),
            Type::Choice(words) | Type::WordOrObject(words, _) => {
                let hint = suggest(text, words).unwrap_or_else(|| format!("write {}", ty.describe()));
                let detail = ty.refusal(text);
                self.diagnostics.push(Diagnostic::error(&code::UNKNOWN_WORD, detail).at(span).hint(hint));
                Value::Null
            }
            Type::Address(kinds) => self.address(kinds, text, span, path),
            Type::Name(kind) => {
                match self.index.get(kind, text) {
                    Some(Declared::Once(to)) => {
                        self.edges.push(Edge { to: to.clone(), attribute: path.into(), span, blocks: false });
                    }
                    Some(Declared::In(_) | Declared::At(_)) => {}
                    None => {
                        let hint = format!("declare [{kind}.{text}]");
                        let detail = format!("the spec declares no {kind} `{text}`");
                        let diagnostic = Diagnostic::error(&code::REFERENCE_TO_NOTHING, detail).at(span).hint(hint);
                        self.diagnostics.push(diagnostic.unknown(kind, text));
                    }
                }
                text.into()
            }
            Type::Texts | Type::Any => text.into(),
            _ => self.mismatch(ty, &Node { span, content: Content::String(text.into()) }),
        }
    }

    /// A text that another resource completes: only what is text in the end can wait.
    fn waiting(&mut self, ty: &Type, template: Template, raw: &str, span: Span, path: &str) -> Value {
        let keyed = path == "name" || path == "namespace";
        match ty {
            Type::Text(_) | Type::Texts | Type::Any if !keyed => Value::Template(Box::new(template)),
            Type::Json(rule) => {
                // A reference inside a JSON text stands inside a JSON string, so the raw text is JSON as well.
                match self.ruled(&code::BAD_JSON, rule, raw, span, true) {
                    Value::Null => Value::Null,
                    _ => Value::Template(Box::new(template)),
                }
            }
            _ => {
                let detail = if keyed {
                    "a name has to be known before anything is made".to_owned()
                } else {
                    format!("{} can't wait for another resource", ty.describe())
                };
                self.diagnostics.push(
                    Diagnostic::error(&code::CANT_WAIT, detail)
                        .at(span)
                        .hint("use a variable, or write the value itself"),
                );
                Value::Null
            }
        }
    }

    fn fill<'t>(&mut self, text: &'t str, span: Span, path: &str) -> Filled<'t> {
        let cut = match pieces(text) {
            Ok(cut) => cut,
            Err(range) => {
                self.diagnostics.push(
                    Diagnostic::error(&code::UNCLOSED_REFERENCE, "`${` is never closed")
                        .at(locate(self.source, span, &range))
                        .hint("close it with `}`, or write `$${` for the characters themselves"),
                );
                return Filled::Broken;
            }
        };
        if let [Piece::Hole(hole, _)] = cut.as_slice()
            && let Some(content) = hole.strip_prefix("var.").and_then(|name| self.scope.variable(name))
            && !matches!(content, Content::String(_))
        {
            return Filled::Other(Node { span, content: content.clone() });
        }
        let mut parts: Vec<Part> = Vec::new();
        let mut sound = true;
        let mut literal = Literal::new(self.source, span);
        for piece in cut {
            let part = match piece {
                Piece::Literal(text) => Some(Part::Literal(text.into())),
                Piece::Hole(hole, range) => self.hole(hole, literal.locate(&range), path),
            };
            match (parts.last_mut(), part) {
                (Some(Part::Literal(before)), Some(Part::Literal(more))) => before.push_str(&more),
                (_, Some(part)) => parts.push(part),
                (_, None) => sound = false,
            }
        }
        parts.shrink_to_fit();
        match parts.as_slice() {
            _ if !sound => Filled::Broken,
            [] => Filled::Known(Cow::Borrowed("")),
            [Part::Literal(only)] => Filled::Known(Cow::Owned(only.to_string())),
            _ => Filled::Waiting(Template(parts)),
        }
    }

    fn hole(&mut self, hole: &str, span: Span, path: &str) -> Option<Part> {
        if let Some(name) = hole.strip_prefix("var.") {
            return self.variable(name, span).map(Part::Literal);
        }
        if let Some(text) = self.scope.word(hole) {
            return Some(Part::Literal(text.into()));
        }
        self.reference(hole, span, path)
    }

    fn variable(&mut self, name: &str, span: Span) -> Option<Text> {
        match self.scope.variable(name) {
            Some(Content::String(text)) => Some(text.clone()),
            Some(Content::Bool(flag)) => Some(flag.to_string().into()),
            Some(Content::Int(number)) => Some(number.to_string().into()),
            Some(Content::Float(number)) => Some(number.to_string().into()),
            Some(Content::Array(_) | Content::Table(_)) => None,
            None => {
                let hint = format!("declare it: [var.{name}] with a `default`");
                let detail = format!("the spec declares no variable `{name}`");
                let diagnostic = Diagnostic::error(&code::REFERENCE_TO_NOTHING, detail).at(span).hint(hint);
                self.diagnostics.push(diagnostic.unknown("var", name));
                None
            }
        }
    }

    fn reference(&mut self, hole: &str, span: Span, path: &str) -> Option<Part> {
        let reference = match refer(hole, self.scope, self.index) {
            Ok(reference) => reference,
            Err(problem) => {
                self.unresolved(problem, span);
                return None;
            }
        };
        let first = reference.path.split('.').next().unwrap_or_default();
        self.connect(&reference.address, Some(first), path, span);
        Some(Part::Reference(reference))
    }

    fn ruled(&mut self, code: &'static Code, rule: &Rule, text: &str, span: Span, literal: bool) -> Value {
        match (rule.check)(text) {
            Ok(()) => text.into(),
            Err(fault) => self.broken(code, fault, span, literal),
        }
    }

    fn broken(&mut self, code: &'static Code, fault: Fault, span: Span, literal: bool) -> Value {
        let at = match &fault.at {
            Some(range) if literal => locate(self.source, span, range),
            _ => span,
        };
        let mut diagnostic = Diagnostic::error(code, fault.reason).at(at);
        diagnostic.hint = fault.hint;
        self.diagnostics.push(diagnostic);
        Value::Null
    }

    fn mismatch(&mut self, ty: &Type, node: &Node) -> Value {
        let detail = format!("expected {}, found {}", ty.describe(), node.describe());
        let mut inner = ty;
        while let Type::List(item) | Type::Set(item) | Type::Map(item) = inner {
            inner = item;
        }
        let mut diagnostic = Diagnostic::error(&code::WRONG_TYPE, detail).at(node.span);
        if matches!(inner, Type::Secret) {
            let hint = "a secret's value never stands in the spec: write { env = \"NAME\" } or { file = \"PATH\" }";
            diagnostic = diagnostic.hint(hint).redacted();
        }
        self.diagnostics.push(diagnostic);
        Value::Null
    }

    fn unresolved(&mut self, problem: Unresolved, span: Span) {
        let mut diagnostic = Diagnostic::error(problem.code, problem.detail).at(span).hint(problem.hint);
        if let Some((among, name)) = problem.unknown {
            diagnostic = diagnostic.unknown(among, name);
        }
        self.diagnostics.push(diagnostic);
    }
}
