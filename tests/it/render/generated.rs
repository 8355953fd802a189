//! Templates that nobody wrote: every function with arguments of fitting types, within each other, compared with Helm.
//! `ATLAS_SEED` and `ATLAS_SEEDS` choose other ones, and how many.

use atlas::render::template::signatures;

use super::templates::{Helm, ours};

/// What differs from one run to the next, needs a cluster, or ends the rendering.
const APART: [&str; 36] = [
    "ago",
    "bcrypt",
    "buildCustomCert",
    "date",
    "dateInZone",
    "date_in_zone",
    "decryptAES",
    "derivePassword",
    "encryptAES",
    "fail",
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "getHostByName",
    "htmlDate",
    "htmlDateInZone",
    "htpasswd",
    "include",
    "keys",
    "lookup",
    "now",
    "randAlpha",
    "randAlphaNum",
    "randAscii",
    "randBytes",
    "randInt",
    "randNumeric",
    "required",
    "shuffle",
    "tpl",
    "uuidv4",
    "values",
];

/// What is known to differ, as `docs/charts.md` says: the words of errors that a function answers, lists that are nothing in Go, times
/// and lengths of time as YAML, versions as numbers, maps of
/// texts that are merged into others, and the types of lists. The tests of functions hold the rest of them.
const OTHERWISE: [&str; 33] = [
    "typeOf",
    "typeIs",
    "typeIsLike",
    "fromToml",
    "toToml",
    "fromJson",
    "fromJsonArray",
    "mustFromJson",
    "fromYaml",
    "fromYamlArray",
    "regexFindAll",
    "mustRegexFindAll",
    "regexSplit",
    "mustRegexSplit",
    "concat",
    "toDate",
    "mustToDate",
    "dateModify",
    "date_modify",
    "mustDateModify",
    "must_date_modify",
    "toDuration",
    "mustToDuration",
    "durationRoundTo",
    "durationTruncateTo",
    "mustDurationRoundTo",
    "rest",
    "mustRest",
    "split",
    "splitn",
    "initial",
    "mustInitial",
    "semver",
];

/// How many of those that are refused here Helm is asked about, one by one.
const REFUSED: usize = 150;

#[test]
fn generated_templates_come_to_what_helm_makes_of_them() {
    let Some(helm) = Helm::new() else { return };
    let (seed, count) = (super::number("ATLAS_SEED", 1), super::number("ATLAS_SEEDS", 20_000));
    let functions: Vec<_> =
        signatures().filter(|(name, ..)| !APART.contains(name) && !OTHERWISE.contains(name)).collect();
    let mut writer = TemplateWriter { dice: seed, functions };
    let templates: Vec<String> = (0..count).map(|_| writer.template()).collect();
    let (good, refused): (Vec<_>, Vec<_>) =
        templates.iter().map(|template| (template, ours(template))).partition(|(_, ours)| ours.is_ok());
    let mut wrong = Vec::new();
    for some in good.chunks(500) {
        let theirs = helm.all(&some.iter().map(|(template, _)| *template).collect::<Vec<_>>());
        for ((template, ours), theirs) in some.iter().zip(theirs) {
            // A list has one type here, which shows where `printf` complains of it.
            let typed = theirs.as_ref().is_ok_and(|text| text.contains("[]int") || text.contains("[]string"));
            if theirs.as_ref().ok() != ours.as_ref().ok() && !typed {
                wrong.push(format!("{template}\n  ours:   {ours:?}\n  theirs: {theirs:?}"));
            }
        }
    }
    for (template, ours) in refused.iter().take(REFUSED) {
        if let Ok(theirs) = helm.several(&[template]) {
            wrong.push(format!("{template}\n  ours:   {ours:?}\n  theirs: {theirs:?}"));
        }
    }
    let report = format!("seed {seed}: {count} templates, {} of them refused, {} differ", refused.len(), wrong.len());
    println!("{report}");
    wrong.truncate(40);
    assert!(wrong.is_empty(), "{report}\n{}", wrong.join("\n"));
}

/// Writes templates at random.
struct TemplateWriter {
    dice: u64,
    functions: Vec<(&'static str, Vec<&'static str>, Option<&'static str>)>,
}

impl TemplateWriter {
    fn below(&mut self, limit: usize) -> usize {
        self.dice = self.dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.dice >> 33).unwrap_or(0) % limit.max(1)
    }

