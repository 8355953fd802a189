//! Charts whose values are not known in full: what passes through, and where nothing can be said yet.

use std::collections::BTreeMap;
use std::rc::Rc;

use atlas::render::RenderFault;
use atlas::render::helm::{Chart, RenderRequest, Rendered, render, tables};
use atlas::render::value::{ChartValue, UnknownValue};

fn rendered(template: &str, more: &[(&str, &str)]) -> Result<Rendered, RenderFault> {
    let mut files = BTreeMap::from([
        (
            "Chart.yaml".to_owned(),
            b"apiVersion: v2\nname: root\nversion: 0.1.0\ndependencies: [{name: kid, version: '*', condition: kid.on}]"
                .to_vec(),
        ),
        ("values.yaml".to_owned(), b"bucket: {name: default}\nkid: {x: 1}".to_vec()),
        ("charts/kid/Chart.yaml".to_owned(), b"apiVersion: v2\nname: kid\nversion: 0.1.0".to_vec()),
        ("templates/x.yaml".to_owned(), template.as_bytes().to_vec()),
    ]);
    files.extend(more.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())));
    let chart = Chart::read(&files).expect("good");
    let mut request = RenderRequest::new("rel", "space");
    let unknown = Rc::new(UnknownValue { id: 0, of: "bucket.logs.arn".into(), is_filled: false });
    request.unknowns.push(Rc::clone(&unknown));
    let bucket = tables::empty();
    tables::put(&bucket, "name", ChartValue::Unknown(unknown.clone()));
    tables::put(&request.values, "bucket", ChartValue::Map(bucket));
    let kid = tables::empty();
    if more.iter().any(|(path, _)| *path == "switch") {
        tables::put(&kid, "on", ChartValue::Unknown(unknown));
    }
    tables::put(&request.values, "kid", ChartValue::Map(kid));
    render(&chart, &request)
}

fn at(rendered: &Rendered, key: &str) -> String {
    let ChartValue::Map(map) = &rendered.objects[0].value else { panic!("a map") };
    match map.borrow().get(key) {
        Some(ChartValue::Text(text)) => text.to_string(),
        other => panic!("{key}: {other:?}"),
    }
}

#[test]
fn texts_carry_marks() {
    let template = "kind: A\nplain: {{ .Values.bucket.name }}\nquoted: {{ .Values.bucket.name | quote }}\npart: s3://{{ .Values.bucket.name }}/x\nall:\n{{ toYaml .Values.bucket | indent 2 }}\n";
    let rendered = rendered(template, &[]).expect("good");
    let mark = rendered.unknowns[0].mark();
    assert_eq!(at(&rendered, "plain"), mark);
    assert_eq!(at(&rendered, "quoted"), mark);
    assert_eq!(at(&rendered, "part"), format!("s3://{mark}/x"));
}

#[test]
fn what_decides_must_be_known() {
    for (template, more) in [
        ("kind: {{ .Values.bucket.name }}\n", &[][..]),
        ("kind: A\nmetadata: {annotations: {helm.sh/hook: \"{{ .Values.bucket.name }}\"}}\n", &[]),
        ("{{ if .Values.bucket.name }}kind: A{{ end }}\n", &[]),
        ("kind: A\n", &[("switch", "")]),
    ] {
        let fault = rendered(template, more).map(|_| ()).unwrap_err();
        assert!(fault.unknown, "{template}: {fault}");
    }
}

#[test]
fn schemas_take_what_is_not_known() {
    let schema = r#"{"properties": {"bucket": {"properties": {"name": {"type": "string", "pattern": "^[a-z]+$"}}, "additionalProperties": false}}}"#;
    assert!(rendered("kind: A\n", &[("values.schema.json", schema)]).is_ok());
    let strict = r#"{"properties": {"bucket": {"maxProperties": 0}}}"#;
    let fault = rendered("kind: A\n", &[("values.schema.json", strict)]).map(|_| ()).unwrap_err();
    assert_eq!(fault.value.as_deref(), Some("bucket"));
}

/// What changes a map in its place, or asks a method, may not go on as if there were nothing.
#[test]
fn nothing_is_left_out_because_of_what_is_not_known() {
    for template in [
        "{{ $d := dict \"a\" 1 }}{{ $_ := set $d .Values.bucket.name \"v\" }}{{ toYaml $d }}",
        "{{ $d := dict \"a\" 1 }}{{ $_ := unset $d .Values.bucket.name }}{{ toYaml $d }}",
        "{{ $d := dict \"a\" 1 }}{{ $_ := merge $d .Values.bucket.name }}{{ toYaml $d }}",
        "{{ $d := dict \"a\" 1 }}{{ $_ := mustMergeOverwrite $d .Values.bucket.name }}{{ toYaml $d }}",
        "a: {{ .Files.Get (printf \"files/%s\" .Values.bucket.name) | quote }}",
        "a: {{ .Files.Get .Values.bucket.name | quote }}",
        "a: {{ range .Files.Glob (print .Values.bucket.name \"*\") }}x{{ end }}",
        "a: {{ .Capabilities.APIVersions.Has (print .Values.bucket.name \"/v1\") }}",
        "a: {{ dig .Values.bucket.name \"other\" (dict \"a\" 1) }}",
        "a: {{ include .Values.bucket.name . }}",
        "a: {{ indent (int .Values.bucket.name) \"x\" }}",
    ] {
        let fault = rendered(template, &[]).err().unwrap_or_else(|| panic!("{template}"));
        assert!(fault.unknown && fault.what.contains("bucket.logs.arn"), "{template}\n{fault}");
    }
    let counted = rendered("a: {{ printf \"%d\" .Values.bucket.name }}", &[]).expect("it goes on");
    assert!(counted.unknowns.len() == 2, "{:?}", counted.unknowns);
}

#[test]
fn notes_that_nobody_reads_decide_nothing() {
    let notes = "{{ if .Values.bucket.name }}x{{ end }}";
    rendered("a: 1", &[("templates/NOTES.txt", notes)]).expect("the objects are known");
}

/// Signs of fonts are characters like any others.
#[test]
fn characters_for_private_use_stay_what_they_are() {
    let template = "a: \"\u{F0000}0\u{F0001}\"\nb: {{ \"\u{F0130}\" | b64enc }}\nc: \"{{ len \"\u{F01FF}\" }}\"\n";
    let rendered = rendered(template, &[]).expect("good");
    assert_eq!(at(&rendered, "a"), "\u{F0000}0\u{F0001}");
    assert_eq!((at(&rendered, "b"), at(&rendered, "c")), ("87CEsA==".to_owned(), "4".to_owned()));
}
