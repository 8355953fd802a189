//! YAML, read from values and written by `toYaml`, against Helm's own reader and emitter.

use super::harness::Cases;

pub const CHART: &str = "=== Chart.yaml
apiVersion: v2
name: root
version: 0.1.0
=== templates/v.yaml
values:{{ toYaml .Values | nindent 2 }}
";

/// One case for each, since one that is refused would hide all the others.
pub fn each(cases: &Cases, name: &str, texts: &[&str]) {
    for (number, text) in texts.iter().enumerate() {
        cases.same(&format!("{name}-{number} {text:?}"), &format!("{CHART}=== @f\n{text}"), &["-f", "@f"]);
    }
}

const SCALARS: &[&str] = &[
    "y",
    "Y",
    "yes",
    "Yes",
    "YES",
    "yEs",
    "n",
    "No",
    "on",
    "Off",
    "true",
    "True",
    "TRUE",
    "tRUE",
    "false",
    "~",
    "null",
    "Null",
    "NULL",
    "nULL",
    "''",
    "\"\"",
    "0",
    "-0",
    "+1",
    "007",
    "08",
    "0777",
    "0o17",
    "0b101",
    "-0b11",
    "0x1F",
    "-0x1f",
    "1_000",
    "1__0",
    "_1",
    "1_",
    "0x_1",
    "0b",
    "0x",
    "1e3",
    "1E3",
    "1e+3",
    "1.e3",
    ".5",
    "5.",
    ".",
    "-.5",
    "+.5",
    "1.5e-7",
    "1e21",
    "1e20",
    "123456789012345678901",
    "18446744073709551615",
    "9223372036854775808",
    "-9223372036854775808",
    "9007199254740993",
    "12:30",
    "12:30:45",
    "190:20:30.15",
    "1:2",
    "12:60",
    "2001-01-02",
    "2001-1-2",
    "2001-13-01",
    "2001-02-30",
    "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43",
    "2001-12-14T21:59:43Z",
    "2001-12-14 21:59:43.10 -5",
    "1.2.3",
    "1,000",
    "0.1",
    "100.0",
    "1e-5",
    "0.00001",
    "123456.789",
    "1234567.5",
    "1e6",
    "1000000",
    "-1e6",
    "=",
    "<<",
    "!!str 12",
    "!!int \"12\"",
    "!!float 3",
    "!!bool yes",
    "!!null ''",
    "! 12",
    "!custom x",
    "!!binary aGVsbG8=",
    "!!str null",
    "!!int x",
    "\"\\x41\\u00e9\\U0001F600\\n\\t\\0\\e\\_\\N\\L\\P\"",
    "'it''s'",
    "\"a\\\n  b\"",
    "a b",
    "a: b",
    "a #b",
    "a#b",
    "#a",
    "- a",
    "-a",
    "-",
    "?",
    "? a",
    "?a",
    ":a",
    ":",
    "a:",
    "@a",
    "`a",
    "%a",
    "&a b",
    "*a",
    "|a",
    ">a",
    "[a",
    "{a",
    "a]",
    "a}",
    "a,b",
    "\"a\"b",
    "'a'b",
    "!a",
    "--- a",
    "---a",
    "...",
    "...a",
    ".inf",
    "-.inf",
    ".nan",
    ".Inf",
    "+.INF",
    "inf",
    "NaN",
    "é",
    "日本語",
    "😀 x",
    "\u{a0}x",
    "a\tb",
    "\ta",
    "a\\b",
    "a\"b",
    "a'b",
    "'a\"b'",
    "  a  ",
    "0.",
    "1.0",
    "1.10",
    "1e",
    "e1",
    "+",
    "+a",
    "0x1G",
    "0xFFFFFFFFFFFFFFFFFF",
    "1e400",
    "-1e400",
];

#[test]
fn scalars() {
    let cases = Cases::default();
    each(
        &cases,
        "scalar",
        &SCALARS
            .iter()
            .map(|text| format!("a: {text}"))
            .collect::<Vec<_>>()
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
    );
}

const TEXTS: &[&str] = &[
    r"x\ny",
    r"x\ny\n",
    r"x\ny\n\n",
    r"\nx",
    r" x\ny",
    r"x \ny",
    r"x\n y",
    r"x\n",
    r"\n",
    r"\n\n",
    r"x\n\ny",
    r"x\ty\nz",
    r"x\r\ny",
    r"x\ny ",
    r"#x\ny",
    r"- x\n- y\n",
    r"key: v\nother: w\n",
    r" x",
    r"x ",
    r"  ",
    r"x  y",
    r"x\u0007y",
    r"\u00e9\nx",
    r"\U0001F600\nx",
    r"\u2028x",
    r"x\u2028y",
    r"x\u0085y",
    r"x \u0085 y",
    r"\ufeffx",
    r"\ufeffx y",
    r"x\ufeff",
    r"\u200bx",
    r"\u00a0",
    r"\ue000",
    r"\ufffd",
    r"\U00010348",
    "0x",
    "y",
    "yes",
    "~",
    "null",
    "1e3",
    "12:30",
    "2001-01-01",
    "1_000",
    "0o7",
    "-",
    "- x",
    "? x",
    ": x",
    "x: y",
    "x:",
    "x #y",
    "#",
    "&x",
    "*x",
    "!x",
    "|",
    ">",
    "%x",
    "@x",
    "`",
    "{}",
    "[]",
    "{x",
    "x, y",
    "'",
    "it's",
    "'x'",
    r#"\"x\""#,
    r#"\"\""#,
    r"\\",
    r"x\\y",
    "---",
    "--- x",
    "---x",
    "...",
    "....",
    "=",
    "<<",
    "true",
    "True",
    ".5",
    "+1",
    "-1",
    "0b1",
    "1.",
    ".",
    "_",
    "1e",
    "e3",
    "\\u0041",
    "http://x:80/y?z=1#w",
    "*.example.com",
    "@daily",
    "*/5 * * * *",
    "{{ .Values.x }}",
    "%{x}",
    "a: {b}",
    "x]",
    "x}",
    "key: value # c",
];

