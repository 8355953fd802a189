//! Reads the text of a template: guards and helps the parser, then checks what Go's parser would check.

use std::rc::Rc;

use gotmpl::parse::{Expr, ListNode, Node, Parser};

use super::check;
use crate::render::fault::RenderFault;

/// More branches in one template than any chart has; the parser goes one call deeper for each `else if`.
const BRANCHES: usize = 400;

/// The templates that a text has: the text itself under the name given, and each one that it defines.
pub fn read(name: &Rc<str>, text: &str) -> Result<Vec<(Rc<str>, ListNode)>, RenderFault> {
    let prepared = prepare(text).map_err(|fault| placed(fault, name))?;
    let parsed = Parser::new(&prepared, "{{", "}}").and_then(Parser::parse);
    let (list, defines) = parsed.map_err(|error| placed(parse_fault(&error), name))?;
    let mut all = Vec::with_capacity(defines.len() + 1);
    for define in defines {
        all.push((Rc::from(define.name.as_str()), define.body));
    }
    all.push((Rc::clone(name), list));
    for (_, list) in &all {
        check::template(list).map_err(|fault| placed(fault, name))?;
    }
    Ok(all)
}

/// Whether a template is nothing but blanks and comments.
pub fn is_blank(list: &ListNode) -> bool {
    list.nodes.iter().all(|node| match node {
        Node::Text(text) => text.text.chars().all(char::is_whitespace),
        Node::List(list) => is_blank(list),
        Node::Action(action) => is_comment(&action.pipe.commands),
        _ => false,
    })
}

/// Comments are turned into empty texts before the parser sees them, so an empty text counts as a comment.
fn is_comment(commands: &[gotmpl::parse::CommandNode]) -> bool {
    match commands {
        [command] => matches!(command.args.as_slice(), [Expr::String(_, text)] if text.is_empty()),
        _ => false,
    }
}

fn placed(mut fault: RenderFault, name: &Rc<str>) -> RenderFault {
    fault.file = Some(name.to_string());
    fault
}

fn parse_fault(error: &gotmpl::TemplateError) -> RenderFault {
    use gotmpl::TemplateError::{Lex, Parse};
    let (what, line) = match error {
        Lex { line, message, .. } | Parse { line, message, .. } => (message.clone(), Some(*line)),
        other => (other.to_string(), None),
    };
    let mut fault = RenderFault::new(format!("parse error: {what}"));
    fault.line = line.filter(|line| *line > 0);
    fault
}

/// Checks that every block has its end, which the parser does not, and writes comments as actions that print nothing, because the
/// lexer lets a comment that trims to its left trim to its right too.
fn prepare(text: &str) -> Result<String, RenderFault> {
    let mut out = String::with_capacity(text.len());
    let mut open: Vec<TemplateBlock> = Vec::new();
    let mut at = 0;
    let mut line = 1;
    while let Some(found) = text[at..].find("{{") {
        let start = at + found;
        out.push_str(&text[at..start]);
        line += breaks(&text[at..start]);
        let fault = |what: &str| lined(format!("parse error: {what}"), line);
        let action = TemplateAction::read(&text[start..]).map_err(fault)?;
        let whole = &text[start..start + action.len];
        if action.comment {
            out.push_str(if action.trims_left { "{{- \"\"" } else { "{{\"\"" });
            out.extend(whole.chars().filter(|c| *c == '\n'));
            out.push_str(if whole.ends_with("-}}") { " -}}" } else { "}}" });
        } else {
            balance(&mut open, &action, line)?;
            out.push_str(whole);
        }
        at = start + action.len;
        line += breaks(whole);
    }
    if let Some(block) = open.last() {
        return Err(lined(
            format!("parse error: unexpected EOF: the {} of line {} has no end", block.word, block.line),
            block.line,
        ));
    }
    out.push_str(&text[at..]);
    Ok(out)
}

