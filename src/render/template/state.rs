//! The state of a rendering, and how functions are told from each other and called.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use gotmpl::parse::{ListNode, Pos, SmolStr};

use super::arguments::{ArgumentType, Arguments};
use super::burial::bury;
use super::kinds;
use super::settings::RenderSettings;
use super::unknown::FoundUnknown;
use crate::render::fault::RenderFault;
use crate::render::value::ChartValue;

/// The templates that can be called from a place: those of the chart, and over them those that a text of `tpl` defines.
#[derive(Clone, Copy, Debug)]
pub struct VariableScope<'a> {
    pub(super) bodies: &'a BTreeMap<Rc<str>, Rc<TemplateBody>>,
    pub(super) outer: Option<&'a VariableScope<'a>>,
}

impl<'a> VariableScope<'a> {
    /// The templates of a chart.
    pub const fn of(bodies: &'a BTreeMap<Rc<str>, Rc<TemplateBody>>) -> Self {
        Self { bodies, outer: None }
    }

    /// The template of a name.
    pub fn find(&self, name: &str) -> Option<Rc<TemplateBody>> {
        self.bodies.get(name).cloned().or_else(|| self.outer.and_then(|outer| outer.find(name)))
    }
}

/// The templates of a text that `tpl` got: the text itself has no name.
pub(super) type Parsed = Rc<Vec<(Rc<str>, Rc<TemplateBody>)>>;

/// The state of one rendering.
pub struct TemplateRun<'s> {
    /// What the caller gave.
    pub settings: &'s RenderSettings,
    /// The functions by name.
    pub functions: HashMap<&'static str, &'static TemplateFunction>,
    /// Regular expressions that were read already.
    pub patterns: RefCell<HashMap<Rc<str>, regex::Regex>>,
    pub(super) steps: Cell<u64>,
    pub(super) depth: Cell<u32>,
    pub(super) included: RefCell<HashMap<Rc<str>, u32>>,
    pub(super) texts: RefCell<HashMap<Rc<str>, Parsed>>,
}

/// What one running template has.
pub struct TemplateFrame<'a> {
    /// The templates it can call.
    pub scope: &'a VariableScope<'a>,
    /// Its variables, the inner ones last.
    pub variables: Vec<(SmolStr, Option<ChartValue>)>,
    pub(super) file: Option<Rc<str>>,
    pub(super) out: String,
}

impl TemplateFrame<'_> {
    /// Lets go of the variables from a place on.
    pub(super) fn forget(&mut self, depth: usize) {
        self.variables.drain(depth.min(self.variables.len())..).filter_map(|slot| slot.1).for_each(bury);
    }

    /// Adds the place to a fault that has none yet.
    pub fn placed(&self, mut fault: RenderFault, pos: Pos) -> RenderFault {
        if fault.file.is_none()
            && let Some(file) = &self.file
        {
            fault.file = Some(file.to_string());
            fault.line = Some(pos.line);
        }
        fault
    }
}

impl TemplateRun<'_> {
    /// Takes steps, of which a rendering has so many.
    pub fn spend(&self, steps: usize) -> Result<(), RenderFault> {
        let left = self.steps.get().checked_sub(steps as u64);
        self.steps.set(left.unwrap_or(0));
        left.map(|_| ())
            .ok_or_else(|| RenderFault::new(format!("the template takes more than {} steps", self.settings.steps)))
    }

    /// Counts what a function made.
    pub fn charge(&self, value: &ChartValue) -> Result<(), RenderFault> {
        let size = match value {
            ChartValue::Text(text) => text.len(),
            ChartValue::List(items) => items.len(),
            // An entry of a map takes more than a letter of a text.
            ChartValue::Map(map) => map.borrow().len().saturating_mul(16),
            _ => 0,
        };
        self.spend(size / 16)?;
        if size > self.settings.output { Err(self.too_long()) } else { Ok(()) }
    }

    /// The fault of a text that is too long.
    pub(super) fn too_long(&self) -> RenderFault {
        RenderFault::new(format!("a text has more than {} bytes", self.settings.output))
    }

    /// Random bytes from the caller's entropy.
    pub fn bytes(&self, count: usize) -> Result<Vec<u8>, RenderFault> {
        self.spend(count / 16)?;
        let mut bytes = vec![0; count];
        (self.settings.entropy.borrow_mut())(&mut bytes);
        Ok(bytes)
    }

    /// What `if` makes of a value.
    pub fn truth(&self, value: Option<&ChartValue>, what: &str) -> Result<bool, RenderFault> {
        kinds::truth(value, what, &self.settings.unknowns.borrow())
    }
}

