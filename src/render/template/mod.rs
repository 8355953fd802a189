//! Go's text/template as Helm runs it: templates by name, Helm's and Sprig's functions, and values that are not known yet.

mod arguments;
mod burial;
mod check;
mod crypto;
mod fields;
mod format;
mod functions;
mod kinds;
mod pipeline;
mod run;
pub mod semver;
mod settings;
mod source;
mod state;
mod syntax;
mod time;
mod unknown;

use std::collections::BTreeMap;
use std::rc::Rc;

use gotmpl::parse::ListNode;

pub use burial::bury;
pub use settings::{Entropy, RenderSettings};

use super::bytes;
use super::fault::RenderFault;
use super::value::ChartValue;
use state::{TemplateBody, TemplateRun, VariableScope};

/// The functions that templates can call, each with the types of its parameters, and of those that may follow in any number.
pub fn signatures() -> impl Iterator<Item = (&'static str, Vec<&'static str>, Option<&'static str>)> {
    functions::all().map(|function| {
        let fixed = function.fixed.iter().map(|parameter| parameter.name()).collect();
        (function.name, fixed, function.rest.map(arguments::ArgumentType::name))
    })
}

/// Templates by name, which can call each other.
#[derive(Clone, Debug, Default)]
pub struct Templates {
    bodies: BTreeMap<Rc<str>, Rc<TemplateBody>>,
}

impl Templates {
    /// No template yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a template and what it defines. What comes later takes the place of what has the same name, unless it is blank.
    ///
    /// # Errors
    /// Where the text is no template, or names a function or a variable that does not exist.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), RenderFault> {
        let file: Rc<str> = name.into();
        for (name, list) in source::read(&file, text)? {
            self.put(name, list, Some(&file));
        }
        Ok(())
    }

    /// Whether there is a template of this name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.bodies.contains_key(name)
    }

    /// The text that a template comes to.
    ///
    /// # Errors
    /// Where the template fails, by its own `fail` too, or where a value that is not known yet decides what the text is.
    pub fn render(&self, name: &str, data: &ChartValue, settings: &RenderSettings) -> Result<String, RenderFault> {
        let run = TemplateRun::new(settings);
        let text = run.template(&VariableScope::of(&self.bodies), name, Some(data.clone()))?;
        Ok(bytes::shown(&text.replace("<no value>", "")))
    }

    fn put(&mut self, name: Rc<str>, list: ListNode, file: Option<&Rc<str>>) {
        if self.bodies.contains_key(&name) && source::is_blank(&list) {
            return;
        }
        self.bodies.insert(name, Rc::new(TemplateBody { file: file.cloned(), list }));
    }
}
