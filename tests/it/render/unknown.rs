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
