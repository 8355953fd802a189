//! What charts come to. Where Helm is there, it has to print the same.

use super::super::harness::Cluster;
use crate::support::{Place, Run};

/// Renders a chart whose files are given, with the arguments of a command line.
fn render(files: &[(&str, &str)], words: &[&str]) -> Run {
    let place = Place::empty();
    let all = [("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n")].into_iter().chain(files.iter().copied());
    for (name, text) in all {
        let path = place.path("c").join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    let ours = place.run(&[&["render", "c"], words].concat());
    if let Some(helm) = crate::render::helm() {
        let words: Vec<String> =
            words.iter().map(|word| word.replace("c/", &format!("{}/", place.path("c").display()))).collect();
        let mut command = std::process::Command::new(helm);
        let theirs =
            command.args(["template", "release-name"]).arg(place.path("c")).args(words).output().expect("it runs");
        let theirs = Run::of(theirs);
        assert_eq!(ours.code == 0, theirs.code == 0, "{ours:?}\n{theirs:?}");
        if ours.code == 0 {
            assert_eq!(ours.stdout, theirs.stdout);
        }
    }
    ours
}

/// What a chart of one template comes to, behind its heading.
fn text(files: &[(&str, &str)], words: &[&str]) -> String {
    let run = render(files, words);
    assert_eq!(run.code, 0, "{run:?}");
    run.stdout.lines().filter(|line| !line.starts_with("---") && !line.starts_with('#')).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_number_of_a_values_file_is_a_float_and_one_of_set_is_not() {
    let files = [
        ("templates/v.yaml", "a: {{ .Values.a }}\nb: {{ .Values.b | toJson }}\nc: {{ .Values.c }}\n"),
        ("values.yaml", "b: none\nc: 999999\n"),
        ("more.yaml", "a: 1000000\n"),
    ];
    assert_eq!(text(&files, &["--values", "c/more.yaml", "--set", "b=007"]), "a: 1e+06\nb: \"007\"\nc: 999999");
    assert_eq!(text(&files, &["--set", "a=1000000", "--set", "b=007"]), "a: 1000000\nb: \"007\"\nc: 999999");
}

#[test]
fn words_of_old_yaml_are_what_helm_takes_them_for_and_texts_come_back_as_texts() {
    let template = "{{ toYaml .Values }}\nempty: [{{ toYaml (float64 \"+Inf\") }}]\n";
    let values = "{e: 12:30, a: NO, b: y, c: 0777, d: 1_000, on: 1, t: \"on\", u: \"1e3\"}\n";
    let told = text(&[("templates/v.yaml", template), ("values.yaml", values)], &[]);
    let wanted = "a: false\nb: true\nc: 511\nd: 1000\ne: \"12:30\"\nt: \"on\"\n\"true\": 1\nu: \"1e3\"\nempty: []";
    let e = if told.contains("e: 12:30") { wanted.replace("e: \"12:30\"", "e: 12:30") } else { wanted.to_owned() };
    assert_eq!(told, e);
}

/// A chart with a sub-chart that has a default.
fn with_kid<'a>(chart: &'a str, values: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("Chart.yaml", chart),
        ("values.yaml", values),
        ("charts/kid/Chart.yaml", "apiVersion: v2\nname: kid\nversion: 0.1.0\n"),
        ("charts/kid/values.yaml", "sc: {runAsUser: 472, keep: 1}\n"),
        ("charts/kid/templates/v.yaml", "sc: {{ toJson .Values.sc }}\n"),
        ("null.yaml", "kid: {sc: {runAsUser: null}}\n"),
    ]
}

const PLAIN: &str = "apiVersion: v2\nname: c\nversion: 0.1.0\n";
const ON_CONDITION: &str =
    "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies: [{name: kid, version: 0.1.0, condition: kid.enabled}]\n";

#[test]
fn a_null_of_the_parent_takes_a_default_of_a_sub_chart_away() {
    let gone = "sc: {\"keep\":1}";
    for chart in [PLAIN, ON_CONDITION] {
        // What a chart says as its own default takes nothing away in Helm 4.3, which is followed.
        let own = text(&with_kid(chart, "kid: {enabled: true, sc: {runAsUser: null}}\n"), &[]);
        assert_eq!(own, "sc: {\"keep\":1,\"runAsUser\":472}");
        assert_eq!(text(&with_kid(chart, "kid: {enabled: true}\n"), &["--values", "c/null.yaml"]), gone);
        assert_eq!(text(&with_kid(chart, "kid: {enabled: true}\n"), &["--set", "kid.sc.runAsUser=null"]), gone);
    }
}

/// Helm 4.3 is followed: it drops a null of a chart's own, as from 4.2 on; versions before kept it.
#[test]
fn a_null_of_a_charts_own_is_what_helm_4_3_makes_of_it() {
    let files = [("values.yaml", "foo: null\nbar: 1\n"), ("templates/v.yaml", "has: {{ hasKey .Values \"foo\" }}\n")];
    assert_eq!(text(&files, &[]), "has: false");
}

