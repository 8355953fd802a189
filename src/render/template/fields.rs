//! Fields and methods of values, and what `range` goes through.

use std::rc::Rc;

use super::kinds;
use super::state::TemplateRun;
use super::unknown;
use crate::render::fault::RenderFault;
use crate::render::value::ChartValue;

/// The field of a value, or what its method gives. None is Go's invalid value, which has all fields, each invalid again.
pub fn field(
    run: &TemplateRun<'_>,
    receiver: Option<&ChartValue>,
    name: &str,
    given: &[ChartValue],
    called: bool,
) -> Result<Option<ChartValue>, RenderFault> {
    match receiver {
        None => Ok(None),
        Some(ChartValue::Nil) => Err(RenderFault::new(format!("nil pointer evaluating interface {{}}.{name}"))),
        Some(ChartValue::Unknown(unknown)) => Ok(Some(run.settings.unknown(format!("{}.{name}", unknown.of)))),
        Some(ChartValue::Map(map)) => {
            if let Some(value) = map.borrow().get(name) {
                if called {
                    return Err(RenderFault::new(format!("{name} is not a method but has arguments")));
                }
                return Ok(Some(value.clone()));
            }
            // Helm's own values have this method, which gives the map that they are.
            if name == "AsMap" {
                return Ok(Some(ChartValue::Map(Rc::clone(map))));
            }
            Ok(Some(ChartValue::Nil))
        }
        Some(ChartValue::Object(_)) if given.iter().any(|one| unknown::in_value(one).is_some()) => {
            let found = given.iter().find_map(unknown::in_value);
            let of = found.map(|found| found.of(&run.settings.unknowns.borrow())).unwrap_or_default();
            Err(unknown::decides(name, &of))
        }
        Some(ChartValue::Object(object)) => match object.call(name, given) {
            Some(value) => value.and_then(|value| run.charge(&value).map(|()| Some(value))).map_err(|mut fault| {
                fault.what = format!("error calling {name}: {}", fault.what);
                fault
            }),
            None => Err(RenderFault::new(format!("can't evaluate field {name} in type {}", object.type_name()))),
        },
        Some(other) => {
            Err(RenderFault::new(format!("can't evaluate field {name} in type {}", kinds::static_type(other))))
        }
    }
}

/// Why a value cannot be gone through.
pub enum NoTurns {
    /// It is not known yet.
    Unknown(Rc<str>),
    /// It has no items.
    Fault(String),
}

/// What `range` goes through.
pub enum Turns {
    /// The items of a list.
    List(Rc<Vec<ChartValue>>, usize),
    /// The entries of a map as it was when the loop began, in the order of the keys.
    Map(std::vec::IntoIter<(Rc<str>, ChartValue)>),
    /// The numbers below a number, of the type that the number has.
    Numbers { next: i64, end: i64, wide: bool },
}

impl Turns {
    /// The index or key, and the element.
    pub fn next(&mut self) -> Option<(Option<ChartValue>, ChartValue)> {
        match self {
            Self::List(items, at) => {
                let item = items.get(*at)?.clone();
                let index = ChartValue::Int(i64::try_from(*at).unwrap_or(i64::MAX));
                *at += 1;
                Some((Some(index), item))
            }
            Self::Map(entries) => entries.next().map(|(key, value)| (Some(ChartValue::Text(key)), value)),
            Self::Numbers { next, end, wide } => {
                if next >= end {
                    return None;
                }
                let number = if *wide { ChartValue::Int64(*next) } else { ChartValue::Int(*next) };
                *next += 1;
                Some((None, number))
            }
        }
    }
}

/// The turns that `range` takes through a value with so many variables.
pub fn turns(value: Option<&ChartValue>, variables: usize) -> Result<Turns, NoTurns> {
    match value {
        None | Some(ChartValue::Nil) => Ok(Turns::List(Rc::default(), 0)),
        Some(ChartValue::List(items)) => Ok(Turns::List(Rc::clone(items), 0)),
        Some(ChartValue::Map(map)) => {
            let entries: Vec<_> = map.borrow().iter().map(|(key, value)| (Rc::clone(key), value.clone())).collect();
            Ok(Turns::Map(entries.into_iter()))
        }
        Some(ChartValue::Int(number) | ChartValue::Int64(number)) if variables > 1 => {
            Err(NoTurns::Fault(format!("can't use {number} to iterate over more than one variable")))
        }
        Some(ChartValue::Int(number)) => Ok(Turns::Numbers { next: 0, end: *number, wide: false }),
        Some(ChartValue::Int64(number)) => Ok(Turns::Numbers { next: 0, end: *number, wide: true }),
        Some(ChartValue::Unknown(unknown)) => Err(NoTurns::Unknown(Rc::clone(&unknown.of))),
        Some(ChartValue::Object(object)) => match object.value() {
            value @ (ChartValue::List(_) | ChartValue::Map(_)) => turns(Some(&value), variables),
            _ => Err(NoTurns::Fault(format!("range can't iterate over a {}", object.type_name()))),
        },
        Some(ChartValue::Text(text)) if unknown::is_marked(text) => {
            Err(NoTurns::Unknown("a text with what is not known".into()))
        }
        Some(other) => Err(NoTurns::Fault(format!("range can't iterate over {}", super::format::printed(Some(other))))),
    }
}
