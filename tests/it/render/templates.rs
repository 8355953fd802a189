//! Templates against Helm itself: one chart holds every template that should render, and each that should fail has a chart of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use atlas::render::template::{RenderSettings, Templates};
use atlas::render::value::{ChartValue, Map};
use atlas::render::yaml;
use base64::Engine as _;

const VALUES: &str = include_str!("templates/values.yaml");

/// Cases are one to a line; `⏎` is a line break within a template, and lines that begin with `//` are remarks.
fn cases(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("//"));
    lines.map(|line| line.replace('⏎', "\n")).collect()
}

fn top() -> ChartValue {
    let values = yaml::read(VALUES).expect("values");
    if let ChartValue::Map(map) = &values {
        map.borrow_mut().insert("i64".into(), ChartValue::Int64(5));
        // A chart's own values that are nothing are left out.
        map.borrow_mut().remove("nothing");
    }
    let entry = |key: &str, value: ChartValue| (Rc::from(key), value);
    let release = Map::from([
        entry("Name", ChartValue::text("rel")),
        entry("Namespace", ChartValue::text("default")),
        entry("Service", ChartValue::text("Helm")),
        entry("IsInstall", ChartValue::Bool(true)),
        entry("IsUpgrade", ChartValue::Bool(false)),
        entry("Revision", ChartValue::Int(1)),
    ]);
    ChartValue::map(Map::from([entry("Values", values), entry("Release", ChartValue::map(release))]))
}

pub(super) fn ours(template: &str) -> Result<String, String> {
    let mut templates = Templates::new();
    let text = format!("{{{{ define \"x\" }}}}{template}{{{{ end }}}}{{{{ include \"x\" . | b64enc }}}}");
    let settings = RenderSettings::new(1_700_000_000_000_000_000, Box::new(|bytes: &mut [u8]| bytes.fill(7)));
    templates.add("c/templates/t.yaml", &text).map_err(|fault| fault.to_string())?;
    let coded = templates.render("c/templates/t.yaml", &top(), &settings).map_err(|fault| fault.to_string())?;
    decoded(&coded)
}

fn decoded(coded: &str) -> Result<String, String> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(coded).map_err(|error| error.to_string())?;
    // A text that is cut within a character is compared without the bytes that are left of it.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

pub(super) struct Helm {
    program: PathBuf,
    folder: tempfile::TempDir,
}

impl Helm {
    pub(super) fn new() -> Option<Self> {
        let program = PathBuf::from(super::helm()?);
        let folder = tempfile::tempdir().expect("a folder");
        let chart = folder.path();
        fs::create_dir(chart.join("templates")).expect("a folder");
        fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: c\nversion: 0.1.0\n").expect("a file");
        fs::write(chart.join("values.yaml"), VALUES).expect("a file");
        Some(Self { program, folder })
    }