    fn one(&mut self, of: &[&'static str]) -> String {
        of[self.below(of.len())].to_owned()
    }

    /// A value, as text and as JSON, in one of the ways in which templates come to one.
    fn template(&mut self) -> String {
        let value = self.call(2);
        match self.below(8) {
            0 => format!(
                "{{{{ range $i, $x := {} }}}}{{{{ $i }}}}={{{{ $x }}}},{{{{ else }}}}none{{{{ end }}}}",
                self.list(1)
            ),
            1 => format!("{{{{ with {value} }}}}{{{{ . | toJson }}}}{{{{ else }}}}none{{{{ end }}}}"),
            2 => format!("{{{{ if {value} }}}}yes{{{{ else if {} }}}}maybe{{{{ else }}}}no{{{{ end }}}}", self.any(1)),
            3 => format!("{{{{- {value} | toYaml | nindent {} -}}}}", self.below(5)),
            4 => format!("{{{{ printf \"%v %q %s %d\" {value} {} {} {} }}}}", self.text(1), self.any(1), self.any(1)),
            _ => format!("{{{{ $x := {value} }}}}{{{{ printf \"%v\" $x }}}}~{{{{ $x | toJson }}}}"),
        }
    }

    /// A call of any function.
    fn call(&mut self, depth: usize) -> String {
        let at = self.below(self.functions.len());
        let (name, fixed, rest) = self.functions[at].clone();
        let mut text = format!("({name}");
        let more = rest.map_or(0, |_| self.below(4));
        for parameter in fixed.into_iter().chain(std::iter::repeat_n(rest.unwrap_or_default(), more)) {
            text.push(' ');
            text.push_str(&self.argument(parameter, depth));
        }
        text + ")"
    }

    fn argument(&mut self, parameter: &str, depth: usize) -> String {
        match parameter {
            "string" => self.text(depth),
            "int" | "uint32" => self.one(&["0", "1", "2", "-1", "5", "12", "(int 3.7)", "(len \"four\")"]),
            "float64" => self.one(&["1.5", "-0.25", "3.0", ".Values.frac"]),
            "bool" => self.one(&["true", "false", "(eq 1 1)", "(not true)"]),
            "map[string]interface {}" => self.map(depth),
            "[]interface {}" => self.list(depth),
            "time.Time" => "(toDate \"2006-01-02\" \"2024-02-29\")".to_owned(),
            _ => self.any(depth),
        }
    }

    fn any(&mut self, depth: usize) -> String {
        match self.below(7) {
            0 | 1 => self.text(depth),
            2 => self.list(depth),
            3 => self.map(depth),
            4 if depth > 0 => self.call(depth - 1),
            5 => self.one(&["nil", "true", "false", ".Values.missing", ".Values.i64"]),
            _ => self.one(&["0", "7", "-3", "1.5", "1000000", "(int64 9)", "(float64 2)", "0x1F"]),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        if depth > 0 && self.below(3) == 0 {
            let inner = self.text(depth - 1);
            let how = self.one(&[
                "upper",
                "lower",
                "trim",
                "quote",
                "squote",
                "title",
                "b64enc",
                "trunc 3",
                "trimSuffix \"c\"",
                "replace \"a\" \"b\"",
                "nindent 2",
                "toString",
                "sha256sum",
                "snakecase",
                "camelcase",
            ]);
            return format!("({how} {inner})");
        }
        self.one(&[
            "\"\"",
            "\"abc\"",
            "\"a-b_c d\"",
            "\"Hällo Wörld\"",
            "\" x \"",
            "\"a,b,c\"",
            "\"10\"",
            "\"-2.5\"",
            "\"true\"",
            "\"1.2.3\"",
            "\"v1.10.0-rc.1\"",
            "\"^1.2\"",
            "\"a.b/c:8080\"",
            "\"/usr/lib/x.tar.gz\"",
            "\"https://u:p@h.example:80/p?q=1#f\"",
            "\"{\\\"a\\\": [1, 2.5, null]}\"",
            "\"k: v\\nl: [1, b]\\n\"",
            "\"[a-c]+\"",
            "\"(b)(.)\"",
            "\"line one\\nline two\\n\"",
            "\"1h30m\"",
            "\"YWJj\"",
            "\"0777\"",
            "\"%d of %s\"",
            "\"x\\ty\"",
        ])
    }

    fn list(&mut self, depth: usize) -> String {
        match self.below(6) {
            0 => self.one(&["(list)", "(until 3)", "(splitList \",\" \"a,b,a\")", "(list 3 1 2)"]),
            1 if depth > 0 => format!("(list {} {})", self.any(depth - 1), self.any(depth - 1)),
            2 => format!("(list {})", self.text(0)),
            _ => self.one(&[
                "(list \"a\" \"b\" \"a\" \"\")",
                "(list 1 \"x\" nil true 2.5)",
                "(list (list 1 2) (list))",
                "(list (dict \"a\" 1) (dict \"a\" 2))",
            ]),
        }
    }

    fn map(&mut self, depth: usize) -> String {
        match self.below(5) {
            0 if depth > 0 => format!("(dict \"a\" {} \"b\" {})", self.any(depth - 1), self.any(depth - 1)),
            1 => "(dict)".to_owned(),
            _ => self.one(&[
                "(dict \"a\" 1 \"b\" \"two\")",
                "(dict \"a\" (dict \"b\" (dict \"c\" true)) \"z\" nil)",
                "(dict \"abc\" (list 1 2))",
                "(dict \"x y\" 1.5 \"\" \"empty\")",
            ]),
        }
    }
}
