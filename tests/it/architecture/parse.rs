//! What a file's code names: its imports, and every other path that stands in it.

/// A word or a mark of the code, and the line that it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    pub line: usize,
}

/// One name that a `use` brings in.
#[derive(Clone, Debug)]
pub struct Import {
    /// The module that the `use` stands in.
    pub module: Vec<String>,
    /// What it names, as it is written.
    pub path: Vec<String>,
    /// What the name becomes in this module; none when everything in it is imported.
    pub name: Option<String>,
    /// Whether it is a re-export.
    pub public: bool,
    pub line: usize,
}

/// A path that stands somewhere else in the code, at least one word.
#[derive(Clone, Debug)]
pub struct Mention {
    /// The module that it stands in.
    pub module: Vec<String>,
    pub path: Vec<String>,
    pub line: usize,
}

/// All that a file names.
#[derive(Debug, Default)]
pub struct Names {
    pub imports: Vec<Import>,
    pub mentions: Vec<Mention>,
    /// The modules that it is: its own, and those that stand in it.
    pub modules: Vec<Vec<String>>,
}

/// The words and marks of code. `::` is one mark.
pub fn tokens(code: &str) -> Vec<Token> {
    let chars: Vec<char> = code.chars().collect();
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    let word = |c: char| c.is_alphanumeric() || c == '_';
    while at < chars.len() {
        let end = match chars[at] {
            c if word(c) => (at..chars.len()).find(|at| !word(chars[*at])).unwrap_or(chars.len()),
            ':' if chars.get(at + 1) == Some(&':') => at + 2,
            _ => at + 1,
        };
        if !chars[at].is_whitespace() {
            tokens.push(Token { text: chars[at..end].iter().collect(), line });
        }
        line += usize::from(chars[at] == '\n');
        at = end;
    }
    tokens
}

/// Reads what the code of a module names.
pub fn names(code: &str, module: &[String]) -> Names {
    let tokens = tokens(code);
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let mut names = Names { modules: vec![module.to_vec()], ..Names::default() };
    let mut here = module.to_vec();
    // How deep in braces each module that stands in the file began.
    let (mut open, mut depth) = (Vec::new(), 0);
    let mut at = 0;
    while at < tokens.len() {
        match text(at) {
            "mod" if is_word(text(at + 1)) && text(at + 2) == "{" => {
                here.push(text(at + 1).to_owned());
                names.modules.push(here.clone());
                open.push(depth);
                depth += 1;
                at += 3;
            }
            "mod" if is_word(text(at + 1)) => at += 2,
            "use" if text(at + 1) != "<" => {
                let public = at > 0 && ["pub", ")"].contains(&text(at - 1));
                let end = (at..tokens.len()).find(|at| text(*at) == ";").unwrap_or(tokens.len());
                let mut import =
                    Import { module: here.clone(), path: vec![], name: None, public, line: tokens[at].line };
                tree(&tokens[at + 1..end], &mut import, &mut names.imports);
                at = end + 1;
            }
            // The path in a visibility, `pub(in path)`, is not used by that.
            "(" if text(at + 1) == "in" => at = (at..tokens.len()).find(|at| text(*at) == ")").unwrap_or(tokens.len()),
            first if is_word(first) && !(at > 0 && [".", "::", "'"].contains(&text(at - 1))) => {
                let line = tokens[at].line;
                let mut path = vec![first.to_owned()];
                while text(at + 1) == "::" && is_word(text(at + 2)) {
                    path.push(text(at + 2).to_owned());
                    at += 2;
                }
                names.mentions.push(Mention { module: here.clone(), path, line });
                at += 1;
            }
            other => {
                depth += usize::from(other == "{");
                if other == "}" {
                    depth = depth.saturating_sub(1);
                    if open.last() == Some(&depth) {
                        open.pop();
                        here.pop();
                    }
                }
                at += 1;
            }
        }
    }
    names
}

/// Takes one branch of a `use` after the other: `a::{b, c as d, e::*}`. Returns where it ends.
fn tree(tokens: &[Token], import: &mut Import, found: &mut Vec<Import>) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text.as_str());
    let depth = import.path.len();
    let mut at = 0;
    loop {
        match text(at) {
            "::" => at += 1,
            "{" => {
                at += 1;
                while at < tokens.len() && text(at) != "}" {
                    at += tree(&tokens[at..], import, found);
                    at += usize::from(text(at) == ",");
                }
                at += 1;
                break;
            }
            "*" => {
                found.push(Import { name: None, ..import.clone() });
                at += 1;
                break;
            }
            word if is_word(word) => {
                // `self` behind a path is that path.
                if word != "self" || import.path.is_empty() {
                    import.path.push(word.to_owned());
                }
                at += 1;
                if text(at) != "::" {
                    let renamed = text(at) == "as";
                    let name = if renamed { Some(text(at + 1).to_owned()) } else { import.path.last().cloned() };
                    at += if renamed { 2 } else { 0 };
                    found.push(Import { name, ..import.clone() });
                    break;
                }
            }
            _ => break,
        }
    }
    import.path.truncate(depth);
    at
}

fn is_word(text: &str) -> bool {
    text.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_')
}
