//! Evaluating an expression, with a bound on the work.

use std::cmp::Ordering;
use std::rc::Rc;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, LiteralValue, SelectExpr, operators as sign};

use super::ends::Undecided;
use super::functions::{call, told};
use super::value::CelValue;

/// How much work an expression may be: about as many looks at a value. An expression that asks for every condition of every
/// item of a list of hundreds is far below it.
const WORK: usize = 200_000;
/// What a pattern counts for: it is compiled each time.
const PATTERN: usize = 1_000;

type Evaluated<'a> = Result<CelValue<'a>, Undecided>;

/// One evaluation.
pub struct Evaluation<'a> {
    /// The variables, those of inner macros last.
    variables: Vec<(&'a str, CelValue<'a>)>,
    /// How much work is left.
    left: usize,
}

impl<'a> Evaluation<'a> {
    pub const fn new(variables: Vec<(&'a str, CelValue<'a>)>) -> Self {
        Self { variables, left: WORK }
    }

    /// The value of an expression.
    pub fn value(&mut self, one: &'a IdedExpr) -> Evaluated<'a> {
        self.work(1)?;
        match &one.expr {
            Expr::Literal(literal) => Ok(constant(literal)),
            Expr::Ident(name) => {
                let found = self.variables.iter().rev().find(|(known, _)| known == name);
                found.map(|(_, value)| value.clone()).ok_or_else(|| wrong(format!("there is no variable `{name}`")))
            }
            Expr::Select(select) => self.select(select),
            Expr::Call(call) => self.call(call),
            Expr::List(list) => {
                let items = list.elements.iter().map(|item| self.value(item));
                Ok(CelValue::MadeList(Rc::new(items.collect::<Result<_, _>>()?)))
            }
            Expr::Map(map) => {
                let mut entries = Vec::new();
                for entry in &map.entries {
                    let EntryExpr::MapEntry(entry) = &entry.expr else { continue };
                    entries.push((self.value(&entry.key)?, self.value(&entry.value)?));
                }
                Ok(CelValue::MadeMap(Rc::new(entries)))
            }
            Expr::Comprehension(over) => self.comprehension(over),
            Expr::Struct(_) | Expr::Unspecified => Err(wrong("it is no CEL".to_owned())),
        }
    }

    fn work(&mut self, much: usize) -> Result<(), Undecided> {
        self.left = self.left.checked_sub(much).ok_or_else(|| wrong("it takes too much work".to_owned()))?;
        Ok(())
    }

    fn select(&mut self, select: &'a SelectExpr) -> Evaluated<'a> {
        let from = self.value(&select.operand)?;
        let field = &select.field;
        if select.test && (from.is_map() || matches!(from, CelValue::Null)) {
            return Ok(CelValue::Bool(from.entry(field).is_some_and(|value| !matches!(value, CelValue::Null))));
        }
        match from {
            CelValue::Null => Err(missing(field)),
            from if from.is_map() => from.entry(field).ok_or_else(|| missing(field)),
            other => Err(wrong(format!("`{field}` is asked of {}", other.told()))),
        }
    }

    fn call(&mut self, called: &'a CallExpr) -> Evaluated<'a> {
        match (called.func_name.as_str(), called.args.as_slice()) {
            (sign::LOGICAL_AND, [one, other]) => self.either(one, other, false),
            (sign::LOGICAL_OR, [one, other]) => self.either(one, other, true),
            (sign::NOT_STRICTLY_FALSE, [one]) => {
                Ok(CelValue::Bool(!matches!(self.value(one), Ok(CelValue::Bool(false)))))
            }
            (sign::CONDITIONAL, [condition, one, other]) => match self.value(condition)? {
                CelValue::Bool(true) => self.value(one),
                CelValue::Bool(false) => self.value(other),
                neither => Err(wrong(format!("`?` stands behind {}", neither.told()))),
            },
            (name, inputs) => {
                let all = called.target.iter().map(|target| &**target).chain(inputs);
                let values = all.map(|input| self.value(input)).collect::<Result<Vec<_>, _>>()?;
                self.apply(name, &values)
            }
        }
    }

    /// Of two that are true or false, the one that decides does so also where the other can't be told.
    fn either(&mut self, one: &'a IdedExpr, other: &'a IdedExpr, decides: bool) -> Evaluated<'a> {
        let mut undecided = None;
        for part in [one, other] {
            match self.value(part) {
                Ok(CelValue::Bool(is_so)) if is_so == decides => return Ok(CelValue::Bool(decides)),
                Ok(CelValue::Bool(_)) => {}
                Ok(neither) => undecided = Some(wrong(format!("{} is neither true nor false", neither.told()))),
                Err(error) => undecided = undecided.or(Some(error)),
            }
        }
        undecided.map_or(Ok(CelValue::Bool(!decides)), Err)
    }

    fn apply(&mut self, name: &str, values: &[CelValue<'a>]) -> Evaluated<'a> {
        match (name, values) {
            (sign::LOGICAL_NOT, [CelValue::Bool(is_so)]) => Ok(CelValue::Bool(!is_so)),
            (sign::NEGATE, [CelValue::Int(number)]) => number.checked_neg().map(CelValue::Int).ok_or_else(too_large),
            (sign::NEGATE, [CelValue::Double(number)]) => Ok(CelValue::Double(-number)),
            (sign::EQUALS, [one, other]) => self.equal(one, other).map(CelValue::Bool),
            (sign::NOT_EQUALS, [one, other]) => self.equal(one, other).map(|same| CelValue::Bool(!same)),
            (sign::LESS | sign::LESS_EQUALS | sign::GREATER | sign::GREATER_EQUALS, [one, other]) => {
                compared(name, one, other)
            }
            (sign::IN, [one, other]) => self.contains(other, one).map(CelValue::Bool),
            (sign::INDEX, [from, at]) => index(from, at),
            (sign::ADD, [one, other]) if one.is_list() && other.is_list() => {
                let both = [one, other].into_iter().filter_map(CelValue::items).flatten().collect::<Vec<_>>();
                self.work(both.len())?;
                Ok(CelValue::MadeList(Rc::new(both)))
            }
            (sign::ADD, [one, other]) if one.as_text().is_some() && other.as_text().is_some() => {
                let both = [one, other].into_iter().filter_map(CelValue::as_text).collect::<String>();
                self.work(both.len())?;
                Ok(CelValue::text(&both))
            }
            (sign::ADD | sign::SUBSTRACT | sign::MULTIPLY | sign::DIVIDE | sign::MODULO, [one, other]) => {
                calculated(name, one, other)
            }
            (sign::LOGICAL_NOT | sign::NEGATE, _) => {
                Err(wrong(format!("`{}` stands before {}", &name[..1], told(values))))
            }
            (name, values) => {
                let lengths = values.iter().filter_map(CelValue::as_text).map(str::len);
                self.work(lengths.sum::<usize>() / 16 + if name == "matches" { PATTERN } else { 1 })?;
                call(name, values)
            }
        }
    }

    fn comprehension(&mut self, over: &'a ComprehensionExpr) -> Evaluated<'a> {
        let range = self.value(&over.iter_range)?;
        let items = match range.items() {
            Some(items) => items,
            None if matches!(range, CelValue::Null) => return Err(missing("a list")),
            None => return Err(wrong(format!("{} has no items to go through", range.told()))),
        };
        self.work(items.len())?;
        let mut result = self.value(&over.accu_init)?;
        // In `exists` and `all` an item that decides does so also where another one can't be told.
        let decides = match &over.loop_step.expr {
            Expr::Call(step) if step.func_name == sign::LOGICAL_AND => Some(false),
            Expr::Call(step) if step.func_name == sign::LOGICAL_OR => Some(true),
            _ => None,
        };
        let mut undecided = None;
        let before = self.variables.len();
        for item in items {
            self.variables.push((&over.accu_var, result.clone()));
            self.variables.push((&over.iter_var, item));
            let goes_on = self.value(&over.loop_cond);
            let stepped = match goes_on {
                Ok(CelValue::Bool(false)) => None,
                Ok(_) => Some(self.value(&over.loop_step)),
                Err(error) => Some(Err(error)),
            };
            self.variables.truncate(before);
            match (stepped, decides) {
                (None, _) => break,
                (Some(Ok(value)), Some(decides)) => {
                    if matches!(value, CelValue::Bool(is_so) if is_so == decides) {
                        undecided = None;
                    }
                    result = value;
                }
                (Some(Ok(value)), None) => result = value,
                (Some(Err(error)), Some(_)) if self.left > 0 => undecided = Some(error),
                (Some(Err(error)), _) => return Err(error),
            }
        }
        if let Some(error) = undecided {
            return Err(error);
        }
        self.variables.push((&over.accu_var, result));
        let found = self.value(&over.result);
        self.variables.truncate(before);
        found
    }

    fn contains(&mut self, all: &CelValue<'a>, one: &CelValue<'a>) -> Result<bool, Undecided> {
        if let (true, Some(key)) = (all.is_map(), one.as_text()) {
            return Ok(all.entry(key).is_some());
        }
        let items = all.items().ok_or_else(|| match all {
            CelValue::Null => missing("a list"),
            other => wrong(format!("nothing can be in {}", other.told())),
        })?;
        for item in &items {
            if self.equal(item, one)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn equal(&mut self, one: &CelValue<'a>, other: &CelValue<'a>) -> Result<bool, Undecided> {
        self.work(1)?;
        if let (Some(one), Some(other)) = (one.as_text(), other.as_text()) {
            self.work(one.len().min(other.len()) / 64)?;
            return Ok(one == other);
        }
        if let (Some(a), Some(b)) = (one.as_number(), other.as_number()) {
            return Ok(match (one, other) {
                (CelValue::Int(a), CelValue::Int(b)) => a == b,
                _ => a == b,
            });
        }
        if one.is_map() && other.is_map() || one.is_list() && other.is_list() {
            if one.size() != other.size() {
                return Ok(false);
            }
            let (Some(a), Some(b)) = (one.items(), other.items()) else { return Ok(false) };
            for (a, b) in a.iter().zip(&b) {
                let same = match a.as_text().filter(|_| one.is_map()) {
                    Some(key) => match (one.entry(key), other.entry(key)) {
                        (Some(a), Some(b)) => self.equal(&a, &b)?,
                        _ => false,
                    },
                    None => self.equal(a, b)?,
                };
                if !same {
                    return Ok(false);
                }
            }
            return Ok(true);
        }
        Ok(match (one, other) {
            (CelValue::Null, CelValue::Null) => true,
            (CelValue::Bool(one), CelValue::Bool(other)) => one == other,
            _ => false,
        })
    }
}

fn constant(literal: &LiteralValue) -> CelValue<'_> {
    match literal {
        LiteralValue::Boolean(is_so) => CelValue::Bool(*is_so.inner()),
        LiteralValue::Int(number) => CelValue::Int(*number.inner()),
        LiteralValue::UInt(number) => CelValue::Int(i64::try_from(*number.inner()).unwrap_or(i64::MAX)),
        LiteralValue::Double(number) => CelValue::Double(*number.inner()),
        LiteralValue::String(text) => CelValue::Text(text.inner()),
        LiteralValue::Null | LiteralValue::Bytes(_) => CelValue::Null,
    }
}

fn index<'a>(from: &CelValue<'a>, at: &CelValue<'a>) -> Evaluated<'a> {
    let found = match (from, at) {
        (CelValue::Null, _) => None,
        (CelValue::List(items), CelValue::Int(at)) => {
            usize::try_from(*at).ok().and_then(|at| items.get(at)).map(CelValue::of)
        }
        (CelValue::MadeList(items), CelValue::Int(at)) => {
            usize::try_from(*at).ok().and_then(|at| items.get(at)).cloned()
        }
        (map, key) if map.is_map() && key.as_text().is_some() => map.entry(key.as_text().unwrap_or_default()),
        (from, at) => return Err(wrong(format!("{} has no {}", from.told(), at.told()))),
    };
    found.ok_or_else(|| match at.as_text() {
        Some(key) => missing(key),
        None => Undecided::Missing(format!("{} has no item {}", from.told(), at.told().replace("the number ", ""))),
    })
}

fn compared<'a>(name: &str, one: &CelValue<'a>, other: &CelValue<'a>) -> Evaluated<'a> {
    let order = match (one, other) {
        (CelValue::Null, _) | (_, CelValue::Null) => return Err(Undecided::Missing("null is compared".to_owned())),
        (CelValue::Int(one), CelValue::Int(other)) => Some(one.cmp(other)),
        (CelValue::Bool(one), CelValue::Bool(other)) => Some(one.cmp(other)),
        _ => match (one.as_text().zip(other.as_text()), one.as_number().zip(other.as_number())) {
            (Some((one, other)), _) => Some(one.cmp(other)),
            (None, Some((one, other))) => one.partial_cmp(&other),
            (None, None) => return Err(wrong(format!("{} and {} have no order", one.told(), other.told()))),
        },
    };
    Ok(CelValue::Bool(match name {
        sign::LESS => order == Some(Ordering::Less),
        sign::LESS_EQUALS => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        sign::GREATER => order == Some(Ordering::Greater),
        _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }))
}

fn calculated<'a>(name: &str, one: &CelValue<'a>, other: &CelValue<'a>) -> Evaluated<'a> {
    let word = name.trim_matches('_');
    match (one, other) {
        (CelValue::Int(_), CelValue::Int(0)) if [sign::DIVIDE, sign::MODULO].contains(&name) => {
            Err(wrong("it divides by zero".to_owned()))
        }
        (CelValue::Int(one), CelValue::Int(other)) => {
            let found = match name {
                sign::ADD => one.checked_add(*other),
                sign::SUBSTRACT => one.checked_sub(*other),
                sign::MULTIPLY => one.checked_mul(*other),
                sign::DIVIDE => one.checked_div(*other),
                _ => one.checked_rem(*other),
            };
            found.map(CelValue::Int).ok_or_else(too_large)
        }
        (CelValue::Null, _) | (_, CelValue::Null) => Err(Undecided::Missing(format!("`{word}` stands beside null"))),
        _ => {
            let both = one.as_number().zip(other.as_number()).filter(|_| name != sign::MODULO);
            let (a, b) =
                both.ok_or_else(|| wrong(format!("`{word}` stands between {} and {}", one.told(), other.told())))?;
            Ok(CelValue::Double(match name {
                sign::ADD => a + b,
                sign::SUBSTRACT => a - b,
                sign::MULTIPLY => a * b,
                _ => a / b,
            }))
        }
    }
}

fn missing(what: &str) -> Undecided {
    Undecided::Missing(format!("there is no `{what}`"))
}

const fn wrong(why: String) -> Undecided {
    Undecided::Wrong(why)
}

fn too_large() -> Undecided {
    wrong("a number in it gets too large".to_owned())
}
