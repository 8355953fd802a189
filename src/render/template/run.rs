//! One rendering: walks the nodes of templates and writes their text.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use gotmpl::parse::{BranchNode, ListNode, Node, SmolStr};

use super::burial::bury;
use super::fields;
use super::functions;
use super::pipeline;
use super::settings::RenderSettings;
use super::state::{Parsed, TemplateBody, TemplateFrame, TemplateRun, VariableScope};
use super::{format, source, unknown};
use crate::render::fault::RenderFault;
use crate::render::value::ChartValue;

/// How deep templates may call each other in all. Helm's own limit is for each name.
const DEPTH: u32 = 4000;
/// How often a template may be included within itself, as in Helm.
const NESTED: u32 = 1000;

enum LoopFlow {
    On,
    Break,
    Continue,
}

impl<'s> TemplateRun<'s> {
    /// A rendering that has not begun.
    pub fn new(settings: &'s RenderSettings) -> Self {
        Self {
            settings,
            functions: functions::all().map(|function| (function.name, function)).collect(),
            patterns: RefCell::default(),
            steps: Cell::new(settings.steps),
            depth: Cell::new(0),
            included: RefCell::default(),
            texts: RefCell::default(),
        }
    }

    /// The text of a template by its name.
    pub fn template(
        &self,
        scope: &VariableScope<'_>,
        name: &str,
        data: Option<ChartValue>,
    ) -> Result<String, RenderFault> {
        let body = scope.find(name).ok_or_else(|| RenderFault::new(format!("template: no template \"{name}\"")))?;
        self.body(scope, &body, data)
    }

    /// The text of `include`, which may not nest too deep in itself.
    pub fn include(&self, scope: &VariableScope<'_>, name: &Rc<str>, data: &ChartValue) -> Result<String, RenderFault> {
        {
            let mut included = self.included.borrow_mut();
            let count = included.entry(Rc::clone(name)).or_default();
            if *count > NESTED {
                return Err(RenderFault::new(format!(
                    "rendering template has a nested reference name: {name}: unable to execute template"
                )));
            }
            *count += 1;
        }
        let text = self.template(scope, name, Some(data.clone()));
        if let Some(count) = self.included.borrow_mut().get_mut(name) {
            *count -= 1;
        }
        text
    }

    /// The text of `tpl`: of a text that is a template itself.
    pub fn text(&self, scope: &VariableScope<'_>, text: &Rc<str>, data: &ChartValue) -> Result<String, RenderFault> {
        if !text.contains("{{") {
            return Ok(text.replace("<no value>", ""));
        }
        let cached = self.texts.borrow().get(text).cloned();
        let parsed = match cached {
            Some(parsed) => parsed,
            None => self.parse(text)?,
        };
        let mut bodies = BTreeMap::new();
        let mut main = None;
        for (name, body) in parsed.iter() {
            if name.is_empty() {
                main = Some(body);
            } else if !source::is_blank(&body.list) || scope.find(name).is_none() {
                bodies.insert(Rc::clone(name), Rc::clone(body));
            }
        }
        let Some(main) = main else { return Ok(String::new()) };
        let inner = VariableScope { bodies: &bodies, outer: Some(scope) };
        let rendered = self.body(&inner, main, Some(data.clone()))?;
        Ok(rendered.replace("<no value>", ""))
    }

    fn parse(&self, text: &Rc<str>) -> Result<Parsed, RenderFault> {
        self.spend(text.len() / 4)?;
        let read = source::read(&"".into(), text).map_err(|mut fault| {
            fault.what = format!("cannot parse template {}: {}", format::quoted(text), fault.what);
            fault.file = None;
            fault.line = None;
            fault
        })?;
        let list: Vec<_> =
            read.into_iter().map(|(name, list)| (name, Rc::new(TemplateBody { file: None, list }))).collect();
        let parsed = Rc::new(list);
        self.texts.borrow_mut().insert(Rc::clone(text), Rc::clone(&parsed));
        Ok(parsed)
    }

    fn body(
        &self,
        scope: &VariableScope<'_>,
        body: &TemplateBody,
        data: Option<ChartValue>,
    ) -> Result<String, RenderFault> {
        let depth = self.depth.get();
        if depth >= DEPTH {
            return Err(RenderFault::new(format!("templates call each other more than {DEPTH} deep")));
        }
        self.depth.set(depth + 1);
        let variables = vec![(SmolStr::new("$"), data.clone())];
        let mut frame = TemplateFrame { scope, variables, file: body.file.clone(), out: String::new() };
        let flow = self.list(&mut frame, data.as_ref(), &body.list);
        self.depth.set(depth);
        frame.forget(0);
        flow?;
        Ok(frame.out)
    }

