//! The code of source files: comments, texts and unit tests become blanks, so that every line keeps its number.

use std::path::Path;

/// One file below `src/`.
pub struct SourceFile {
    /// Its path below `src/`: `plan/decide.rs`.
    pub path: String,
    /// The module that it is, from the root of the crate.
    pub module: Vec<String>,
    /// Its code.
    pub code: String,
}

impl SourceFile {
    /// A file with this path below `src/` and this text.
    pub fn new(path: &str, text: &str) -> Self {
        let parts = path.trim_end_matches(".rs").split('/').map(str::to_owned);
        let module = parts.filter(|part| part != "mod" && part != "lib").collect();
        Self { path: path.to_owned(), module, code: without_tests(&without_prose(text)) }
    }
}

/// Every file of the library below a folder, ordered by path.
pub fn read(folder: &Path) -> Vec<SourceFile> {
    let mut files = Vec::new();
    for file in super::sources(folder) {
        let path = file.strip_prefix(folder).expect("below the folder").to_string_lossy().replace('\\', "/");
        // The program is a crate of its own, of a few lines.
        if path != "main.rs" {
            files.push(SourceFile::new(&path, &std::fs::read_to_string(&file).expect("readable")));
        }
    }
    files
}

/// The text with its comments, strings and characters blanked.
fn without_prose(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = prose(&chars, at);
        match end {
            Some(end) => chars[at..end].iter().for_each(|c| code.push(if *c == '\n' { '\n' } else { ' ' })),
            None => code.push(chars[at]),
        }
        at = end.unwrap_or(at + 1);
    }
    code
}

/// Where a comment, a string or a character that begins here ends.
fn prose(chars: &[char], at: usize) -> Option<usize> {
    let starts = |from: usize, text: &str| text.chars().enumerate().all(|(n, c)| chars.get(from + n) == Some(&c));
    let find = |from: usize, text: &str| {
        let found = (from..chars.len()).find(|at| starts(*at, text));
        found.map_or(chars.len(), |at| at + text.len())
    };
    if starts(at, "//") {
        return Some((at..chars.len()).find(|at| chars[*at] == '\n').unwrap_or(chars.len()));
    }
    if starts(at, "/*") {
        let (mut depth, mut end) = (1, at + 2);
        while depth > 0 && end < chars.len() {
            let step = [("/*", 1), ("*/", -1)].into_iter().find(|(text, _)| starts(end, text));
            depth += step.map_or(0, |(_, change)| change);
            end += if step.is_some() { 2 } else { 1 };
        }
        return Some(end);
    }
    let inside_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    if !inside_word && (starts(at, "r") || starts(at, "br")) {
        let open = at + if chars[at] == 'b' { 2 } else { 1 };
        let marks = chars[open..].iter().take_while(|c| **c == '#').count();
        if chars.get(open + marks) == Some(&'"') {
            return Some(find(open + marks + 1, &format!("\"{}", "#".repeat(marks))));
        }
    }
    match chars[at] {
        '"' => {
            let mut end = at + 1;
            while end < chars.len() && chars[end] != '"' {
                end += if chars[end] == '\\' { 2 } else { 1 };
            }
            Some((end + 1).min(chars.len()))
        }
        '\'' if chars.get(at + 1) == Some(&'\\') => Some(find(at + 3, "'")),
        // Any other apostrophe begins a lifetime.
        '\'' if chars.get(at + 2) == Some(&'\'') => Some(at + 3),
        _ => None,
    }
}

/// Code with each item blanked that is compiled for tests only.
fn without_tests(code: &str) -> String {
    let mut code = code.to_owned();
    while let Some(start) = code.find("#[cfg(test)]") {
        let mut depth = 0;
        let mut end = code.len();
        for (at, c) in code[start..].char_indices().skip_while(|(at, _)| *at < "#[cfg(test)]".len()) {
            match c {
                '{' | '(' | '[' => depth += 1,
                '}' | ')' | ']' => depth -= 1,
                _ => {}
            }
            if depth == 0 && (c == ';' || c == '}') {
                end = start + at + 1;
                break;
            }
        }
        let blank: String = code[start..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect();
        code.replace_range(start..end, &blank);
    }
    code
}