fn breaks(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

fn lined(what: String, line: usize) -> RenderFault {
    let mut fault = RenderFault::new(what);
    fault.line = Some(line);
    fault
}

/// A block that waits for its end.
struct TemplateBlock {
    word: &'static str,
    line: usize,
    /// Whether its plain `else` was there.
    closed: bool,
    /// How many times it was continued by `else if` or `else with`.
    branches: usize,
}

fn balance(open: &mut Vec<TemplateBlock>, action: &TemplateAction<'_>, line: usize) -> Result<(), RenderFault> {
    let mut begin = |word: &'static str| open.push(TemplateBlock { word, line, closed: false, branches: 0 });
    match action.word {
        "if" => begin("if"),
        "range" => begin("range"),
        "with" => begin("with"),
        "block" => begin("block"),
        "define" if open.is_empty() => open.push(TemplateBlock { word: "define", line, closed: false, branches: 0 }),
        "define" => return Err(lined("parse error: unexpected {{define}} within another block".into(), line)),
        "end" if open.pop().is_none() => return Err(lined("parse error: unexpected {{end}}".into(), line)),
        "else" => return other_branch(open, action, line),
        "break" | "continue" if !in_loop(open) => {
            return Err(lined(format!("parse error: {{{{{}}}}} outside {{{{range}}}}", action.word), line));
        }
        _ => {}
    }
    Ok(())
}

fn in_loop(open: &[TemplateBlock]) -> bool {
    open.iter()
        .rev()
        .take_while(|block| block.word != "define" && block.word != "block")
        .any(|block| block.word == "range")
}

fn other_branch(open: &mut [TemplateBlock], action: &TemplateAction<'_>, line: usize) -> Result<(), RenderFault> {
    let unexpected = || lined("parse error: unexpected {{else}}".into(), line);
    let block = open.last_mut().ok_or_else(unexpected)?;
    if block.closed || !matches!(block.word, "if" | "range" | "with") {
        return Err(unexpected());
    }
    match action.next_word {
        "" => block.closed = true,
        // Go lets an `if` go on only by `else if`, and a `with` only by `else with`.
        word if word == block.word && word != "range" => block.branches += 1,
        _ => return Err(unexpected()),
    }
    if block.branches > BRANCHES {
        return Err(lined(format!("more than {BRANCHES} branches in one if"), line));
    }
    Ok(())
}

/// One action with its delimiters, as much as is needed here.
struct TemplateAction<'a> {
    len: usize,
    comment: bool,
    trims_left: bool,
    word: &'a str,
    next_word: &'a str,
}

impl<'a> TemplateAction<'a> {
    fn read(text: &'a str) -> Result<Self, &'static str> {
        let trims_left = text[2..].starts_with('-') && text[3..].starts_with([' ', '\t', '\r', '\n']);
        let inner = if trims_left { text[3..].trim_start_matches([' ', '\t', '\r', '\n']) } else { &text[2..] };
        let before = text.len() - inner.len();
        if let Some(rest) = inner.strip_prefix("/*") {
            let end = rest.find("*/").ok_or("unclosed comment")? + before + 4;
            let after = &text[end..];
            let trimmed = after.trim_start_matches([' ', '\t', '\r', '\n']);
            let len = if after.starts_with("}}") {
                end + 2
            } else if trimmed.len() < after.len() && trimmed.starts_with("-}}") {
                text.len() - trimmed.len() + 3
            } else {
                return Err("comment ends before closing delimiter");
            };
            return Ok(Self { len, comment: true, trims_left, word: "", next_word: "" });
        }
        if inner.trim_start_matches([' ', '\t', '\r', '\n']).starts_with("/*") {
            return Err("unexpected \"/\" in command");
        }
        let len = before + end_of(inner)?;
        let words = inner[..len - before].trim_start_matches([' ', '\t', '\r', '\n']);
        let (word, rest) = word(words);
        let next_word = self::word(rest.trim_start_matches([' ', '\t', '\r', '\n'])).0;
        Ok(Self { len, comment: false, trims_left, word, next_word })
    }
}

fn word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    text.split_at(end)
}

/// How long the rest of an action is with its closing delimiter, which texts in quotes can hold too.
fn end_of(text: &str) -> Result<usize, &'static str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'}' if bytes.get(at + 1) == Some(&b'}') => return Ok(at + 2),
            quote @ (b'"' | b'\'') => {
                at += 1;
                while bytes.get(at).is_some_and(|byte| *byte != quote) {
                    if bytes[at] == b'\n' {
                        return Err("unterminated quoted string");
                    }
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'`' => at += 1 + text[at + 1..].find('`').ok_or("unterminated raw quoted string")?,
            _ => {}
        }
        at += 1;
    }
    Err("unclosed action")
}