#[test]
fn texts_come_back() {
    let cases = Cases::default();
    let long = "word ".repeat(40);
    let mut more: Vec<String> = TEXTS.iter().map(|text| (*text).to_owned()).collect();
    more.extend([
        long.trim().to_owned(),
        long.clone(),
        format!("{} {}", "x".repeat(90), "y".repeat(90)),
        format!("a: {}", long.trim()),
        format!("{}  {}", long.trim(), long.trim()),
        format!("{}\\u0007", long.trim()),
        format!("{}\\n{}", long.trim(), long.trim()),
        format!("'{}", long.trim()),
        "x".repeat(200),
        format!("é {}", "ü ö ".repeat(30)),
        format!("{}: x", "é".repeat(85)),
        format!("-a {}", "b, ".repeat(40)),
        format!("\\u0001 {}", "x  ".repeat(40)),
        format!("\\\\ {}", "a ".repeat(60)),
        format!("yes{}", " ".repeat(90)),
        format!("# {}", "a ".repeat(60)),
    ]);
    let mut body = String::new();
    for (number, text) in more.iter().enumerate() {
        body += &format!(
            "k{number}: \"{text}\"\nlist{number}: [\"{text}\", {{in: \"{text}\"}}]\n{}\n",
            if text.contains("u0085") { String::new() } else { format!("\"{text}#{number}\": 1") }
        );
    }
    cases.same("texts", &format!("{CHART}=== @f\n{body}"), &["-f", "@f"]);
}

#[test]
fn keys() {
    let cases = Cases::default();
    let long = "k".repeat(129);
    let lines = [
        "1: a",
        "1.5: a",
        "true: a",
        "yes: a",
        "null: a",
        "~: a",
        "'': a",
        "2001-01-01: a",
        "0x10: a",
        "1e3: a",
        ".inf: a",
        "[a]: b",
        "{a: 1}: b",
        "? a\n: b",
        "? |\n  multi\n  line\n: b",
        "a b: c",
        "\"a\\nb\": c",
        "'a: b': c",
        "18446744073709551615: a",
        "!!str 1: a",
        "*a: b",
        "1e400: a",
        "? [a]\n: b",
        "1000000.5: a",
        "16777217.5: a",
        "- : x",
        "a:b: c",
        "? x",
        "\"y\": 1\ny: 2",
        "a: 1\na: 2\n",
    ];
    each(&cases, "key", &lines.map(|line| line));
    let ordered = "a10: 1\na2: 1\na1: 1\nA: 1\nb: 1\n_a: 1\na_b: 1\na-b: 1\na.b: 1\na/b: 1\nab: 1\n10: 1\n9: 1\n09: 1\n009: 1\nx01y: 1\nx1y: 1\nx001: 1\né: 1\ne: 1\nz: 1\nÄ: 1\n'': 1\n' ': 1\n'#': 1\na2b10: 1\na2b9: 1\n100a: 1\n100: 1\n";
    cases.same("order-of-keys", &format!("{CHART}=== @f\n{ordered}"), &["-f", "@f"]);
    cases.same(
        "long-key",
        &format!("{CHART}=== @f\n{long}: 1\n{long}x: {{a: [1, {{b: 2}}]}}\n{long}y: [1, [2]]\n\"m\\nn\": [x]\n"),
        &["-f", "@f"],
    );
}

#[test]
fn depth() {
    let cases = Cases::default();
    for depth in [50, 150] {
        cases.same(
            &format!("flow-{depth}"),
            &format!("{CHART}=== @f\na: {}{}\n", "[".repeat(depth), "]".repeat(depth)),
            &["-f", "@f"],
        );
        let block: String = (0..depth).map(|n| format!("{}a:\n", " ".repeat(n))).collect();
        cases.same(&format!("block-{depth}"), &format!("{CHART}=== @f\n{block}"), &["-f", "@f"]);
    }
}

#[test]
fn pretty() {
    let cases = Cases::default();
    let chart = CHART.replace("{{ toYaml .Values | nindent 2 }}", "{{ toYamlPretty .Values | nindent 2 }}");
    for (number, text) in [
        "a: 1000000\nb: 1.5\nc: [1, [2, [3]], {d: [x], e: {}}, []]\nf: {g: {h: [1]}}",
        "a: \"x\\ty\"\nb: \"x\\ty\\nz\"\nc: \" x\\ny\"\nd: \"x \\ny\"\ne: \"😀 x\"\nf: \"x\\n\\n\"\ng: '#'\nh: ''\ni: 'y'\nj: '<<'\nk: '0o7'\nl: '1_0'",
        "a2: 1\na10: 1\na1b: 1\nb: 1\nB: 1\n_x: 1\nx1y: 1\nx1-: 1\nx-1: 1\n1: 1\n2: 1\n10: 1\n1a: 1\n",
        &format!("a: '{}'\nb: [\"{}\"]", "word ".repeat(40), "x: y ".repeat(40)),
        &format!("{}: 1\n\"x\\ny\": 2\n", "k".repeat(130)),
    ]
    .iter()
    .enumerate()
    {
        cases.same(&format!("pretty-{number}"), &format!("{chart}=== @f\n{text}"), &["-f", "@f"]);
    }
}
