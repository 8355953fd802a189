//! What an expression may be made of: the variables and functions that are there, and no types that JSON does not have.

use cel::IdedExpr;
use cel::common::ast::{EntryExpr, Expr, LiteralValue, SourceInfo};

use super::ends::ExpressionFault;
use super::functions::{self, Called};
use crate::suggest::suggest;

/// How deep an expression may be once its macros are written out: evaluating it calls itself for each level.
const DEEPEST: usize = 60;

/// Refuses an expression that could not be evaluated, whatever the values are.
pub fn check(root: &IdedExpr, text: &str, places: &SourceInfo, variables: &[&str]) -> Result<(), ExpressionFault> {
    let mut check = NameCheck { text, places, bound: variables.to_vec() };
    check.expression(root, 0)
}

struct NameCheck<'a> {
    text: &'a str,
    places: &'a SourceInfo,
    /// The variables that can be named here, those of macros last.
    bound: Vec<&'a str>,
}

impl<'a> NameCheck<'a> {
    fn expression(&mut self, one: &'a IdedExpr, depth: usize) -> Result<(), ExpressionFault> {
        if depth > DEEPEST {
            return Err(self.fault(one, "the expression is too deep".to_owned(), None));
        }
        let below = depth + 1;
        match &one.expr {
            Expr::Unspecified => Err(self.fault(one, "it is no CEL".to_owned(), None)),
            Expr::Literal(LiteralValue::Bytes(_)) => {
                Err(self.fault(one, "there are no bytes in JSON".to_owned(), None))
            }
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.variable(one, name),
            Expr::Select(select) => self.expression(&select.operand, below),
            Expr::List(list) => list.elements.iter().try_for_each(|item| self.expression(item, below)),
            Expr::Map(map) => map.entries.iter().try_for_each(|entry| match &entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.expression(&entry.key, below)?;
                    self.expression(&entry.value, below)
                }
                EntryExpr::StructField(field) => self.expression(&field.value, below),
            }),
            Expr::Struct(message) => {
                let what = format!("there is no type `{}`", message.type_name);
                Err(self.fault(one, what, Some("a map is written as {'key': value}".to_owned())))
            }
            Expr::Call(call) => {
                // A macro that is written wrongly is a call of an unknown function, with variables that nothing binds.
                let called = Called { name: &call.func_name, on_value: call.target.is_some(), inputs: call.args.len() };
                functions::is_there(&called).map_err(|(what, hint)| self.fault(one, what, hint))?;
                let mut inputs = call.target.iter().map(|target| &**target).chain(&call.args);
                inputs.try_for_each(|input| self.expression(input, below))
            }
            Expr::Comprehension(over) => {
                self.expression(&over.iter_range, below)?;
                self.expression(&over.accu_init, below)?;
                let before = self.bound.len();
                self.bound.extend([over.iter_var.as_str(), over.accu_var.as_str()]);
                let inner = [&over.loop_cond, &over.loop_step, &over.result];
                let found = inner.into_iter().try_for_each(|part| self.expression(part, below));
                self.bound.truncate(before);
                found
            }
        }
    }

    fn variable(&self, one: &IdedExpr, name: &str) -> Result<(), ExpressionFault> {
        if self.bound.contains(&name) {
            return Ok(());
        }
        let known: Vec<&str> = self.bound.iter().filter(|name| !name.starts_with('@')).copied().collect();
        let hint = suggest(name, &known).unwrap_or_else(|| format!("it can name {}", known.join(", ")));
        Err(self.fault(one, format!("there is no variable `{name}`"), Some(hint)))
    }

    fn fault(&self, one: &IdedExpr, what: String, hint: Option<String>) -> ExpressionFault {
        let place = self.places.offset_for(one.id).map(|(start, _)| start as usize);
        let message = match place.filter(|at| *at < self.text.chars().count()) {
            Some(at) => format!("{what} at character {}", at + 1),
            None => what,
        };
        ExpressionFault { message, hint }
    }
}
