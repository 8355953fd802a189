//! YAML that was changed at random, read and written again here and by the real Helm's `fromYaml` and `toYaml`.
//! `ATLAS_SEED` and `ATLAS_SEEDS` choose other texts, and how many.

use std::path::Path;
use std::process::Command;

use atlas::render::value::ChartValue;
use atlas::render::yaml;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const SOURCES: [&str; 6] = [
    "apiVersion: v1\nkind: Service\nmetadata:\n  name: a-b\n  labels: {app: x, \"y\": 'z'}\nspec:\n  ports:\n  - port: 80\n    targetPort: http\n  - {port: 443, name: \"https\"}\n",
    "config: |\n  [section]\n  a = 1\n\n    deep\n  b: 2\nfolded: >-\n  one\n  two\n\n  three\nkeep: |+\n  x\n\nend: true\n",
    "base: &base\n  a: 1\n  b: [1, 2]\nother:\n  <<: *base\n  b: 0x1F\nlist:\n- &x one\n- *x\n- - nested\n  - {k: v, l: [a, b]}\n",
    "text: \"a \\\"quoted\\\" text\\n with breaks \\\n  and folds\"\nsingle: 'it''s\n  more'\nplain: goes\n  on here # comment\nnothing:\nempty: ''\nnum: 1e3\n",
    "args: [--x=y, \"--a b\", 'c: d', e#f]\nenv:\n  - name: A\n    value: \"1\"\n  - name: B\n    valueFrom:\n      secretKeyRef: {name: s, key: k}\nurl: http://x:80/y?z#w\n? complex\n: value\n",
    "# comment\n\na: 1 # more\nb:\n  # inner\n  c: 2\n\n  d: 3\ntime: 12:30\ndate: 2001-01-01\nyes: no\n1: one\n1.5: x\n~: null\n",
];

const PIECES: [&str; 40] = [
    " ", "  ", "\t", "\n", "\n\n", ":", ": ", "- ", "-", "#", " #", "'", "\"", "{", "}", "[", "]", ",", ", ", "&a ",
    "*a", "!", "!!str ", "|", "|\n", ">", ">-\n", "%", "@", "`", "?", "? ", "~", "\\", "\r\n", "---", "\n---\n", "...",
    "<<: ", "é",
];

/// A small generator of numbers, so that a run can be had again.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit.max(1)
    }
}

fn mutate(source: &str, dice: &mut Dice) -> String {
    let mut text: Vec<char> = source.chars().collect();
    for _ in 0..=dice.below(3) {
        let at = dice.below(text.len() + 1);
        match dice.below(5) {
            0 | 1 => {
                let piece = PIECES[dice.below(PIECES.len())];
                text.splice(at..at, piece.chars());
            }
            2 => {
                let end = (at + 1 + dice.below(3)).min(text.len());
                text.splice(at..end, std::iter::empty());
            }
            3 => {
                let lines: Vec<&[char]> = text.split_inclusive(|c| *c == '\n').collect();
                let line = lines.get(dice.below(lines.len())).map(|line| line.to_vec()).unwrap_or_default();
                text.splice(at..at, line);
            }
            _ => {
                let mut lines: Vec<Vec<char>> = text.split_inclusive(|c| *c == '\n').map(<[char]>::to_vec).collect();
                let index = dice.below(lines.len());
                if let Some(line) = lines.get_mut(index) {
                    let wider = dice.below(2) == 0;
                    if wider {
                        line.insert(0, ' ');
                    } else if line.first() == Some(&' ') {
                        line.remove(0);
                    }
                }
                text = lines.concat();
            }
        }
    }
    text.into_iter().collect()
}

#[test]
fn damaged_yaml_is_read_as_helm_reads_it() {
    let Some(helm) = super::helm() else { return };
    let mut dice = Dice(super::number("ATLAS_SEED", 1));
    let sources: Vec<String> = SOURCES.iter().map(|source| (*source).to_owned()).collect();
    let count = super::number("ATLAS_SEEDS", 20_000) as usize;
    let cases: Vec<String> = (0..count)
        .map(|_| {
            let source = dice.below(sources.len());
            mutate(&sources[source], &mut dice)
        })
        .collect();
    let folder = tempfile::tempdir().expect("good");
    let theirs = oracle(&helm, folder.path(), &cases);
    let mut reports = [0, 0, 0, 0];
    let mut different = Vec::new();
    for (case, theirs) in cases.iter().zip(theirs) {
        let ours = ours(case);
        let kind = match (&theirs, &ours) {
            (Some(theirs), Some(ours)) if theirs == ours => continue,
            (None, None) => continue,
            (Some(_), Some(_)) => 0,
            (Some(_), None) => 1,
            (None, Some(_)) => 2,
        };
        reports[kind] += 1;
        reports[3] += 1;
        different.push(format!("{case:?}\n--- helm\n{}\n--- ours\n{}", show(&theirs), show(&ours)));
    }
    let [unlike, refused, taken, all] = reports;
    let report = format!(
        "{count} cases: {all} differ: {unlike} in what is read, {refused} refused by us, {taken} taken by us only"
    );
    println!("{report}");
    // The parser takes and refuses a few texts that Go's does not; docs/charts.md tells which.
    assert!(unlike * 1_000 <= count && (refused + taken) * 200 <= count, "{report}\n{}", different.join("\n\n"));
}

fn show(text: &Option<String>) -> String {
    text.clone().unwrap_or_else(|| "REFUSED".to_owned())
}

fn ours(text: &str) -> Option<String> {
    match yaml::read(text) {
        Ok(ChartValue::Nil) => Some("{}".to_owned()),
        Ok(value @ ChartValue::Map(_)) => {
            yaml::write(&value).ok().map(|text| text.strip_suffix('\n').unwrap_or(&text).to_owned())
        }
        _ => None,
    }
}

fn oracle(helm: &str, folder: &Path, cases: &[String]) -> Vec<Option<String>> {
    let lines: Vec<String> = cases.iter().map(|case| STANDARD.encode(case)).collect();
    std::fs::create_dir_all(folder.join("templates")).expect("good");
    std::fs::write(folder.join("Chart.yaml"), "apiVersion: v2\nname: y\nversion: 0.1.0\n").expect("good");
    std::fs::write(folder.join("cases"), lines.join("\n")).expect("good");
    let template = "{{ range .Files.Lines \"cases\" }}# >{{ $v := fromYaml (b64dec .) }}{{ if hasKey $v \"Error\" }}!{{ else }}{{ toYaml $v | b64enc }}{{ end }}\n{{ end }}";
    std::fs::write(folder.join("templates/y.yaml"), template).expect("good");
    let output = Command::new(helm).args(["template", "y"]).arg(folder).output().expect("good");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found: Vec<Option<String>> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# >"))
        .map(|line| (line != "!").then(|| String::from_utf8(STANDARD.decode(line).expect("good")).expect("good")))
        .collect();
    assert_eq!(found.len(), cases.len());
    found
}
