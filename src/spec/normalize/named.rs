//! What an attribute names: another resource, by its address, or an object of AWS that is none, by its ARN.

use super::Normalizer;
use crate::address::Address;
use crate::desired::Edge;
use crate::diagnostic::{Diagnostic, Span, code};
use crate::value::Value;

impl Normalizer<'_> {
    pub(super) fn address(&mut self, kinds: &[&str], text: &str, span: Span, path: &str) -> Value {
        if text.starts_with("arn:") {
            return self.arn(kinds, text, span);
        }
        match self.index.choose(text, self.scope, true) {
            Err(problem) => {
                self.unresolved(problem, span);
                Value::Null
            }
            Ok(chosen) if !kinds.is_empty() && chosen.iter().any(|to| !kinds.contains(&to.kind())) => {
                let detail = format!("`{text}` is not the address of a {}", kinds.join(" or "));
                self.diagnostics.push(Diagnostic::error(&code::WRONG_KIND, detail).at(span));
                Value::Null
            }
            // The resource that is named here is waited for, stopped or looked at, so it has to stand for an object.
            Ok(chosen) if kinds.is_empty() && chosen.iter().any(|address| self.stands_for_nothing(address)) => {
                let detail = format!("`{text}` stands for no object");
                self.diagnostics.push(
                    Diagnostic::error(&code::WRONG_KIND, detail)
                        .at(span)
                        .hint("name a resource that stands for an object"),
                );
                Value::Null
            }
            Ok(chosen) => {
                let value = if let [one] = chosen { one.as_str().into() } else { Value::from(text) };
                for to in chosen {
                    self.connect(to, None, path, span);
                }
                value
            }
        }
    }

    /// Takes down that a resource is referred to, by one of its outputs or by what its API knows it by. It is needed, unless
    /// it is only named and what it is called is known before it is there.
    pub(super) fn connect(&mut self, to: &Address, output: Option<&str>, path: &str, span: Span) {
        let foretold = || self.index.kinds.get(to.kind()).is_some_and(|kind| kind.foretells(output));
        let only_named = self.only_names.contains(&to.kind()) && foretold();
        let edge = Edge { to: to.clone(), attribute: path.into(), span, blocks: true };
        if only_named { &mut self.names } else { &mut self.edges }.push(edge);
    }

    /// An object of AWS that is no resource of the spec: another account's, or AWS's own.
    fn arn(&mut self, kinds: &[&str], text: &str, span: Span) -> Value {
        let mut known = kinds.iter().filter_map(|kind| self.index.kinds.get(kind));
        if known.any(|kind| kind.may_have_arn(text)) {
            return text.into();
        }
        let detail = match kinds {
            [] => format!("`{text}` is an ARN, and resources of the spec are named here"),
            kinds => format!("`{text}` is not the ARN of a {}", kinds.join(" or ")),
        };
        let hint = "write the address of a resource, or the whole ARN of such an object";
        self.diagnostics.push(Diagnostic::error(&code::WRONG_KIND, detail).at(span).hint(hint));
        Value::Null
    }

    pub(super) fn stands_for_nothing(&self, address: &Address) -> bool {
        self.index.kinds.get(address.kind()).is_some_and(|kind| !kind.object)
    }
}
