//! The nodes of a document, with its anchors and aliases, before any scalar is looked at.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, Span, StrInput, StructureStyle, Tag};

use super::source::{Wrong, as_far_as_written, is_behind_tab, readable, repaired};
use crate::render::fault::RenderFault;

/// How deep lists and maps may be within each other.
const DEPTH: usize = 200;
/// How many bytes a text may have.
const SIZE: usize = 64 << 20;

/// A node of a document.
#[derive(Debug)]
pub(super) struct YamlNode {
    pub line: usize,
    pub tag: Option<String>,
    pub kind: NodeKind,
}

/// What a node holds.
#[derive(Debug)]
pub(super) enum NodeKind {
    Scalar { text: String, plain: bool },
    List(Vec<Rc<YamlNode>>),
    Map(Vec<(Rc<YamlNode>, Rc<YamlNode>)>),
    Alias(Rc<YamlNode>),
}

/// The first document of a text, if it has any. What follows that document is not looked at.
pub(super) fn first(text: &str) -> Result<Option<Rc<YamlNode>>, RenderFault> {
    repaired(text, |text| Builder::new(text)?.document())
}

/// All documents of a text.
pub(super) fn all(text: &str) -> Result<Vec<Rc<YamlNode>>, RenderFault> {
    repaired(text, |text| {
        let mut builder = Builder::new(text)?;
        let mut documents = Vec::new();
        while let Some(document) = builder.document()? {
            documents.push(document);
        }
        Ok(documents)
    })
}

/// The keys that stand twice in a map below a node.
pub(super) fn doubled(node: &YamlNode, at: &str, found: &mut Vec<String>) {
    match &node.kind {
        NodeKind::List(items) => {
            items.iter().enumerate().for_each(|(place, item)| doubled(item, &format!("{at}[{place}]"), found));
        }
        NodeKind::Map(entries) => {
            let mut known: HashSet<&str> = HashSet::new();
            for (key, value) in entries {
                let NodeKind::Scalar { text, .. } = &key.kind else { continue };
                let path = if at.is_empty() { text.clone() } else { format!("{at}.{text}") };
                doubled(value, &path, found);
                if !known.insert(text) && text != "<<" {
                    found.push(path);
                }
            }
        }
        // What an alias stands for is looked at where it is.
        NodeKind::Scalar { .. } | NodeKind::Alias(_) => {}
    }
}

struct Builder<'a> {
    text: &'a str,
    parser: Parser<'a, StrInput<'a>>,
    anchors: HashMap<usize, Rc<YamlNode>>,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str) -> Result<Self, Wrong> {
        if text.len() > SIZE {
            return Err(RenderFault::new("the YAML text is larger than 64 MiB").into());
        }
        if let Some((at, c)) = text.char_indices().find(|(_, c)| !readable(*c)) {
            let line = text[..at].matches('\n').count() + 1;
            return Err(at_line(line, format!("YAML has no character U+{:04X}", u32::from(c))).into());
        }
        let mut options = granit_parser::options! { flow_nesting_limit: DEPTH, block_nesting_limit: DEPTH };
        options.set_emit_comments(false);
        Ok(Self { text, parser: Parser::new_from_str_with_options(text, options), anchors: HashMap::new() })
    }

    fn next(&mut self) -> Result<Option<(Event<'a>, Span)>, Wrong> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok(event)) => Ok(Some(event)),
            Some(Err(error)) => Err(Wrong {
                fault: at_line(error.marker().line(), error.info()),
                comment: matches!(error.kind(), ErrorKind::CommentNotSeparated).then(|| error.marker().index()),
            }),
        }
    }

    fn document(&mut self) -> Result<Option<Rc<YamlNode>>, Wrong> {
        loop {
            match self.next()? {
                None | Some((Event::StreamEnd, _)) => return Ok(None),
                Some((Event::DocumentStart(..), _)) => break,
                Some(_) => {}
            }
        }
        self.anchors.clear();
        self.root().map(Some)
    }

    /// Builds the nodes of a document, with the open lists and maps on a stack of its own.
    fn root(&mut self) -> Result<Rc<YamlNode>, Wrong> {
        let mut open: Vec<Open> = Vec::new();
        while let Some((event, span)) = self.next()? {
            let line = span.start.line();
            let in_brackets = open.last().is_some_and(|parent| parent.brackets);
            if !in_brackets && is_behind_tab(self.text, span.start.byte_offset()) {
                return Err(at_line(line, "a tab stands where only blanks may indent".to_owned()).into());
            }
            let (kind, anchor, tag, line) = match event {
                Event::Alias(id) => {
                    let target = self.anchors.get(&id).cloned();
                    let fault = || at_line(line, "the value of an anchor contains itself".to_owned());
                    (NodeKind::Alias(target.ok_or_else(fault)?), 0, None, line)
                }
                Event::Scalar(text, style, anchor, tag) => {
                    let text = match style {
                        ScalarStyle::Literal | ScalarStyle::Folded => as_far_as_written(&text, self.text, &span),
                        _ => text.into_owned(),
                    };
                    let kind = NodeKind::Scalar { text, plain: style == ScalarStyle::Plain };
                    (kind, anchor, tag.as_deref().map(name_of), line)
                }
                Event::SequenceStart(..) | Event::MappingStart(..) if open.len() >= DEPTH => {
                    return Err(at_line(line, "lists and maps are too deep within each other".to_owned()).into());
                }
                Event::SequenceStart(style, anchor, tag) => {
                    open.push(Open::new(false, style, anchor, tag.as_deref(), line));
                    continue;
                }
                Event::MappingStart(style, anchor, tag) => {
                    open.push(Open::new(true, style, anchor, tag.as_deref(), line));
                    continue;
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let Some(done) = open.pop() else { break };
                    (kind_of(done.nodes, done.map), done.anchor, done.tag, done.line)
                }
                _ => break,
            };
            let node = Rc::new(YamlNode { line, tag, kind });
            if anchor != 0 {
                self.anchors.insert(anchor, Rc::clone(&node));
            }
            match open.last_mut() {
                Some(parent) => parent.nodes.push(node),
                None => return Ok(node),
            }
        }
        Err(RenderFault::new("the YAML text ends within a value").into())
    }
}

/// A list or a map that has not ended yet; of a map, keys and values by turns.
struct Open {
    map: bool,
    brackets: bool,
    anchor: usize,
    tag: Option<String>,
    line: usize,
    nodes: Vec<Rc<YamlNode>>,
}

impl Open {
    fn new(map: bool, style: StructureStyle, anchor: usize, tag: Option<&Tag>, line: usize) -> Self {
        let brackets = style == StructureStyle::Flow;
        Self { map, brackets, anchor, tag: tag.map(name_of), line, nodes: Vec::new() }
    }
}

fn kind_of(nodes: Vec<Rc<YamlNode>>, map: bool) -> NodeKind {
    if !map {
        return NodeKind::List(nodes);
    }
    let mut entries = Vec::with_capacity(nodes.len() / 2);
    let mut nodes = nodes.into_iter();
    while let (Some(key), Some(value)) = (nodes.next(), nodes.next()) {
        entries.push((key, value));
    }
    NodeKind::Map(entries)
}

fn name_of(tag: &Tag) -> String {
    let (handle, suffix) = tag.parts();
    format!("{handle}{suffix}")
}

pub(super) fn at_line(line: usize, what: String) -> RenderFault {
    let mut fault = RenderFault::new(what);
    fault.line = Some(line);
    fault
}
