//! The types that functions ask of their arguments, and how a function reads arguments that fit.

use std::rc::Rc;

use super::kinds;
use crate::render::fault::RenderFault;
use crate::render::value::{ChartValue, ValueTable};

/// The type of a parameter in Go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentType {
    /// Anything, `nil` too.
    Any,
    /// Anything, taken as the reflection of a value: what Go's own functions take.
    Reflect,
    /// A text.
    Text,
    /// An `int`: no `int64` and no number with a fraction.
    Int,
    /// A `uint32`, which only a literal can be.
    Uint32,
    /// A `float64`.
    Float,
    /// True or false.
    Bool,
    /// A map of texts to anything, or `nil`.
    Map,
    /// A list of anything, or `nil`.
    List,
    /// A time.
    Time,
    /// A certificate with its key.
    Certificate,
}

impl ArgumentType {
    /// Go's name of the type, for messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Reflect => "reflect.Value",
            Self::Text => "string",
            Self::Int => "int",
            Self::Uint32 => "uint32",
            Self::Float => "float64",
            Self::Bool => "bool",
            Self::Map => "map[string]interface {}",
            Self::List => "[]interface {}",
            Self::Time => "time.Time",
            Self::Certificate => "sprig.certificate",
        }
    }

    /// Whether `nil` is a value of the type.
    pub const fn can_be_nil(self) -> bool {
        matches!(self, Self::Any | Self::Reflect | Self::Map | Self::List)
    }

    /// Takes a value that was computed as an argument of this type. None is Go's invalid value: `nil` out of a pipeline.
    pub fn accept(self, value: Option<ChartValue>) -> Result<ChartValue, RenderFault> {
        let Some(value) = value else {
            return if self.can_be_nil() {
                Ok(ChartValue::Nil)
            } else {
                Err(RenderFault::new(format!("invalid value; expected {}", self.name())))
            };
        };
        let fits = match (self, &value) {
            (Self::Any | Self::Reflect, _) | (_, ChartValue::Unknown(_)) => true,
            (Self::Text, ChartValue::Text(_))
            | (Self::Int, ChartValue::Int(_))
            | (Self::Float, ChartValue::Float(_))
            | (Self::Bool, ChartValue::Bool(_))
            | (Self::Map, ChartValue::Map(_))
            | (Self::List, ChartValue::List(_)) => true,
            (Self::Time, ChartValue::Object(object)) => matches!(object.type_name(), "time.Time" | "*time.Time"),
            (Self::Certificate, ChartValue::Object(object)) => object.type_name() == "sprig.certificate",
            _ => false,
        };
        if fits {
            return Ok(value);
        }
        let got = kinds::static_type(&value);
        Err(RenderFault::new(format!("wrong type for value; expected {}; got {got}", self.name())))
    }
}

/// The arguments of one call, which fit the parameters of the function.
#[derive(Debug)]
pub struct Arguments {
    /// The values in order.
    pub all: Vec<ChartValue>,
}

impl Arguments {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// An argument of any type; nothing where there is none.
    pub fn any(&self, at: usize) -> &ChartValue {
        self.all.get(at).unwrap_or(&ChartValue::Nil)
    }

    /// A text; a value that is not known yet is its mark.
    pub fn text(&self, at: usize) -> Rc<str> {
        match self.any(at) {
            ChartValue::Text(text) => Rc::clone(text),
            ChartValue::Unknown(unknown) => unknown.mark().into(),
            _ => "".into(),
        }
    }

    /// A whole number.
    pub fn int(&self, at: usize) -> i64 {
        match self.any(at) {
            ChartValue::Int(number) | ChartValue::Int64(number) => *number,
            _ => 0,
        }
    }

    /// A number with a fraction.
    pub fn float(&self, at: usize) -> f64 {
        match self.any(at) {
            ChartValue::Float(number) => *number,
            _ => 0.0,
        }
    }

    /// True or false.
    pub fn bool(&self, at: usize) -> bool {
        matches!(self.any(at), ChartValue::Bool(true))
    }

    /// A map; none where it is `nil`.
    pub fn map(&self, at: usize) -> Option<&ValueTable> {
        match self.any(at) {
            ChartValue::Map(map) => Some(map),
            _ => None,
        }
    }
}

/// The items of a list; none where the value is no list in Go either.
pub fn items(value: &ChartValue) -> Option<Rc<Vec<ChartValue>>> {
    match value {
        ChartValue::List(items) => Some(Rc::clone(items)),
        ChartValue::Object(object) => match object.value() {
            ChartValue::List(items) => Some(items),
            _ => None,
        },
        _ => None,
    }
}
