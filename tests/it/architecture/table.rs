//! The table of modules, as the documentation of the crate and `docs/architecture.md` show it.

/// One row: a module of the crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub module: String,
    pub pure: Pure,
}

/// How much of a module is pure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pure {
    Yes,
    No,
    /// Only these files in it.
    Files(Vec<String>),
}

impl Row {
    /// Whether a file, by its path below `src/`, has to be pure.
    pub fn holds(&self, path: &str) -> bool {
        let own = top(path) == self.module;
        match &self.pure {
            Pure::Yes => own,
            Pure::No => false,
            Pure::Files(files) => own && files.iter().any(|file| path == format!("{}/{file}", self.module)),
        }
    }
}

/// The module right below the root that a file belongs to.
pub fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// The rows of the table whose head begins with `module` and ends with `pure`, whether it stands in comments or not.
pub fn rows(text: &str) -> Vec<Row> {
    let lines = text.lines().map(|line| line.trim_start_matches("//!").trim());
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace(['`', '[', ']'], "")).collect()
    };
    let table = lines.skip_while(|line| !(line.starts_with("| module |") && line.ends_with("| pure |")));
    table
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| {
            let cells = cells(line);
            let pure = match cells.last().map_or("", String::as_str) {
                "yes" => Pure::Yes,
                "" | "no" => Pure::No,
                files => Pure::Files(files.split(", ").map(str::to_owned).collect()),
            };
            Row { module: cells[0].trim_end_matches(".rs").trim_end_matches('/').to_owned(), pure }
        })
        .collect()
}

/// The modules that the root of the crate declares.
pub fn declared(code: &str) -> Vec<String> {
    let lines = code.lines().map(|line| line.trim().trim_start_matches("pub "));
    lines.filter_map(|line| Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned())).collect()
}