    fn template(&self, text: &str) -> Result<String, String> {
        let chart: &Path = self.folder.path();
        fs::write(chart.join("templates/t.yaml"), text).expect("a file");
        let output = Command::new(&self.program)
            .args(["template", "rel", "--set", "i64=5"])
            .arg(chart)
            .env("TZ", "UTC")
            .output()
            .expect("helm");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// What Helm makes of each template; all in one process where all of them render.
    pub(super) fn all(&self, templates: &[&String]) -> Vec<Result<String, String>> {
        if templates.len() == 1 {
            return vec![self.several(templates).map(|mut one| one.remove(0))];
        }
        match self.several(templates) {
            Ok(texts) => texts.into_iter().map(Ok).collect(),
            Err(_) if !templates.is_empty() => {
                let (one, other) = templates.split_at(templates.len() / 2);
                self.all(one).into_iter().chain(self.all(other)).collect()
            }
            Err(_) => Vec::new(),
        }
    }

    pub(super) fn several(&self, templates: &[&String]) -> Result<Vec<String>, String> {
        let mut text = String::new();
        for (at, template) in templates.iter().enumerate() {
            text.push_str(&format!("{{{{ define \"x{at}\" }}}}{template}{{{{ end }}}}"));
        }
        for at in 0..templates.len() {
            text.push_str(&format!("\nr{at}: {{{{ include \"x{at}\" . | b64enc | quote }}}}"));
        }
        let printed = self.template(&text)?;
        let lines = printed.lines().filter(|line| line.starts_with('r'));
        lines.map(|line| decoded(line.split('"').nth(1).unwrap_or_default())).collect()
    }
}

fn compare(name: &str, text: &str) {
    let Some(helm) = Helm::new() else { return };
    let cases = cases(text);
    let ours: Vec<_> = cases.iter().map(|case| ours(case)).collect();
    let (good, bad): (Vec<_>, Vec<_>) = cases.iter().zip(&ours).partition(|(_, ours)| ours.is_ok());
    let theirs = helm.all(&good.iter().map(|(case, _)| *case).collect::<Vec<_>>());
    let mut wrong = Vec::new();
    for ((case, ours), theirs) in good.iter().zip(theirs) {
        if theirs.as_ref().ok() != ours.as_ref().ok() {
            wrong.push(format!("{case}\n  ours:   {ours:?}\n  theirs: {theirs:?}"));
        }
    }
    for (case, ours) in &bad {
        let theirs = helm.several(&[case]).map(|mut one| one.remove(0));
        if theirs.is_ok() {
            wrong.push(format!("{case}\n  ours:   {ours:?}\n  theirs: {theirs:?}"));
        }
    }
    let (right, all) = (cases.len() - wrong.len(), cases.len());
    println!("{name}: {right} of {all} as Helm has them, {} of them errors", bad.len());
    assert!(wrong.is_empty(), "{name}: {} of {all} differ\n{}", wrong.len(), wrong.join("\n"));
}

macro_rules! areas {
    ($($area:ident),*) => {
        $(#[test]
        fn $area() {
            compare(stringify!($area), include_str!(concat!("templates/", stringify!($area), ".txt")));
        })*
    };
}

areas!(
    language, printing, text, numbers, lists, maps, data, encodings, patterns, types, versions, dates, urls, random,
    passwords
);

/// What one side makes, the other one reads: certificates, keys and ciphers.
#[test]
fn crossed() {
    let Some(helm) = Helm::new() else { return };
    let make = "{{ $a := genCA \"my ca\" 10 }}{{ $e := genSelfSignedCertWithKey \"é\" (list \"10.0.0.1\" \"::1\") (list \"a.b\") 9 (genPrivateKey \"ecdsa\") }}\
        {{ $f := genCAWithKey \"ed\" 8 (genPrivateKey \"ed25519\") }}{{ $s := genSignedCert \"s\" nil (list \"x.y\") 7 $a }}\
        {{ list $a.Cert $a.Key $e.Cert $e.Key $f.Cert $f.Key $s.Cert $s.Key (encryptAES \"k\" \"hidden\") | toJson }}";
    let read = |made: &str| {
        let parts: Vec<String> = serde_json::from_str(made).expect("texts");
        let coded: Vec<_> = parts.iter().map(|part| base64::engine::general_purpose::STANDARD.encode(part)).collect();
        let mut template = String::new();
        for pair in coded.chunks(2).take(4) {
            template.push_str(&format!(
                "{{{{ $c := buildCustomCert \"{}\" \"{}\" }}}}{{{{ $c.Cert | sha256sum }}}}",
                pair[0], pair[1]
            ));
            template.push_str("{{ $d := genSignedCert \"leaf\" nil nil 1 $c }}{{ $d.Cert | trunc 27 }}");
        }
        template.push_str(&format!("{{{{ decryptAES \"k\" \"{}\" }}}}", parts[8]));
        template
    };
    for made in [ours(make).expect("ours"), helm.several(&[&make.to_owned()]).expect("theirs").remove(0)] {
        let template = read(&made);
        let theirs = helm.several(&[&template]).map(|mut one| one.remove(0));
        assert_eq!(ours(&template), theirs);
    }
}