/// The body of one template.
#[derive(Debug)]
pub struct TemplateBody {
    /// The file that it was written in; none for a text that `tpl` got.
    pub file: Option<Rc<str>>,
    /// What stands in it.
    pub list: ListNode,
}

/// What a function gives.
pub type FunctionResult = Result<ChartValue, RenderFault>;

/// What a function does with values that are not known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownPolicy {
    /// It lets them through, or sees to them itself.
    Moves,
    /// It gives a new unknown value where an argument is one or has its mark.
    Computes,
    /// The same, where one lies anywhere within an argument.
    Deep,
    /// Nothing can be said where an argument is one.
    Decides,
}

/// A function by its name.
#[derive(Debug)]
pub struct TemplateFunction {
    /// The name.
    pub name: &'static str,
    /// The types of the parameters that must be there.
    pub fixed: &'static [ArgumentType],
    /// The type of what may follow in any number.
    pub rest: Option<ArgumentType>,
    /// What it does with values that are not known yet.
    pub policy: UnknownPolicy,
    /// What it does.
    pub run: fn(&FunctionCall<'_, '_>) -> FunctionResult,
}

impl TemplateFunction {
    /// A function that computes something of its arguments.
    pub const fn new(
        name: &'static str,
        fixed: &'static [ArgumentType],
        run: fn(&FunctionCall<'_, '_>) -> FunctionResult,
    ) -> Self {
        Self { name, fixed, rest: None, policy: UnknownPolicy::Computes, run }
    }

    /// It takes any number of arguments more.
    pub const fn rest(mut self, rest: ArgumentType) -> Self {
        self.rest = Some(rest);
        self
    }

    /// It lets unknown values through.
    pub const fn moves(mut self) -> Self {
        self.policy = UnknownPolicy::Moves;
        self
    }

    /// It looks for unknown values in all that its arguments hold.
    pub const fn deep(mut self) -> Self {
        self.policy = UnknownPolicy::Deep;
        self
    }

    /// It says nothing of unknown values.
    pub const fn decides(mut self) -> Self {
        self.policy = UnknownPolicy::Decides;
        self
    }

    /// The type of the parameter at a place.
    pub fn parameter(&self, at: usize) -> ArgumentType {
        self.fixed.get(at).copied().or(self.rest).unwrap_or(ArgumentType::Any)
    }

    /// Whether so many arguments are right.
    pub fn check_count(&self, count: usize) -> Result<(), RenderFault> {
        let (name, wanted) = (self.name, self.fixed.len());
        if self.rest.is_some() && count < wanted {
            return Err(RenderFault::new(format!(
                "wrong number of args for {name}: want at least {wanted} got {count}"
            )));
        }
        if self.rest.is_none() && count != wanted {
            return Err(RenderFault::new(format!("wrong number of args for {name}: want {wanted} got {count}")));
        }
        Ok(())
    }
}

/// One call of a function.
pub struct FunctionCall<'c, 's> {
    /// The rendering.
    pub run: &'c TemplateRun<'s>,
    /// The templates that the caller can call.
    pub scope: &'c VariableScope<'c>,
    /// The name it was called by.
    pub name: &'static str,
    /// The arguments.
    pub args: Arguments,
}

impl FunctionCall<'_, '_> {
    /// Whether Sprig takes a value for empty.
    pub fn is_empty(&self, value: &ChartValue) -> Result<bool, RenderFault> {
        kinds::is_empty(value, self.name, &self.run.settings.unknowns.borrow())
    }

    /// The fault of a function that can say nothing without a value.
    pub fn decided(&self, found: &FoundUnknown) -> RenderFault {
        super::unknown::decides(self.name, &found.of(&self.run.settings.unknowns.borrow()))
    }

    /// A new value that is not known yet, because what it is computed from is not.
    pub fn unknown(&self, found: &FoundUnknown) -> ChartValue {
        let of = found.of(&self.run.settings.unknowns.borrow());
        self.run.settings.unknown(format!("{} of {of}", self.name))
    }
}

/// A text, as what a function gives.
pub fn text(text: impl Into<Rc<str>>) -> FunctionResult {
    Ok(ChartValue::text(text))
}

/// A fault, as what a function gives.
pub fn fail<T>(what: impl Into<String>) -> Result<T, RenderFault> {
    Err(RenderFault::new(what))
}