#[test]
fn import_values_reads_the_defaults_of_charts_only() {
    let chart = "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies: [{name: kid, version: 0.1.0, import-values: [{child: data, parent: got}]}]\n";
    let files = |own: &'static str| {
        [
            ("Chart.yaml", chart),
            ("values.yaml", own),
            ("templates/v.yaml", "port: {{ .Values.got.port }}\n"),
            ("charts/kid/Chart.yaml", "apiVersion: v2\nname: kid\nversion: 0.1.0\n"),
            ("charts/kid/values.yaml", "data: {port: 80}\n"),
        ]
    };
    assert_eq!(text(&files("got: {port: 8080}\n"), &["--set", "kid.data.port=9"]), "port: 8080");
    assert_eq!(text(&files("{}\n"), &["--set", "kid.data.port=9"]), "port: 80");
}

#[test]
fn a_strict_schema_of_a_sub_chart_refuses_what_is_injected_unless_it_is_off() {
    let chart = ON_CONDITION;
    let files = |values: &'static str| {
        let mut files = with_kid(chart, values);
        files.push((
            "charts/kid/values.schema.json",
            "{\"type\": \"object\", \"properties\": {\"sc\": {}, \"enabled\": {}}, \"additionalProperties\": false}",
        ));
        files.push(("templates/none.yaml", "a: b\n"));
        files
    };
    let refused = render(&files("kid: {enabled: true}\n"), &[]);
    assert!(refused.code == 1 && refused.stderr.contains("kid") && refused.stderr.contains("global"), "{refused:?}");
    assert_eq!(text(&files("kid: {enabled: false}\n"), &[]), "a: b");
}

#[test]
fn documents_are_split_where_a_marker_is_glued_and_odd_hooks_are_told() {
    let settings = |name: &str, more: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n{more}data: {{a: b}}\n")
    };
    let hook = |types: &str, weight: &str| {
        format!("  annotations: {{helm.sh/hook: \"{types}\", helm.sh/hook-weight: \"{weight}\"}}\n")
    };
    let twice = settings("twice", "").replace("data: {a: b}", "data: {a: b}\ndata: {a: c}");
    let texts = format!(
        "{}---apiVersion: v1\n{}---\n{twice}---\n{}---\n{}",
        settings("one", ""),
        settings("two", "").replace("apiVersion: v1\n", ""),
        settings("odd", &hook("pre-install,someday", "0")),
        settings("weighed", &hook("pre-install", "x")),
    );
    let cluster = Cluster::with_chart(&texts);
    let checked = cluster.place.run(&["validate"]);
    let told = format!("{}{}", checked.stdout, checked.stderr);
    assert!(checked.code == 0 && told.contains("someday") && told.contains("odd"), "{told}");
    assert!(told.contains("twice") && told.contains("`data`"), "nobody is told of the key that is there twice: {told}");
    cluster.converge();
    for name in ["one", "two", "twice", "weighed"] {
        assert!(cluster.object(&format!("configmaps/{name}")).is_some(), "{name}");
    }
    assert_eq!(cluster.object("configmaps/twice").expect("there")["data"]["a"], "c", "the last one counts");
}

#[test]
fn functions_of_templates_do_what_helm_and_sprig_do() {
    let values = ("values.yaml", "zero: 0\noff: false\nt: '{{ define \"x\" }}in{{ end }}{{ include \"x\" . }}'\n");
    let lines = "a: {{ required \"m\" .Values.zero }}\nb: [{{ .Values.none | quote }}]\nc: {{ default true .Values.off }}\nd: {{ tpl .Values.t . }}\n";
    assert_eq!(text(&[values, ("templates/v.yaml", lines)], &[]), "a: 0\nb: []\nc: true\nd: in");
    let refused = render(&[values, ("templates/v.yaml", "a: {{ .Values.none.b }}\n")], &[]);
    assert!(refused.code == 1 && refused.stderr.contains("nil pointer"), "{refused:?}");
}

#[test]
fn what_is_made_by_chance_is_as_it_was_shown_and_nothing_rotates_by_itself() {
    let chance = "{{- $s := lookup \"v1\" \"Secret\" .Release.Namespace \"web\" }}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: web}\ndata:\n  {{- if $s }}\n  p: {{ $s.data.p }}\n  {{- else }}\n  p: {{ randAlphaNum 12 | b64enc }}\n  {{- end }}\n";
    let shown =
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {id: {{ randAlphaNum 12 | quote }}}\n";
    let cluster = Cluster::with_chart(&format!("{chance}{shown}"));
    cluster.converge();
    let seen = || {
        let of =
            |object: &str, at: &str| cluster.object(object).expect("there").pointer(at).cloned().unwrap_or_default();
        (of("configmaps/web", "/data/id"), of("secrets/web", "/data/p"))
    };
    let before = seen();
    for _ in 0..2 {
        std::fs::remove_dir_all(cluster.place.path(".atlas")).expect("records");
        cluster.is_converged();
        cluster.converge();
    }
    assert_eq!(seen(), before);
    // What a plan shows of an object that is there is what is applied: the change, and nothing that chance made otherwise.
    let chart = cluster.place.read("web/templates/all.yaml");
    cluster.chart("web", &chart.replace("data: {id:", "data: {more: x, id:"));
    let plan = cluster.place.expect(0, &["plan"]);
    assert!(plan.contains("data.more") && !plan.contains("data.id") && !plan.contains("Secret/web"), "{plan}");
    cluster.converge();
    assert_eq!(seen(), before);
}