    fn list(
        &self,
        frame: &mut TemplateFrame<'_>,
        dot: Option<&ChartValue>,
        list: &ListNode,
    ) -> Result<LoopFlow, RenderFault> {
        stacker::maybe_grow(128 << 10, 2 << 20, || {
            for node in &list.nodes {
                match self.node(frame, dot, node)? {
                    LoopFlow::On => {}
                    flow => return Ok(flow),
                }
            }
            Ok(LoopFlow::On)
        })
    }

    fn node(
        &self,
        frame: &mut TemplateFrame<'_>,
        dot: Option<&ChartValue>,
        node: &Node,
    ) -> Result<LoopFlow, RenderFault> {
        self.spend(1)?;
        match node {
            Node::Text(text) => self.write(frame, &text.text)?,
            Node::Action(action) => {
                let value = pipeline::evaluate(self, frame, dot, &action.pipe)?;
                if action.pipe.decl.is_empty() {
                    let text = format::printed(value.as_ref());
                    self.write(frame, &text).map_err(|fault| frame.placed(fault, action.pos))?;
                }
                bury(value.unwrap_or_default());
            }
            Node::If(it) => return self.conditional(frame, dot, it, false),
            Node::With(it) => return self.conditional(frame, dot, it, true),
            Node::Range(it) => {
                let depth = frame.variables.len();
                let flow = self.range(frame, dot, it).map_err(|fault| frame.placed(fault, it.pos));
                frame.forget(depth);
                return flow;
            }
            Node::Template(call) => {
                let data = match &call.pipe {
                    Some(pipe) => pipeline::evaluate(self, frame, dot, pipe)?,
                    None => None,
                };
                let text =
                    self.template(frame.scope, &call.name, data).map_err(|fault| frame.placed(fault, call.pos))?;
                self.write(frame, &text)?;
            }
            Node::List(list) => return self.list(frame, dot, list),
            Node::Define(_) => {}
            Node::Break(_) => return Ok(LoopFlow::Break),
            Node::Continue(_) => return Ok(LoopFlow::Continue),
        }
        Ok(LoopFlow::On)
    }

    fn write(&self, frame: &mut TemplateFrame<'_>, text: &str) -> Result<(), RenderFault> {
        self.spend(text.len() / 16)?;
        if frame.out.len() + text.len() > self.settings.output {
            return Err(self.too_long());
        }
        frame.out.push_str(text);
        Ok(())
    }

    fn conditional(
        &self,
        frame: &mut TemplateFrame<'_>,
        dot: Option<&ChartValue>,
        it: &BranchNode,
        with: bool,
    ) -> Result<LoopFlow, RenderFault> {
        let depth = frame.variables.len();
        let value = pipeline::evaluate(self, frame, dot, &it.pipe)?;
        let truth = self.truth(value.as_ref(), if with { "with" } else { "if" });
        let flow = if truth.map_err(|fault| frame.placed(fault, it.pos))? {
            self.list(frame, if with { value.as_ref() } else { dot }, &it.body)
        } else if let Some(other) = &it.else_body {
            self.list(frame, dot, other)
        } else {
            Ok(LoopFlow::On)
        };
        frame.forget(depth);
        flow
    }

    fn range(
        &self,
        frame: &mut TemplateFrame<'_>,
        dot: Option<&ChartValue>,
        it: &BranchNode,
    ) -> Result<LoopFlow, RenderFault> {
        let value = pipeline::evaluate(self, frame, dot, &it.pipe)?;
        let mut turns = fields::turns(value.as_ref(), it.pipe.decl.len()).map_err(|what| match what {
            fields::NoTurns::Unknown(of) => unknown::decides("range", &of),
            fields::NoTurns::Fault(what) => RenderFault::new(what),
        })?;
        let depth = frame.variables.len();
        let mut any = false;
        while let Some((index, element)) = turns.next() {
            any = true;
            self.spend(1)?;
            bind(frame, it, depth, index, Some(&element));
            let flow = self.list(frame, Some(&element), &it.body)?;
            frame.forget(depth);
            if matches!(flow, LoopFlow::Break) {
                break;
            }
        }
        match &it.else_body {
            Some(other) if !any => self.list(frame, dot, other),
            _ => Ok(LoopFlow::On),
        }
    }
}

/// Gives the variables of a `range` what they are in this turn.
fn bind(
    frame: &mut TemplateFrame<'_>,
    it: &BranchNode,
    depth: usize,
    index: Option<ChartValue>,
    element: Option<&ChartValue>,
) {
    let decl = &it.pipe.decl;
    let values: &[Option<ChartValue>] = &match decl.len() {
        0 => return,
        1 => vec![element.cloned()],
        _ => vec![index, element.cloned()],
    };
    for (at, (name, value)) in decl.iter().zip(values).enumerate() {
        if it.pipe.is_assign {
            pipeline::assign(frame, name, value.clone());
        } else if let Some(slot) = (depth + at).checked_sub(decl.len()).and_then(|slot| frame.variables.get_mut(slot)) {
            slot.1.clone_from(value);
        }
    }
}
