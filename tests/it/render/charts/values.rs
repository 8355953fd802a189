//! Values: files, nulls, globals, schemas.

use super::harness::{Cases, refused};

const CHART: &str = "=== Chart.yaml
apiVersion: v2
name: root
version: 0.1.0
=== templates/v.yaml
values:{{ toYaml .Values | nindent 2 }}
=== charts/kid/Chart.yaml
apiVersion: v2
name: kid
version: 1.2.3
=== charts/kid/templates/v.yaml
kid:{{ toYaml .Values | nindent 2 }}
";

fn chart(root: &str, kid: &str, more: &str) -> String {
    format!("{CHART}=== values.yaml\n{root}\n=== charts/kid/values.yaml\n{kid}\n{more}")
}

#[test]
fn files_over_each_other() {
    let cases = Cases::default();
    let more = "=== @one\na: {b: 1, c: [1, 2]}\nd: 1\n=== @two\na: {b: {x: 1}, c: [3]}\nd: null\ne: 1e3\n";
    let defaults = "a: {b: 0, z: 9}\nd: {deep: 1}\nf: 1.5\n";
    cases.same("file-one", &chart(defaults, "{}", more), &["-f", "@one"]);
    cases.same("file-two", &chart(defaults, "{}", more), &["-f", "@two"]);
    cases.same("files", &chart(defaults, "{}", more), &["-f", "@one", "-f", "@two", "--set", "a.z=null"]);
    cases.same("files-turned", &chart(defaults, "{}", more), &["-f", "@two", "-f", "@one"]);
    let documents = "=== @many\na: 1\nb: {x: 1}\n---\nb: {y: 2}\nc: 3\n--- \nc: null\n";
    cases.same("documents", &chart("c: 1\n", "{}", documents), &["-f", "@many"]);
    cases.same("documents-default", &chart("---\na: 1\n---\nb: 2\n", "{}", ""), &[]);
    cases.same("documents-comment", &chart("a: 1\n--- # x\nb: 2\n", "{}", ""), &[]);
    cases.same("list-file", &chart("a: 1\n", "{}", "=== @list\n- 1\n"), &["-f", "@list"]);
    cases.same("text-file", &chart("just text\n", "{}", ""), &[]);
    cases.same("empty-file", &chart("# nothing\n", "", ""), &[]);
}

#[test]
fn nulls() {
    let cases = Cases::default();
    let kid = "sc: {runAsUser: 472, keep: 1}\nlist: [null, 1]\nown: null\nm: {n: null, o: 1}\n";
    for (name, root) in [
        ("none", "a: null\nb: {c: null, d: {e: null}}\nl: [null]"),
        ("kid", "kid: {sc: {runAsUser: null}}"),
        ("kid-all", "kid: {sc: null, list: null, own: null}"),
        ("kid-new", "kid: {fresh: null, m: {fresh: null}}"),
        ("global", "global: {a: null, b: {c: null}}\nkid: {global: {b: {c: 1}}}"),
    ] {
        cases.same(&format!("null-{name}"), &chart(root, kid, ""), &[]);
        cases.same(
            &format!("null-file-{name}"),
            &chart("x: 1\nb: {d: 1}", kid, &format!("=== @f\n{root}\n")),
            &["-f", "@f"],
        );
        cases.same(
            &format!("null-over-{name}"),
            &chart(root, kid, "=== @f\na: {x: null}\nb: {c: {z: null}}\n"),
            &["-f", "@f"],
        );
    }
    cases.same(
        "null-set",
        &chart("a: {b: 1, c: 2}", kid, ""),
        &["--set", "a.b=null,kid.sc.runAsUser=null,kid.m=null,none=null"],
    );
    cases.same("null-set-table", &chart("a: {b: 1, c: 2}", kid, ""), &["--set", "a=null,z.y=null"]);
}

#[test]
fn globals() {
    let cases = Cases::default();
    let kid = "global: {a: kid, m: {k: kid, both: kid}, t: {x: 1}}\n";
    cases.same("globals", &chart("global: {a: root, m: {r: root, both: root}}", kid, ""), &[]);
    cases.same("globals-clash", &chart("global: {t: scalar, a: {map: 1}}", kid, ""), &[]);
    cases.same("globals-scalar", &chart("global: text", kid, ""), &[]);
    cases.same("globals-kid-scalar", &chart("global: {a: 1}", "global: text", ""), &[]);
    cases.same(
        "globals-kid-from-root",
        &chart("global: {a: 1}\nkid: {global: {a: 2, b: {c: 3}}}", kid, ""),
        &["--set", "global.b.d=4"],
    );
    cases.same("globals-null", &chart("global: null", kid, ""), &[]);
}

#[test]
fn tables_and_others() {
    let cases = Cases::default();
    cases.same("table-over-text", &chart("a: text\nb: {c: 1}", "{}", "=== @f\na: {x: 1}\nb: text\n"), &["-f", "@f"]);
    cases.same(
        "table-over-null",
        &chart("a: null\nb: {c: null}", "{}", "=== @f\na: {x: 1}\nb: {c: {d: 1}}\n"),
        &["-f", "@f"],
    );
    cases.same(
        "list-over-list",
        &chart("a: [1, 2, 3]\nb: [{c: 1}]", "{}", "=== @f\na: []\nb: [{d: 1}]\n"),
        &["-f", "@f"],
    );
    cases.same("empty-table", &chart("a: {b: 1}", "{}", "=== @f\na: {}\n"), &["-f", "@f"]);
    cases.same(
        "numbers",
        &chart("a: 1000000\nb: 999999\nc: 12345678901\nd: 1.0\ne: -0.0\nf: 1e21\ng: 9007199254740993", "{}", ""),
        &["--set", "h=1000000"],
    );
}

const SCHEMA: &str = "=== values.schema.json
{\"$schema\": \"https://json-schema.org/draft-07/schema#\", \"type\": \"object\", \"required\": [\"image\"],
 \"properties\": {\"image\": {\"type\": \"object\", \"properties\": {\"tag\": {\"type\": \"string\", \"pattern\": \"^v\"},
  \"port\": {\"type\": \"integer\", \"minimum\": 1}, \"kind\": {\"enum\": [\"a\", 1, null]}}, \"additionalProperties\": false},
  \"mail\": {\"type\": \"string\", \"format\": \"email\"}, \"size\": {\"$ref\": \"#/definitions/size\"}},
 \"definitions\": {\"size\": {\"oneOf\": [{\"type\": \"integer\"}, {\"type\": \"string\", \"pattern\": \"^[0-9]+Gi$\"}]}}}
";

#[test]
fn schemas() {
    let cases = Cases::default();
    for (name, root) in [
        ("fits", "image: {tag: v1, port: 80, kind: a}\nsize: 1Gi"),
        ("fits-number", "image: {port: 1.0, kind: 1}\nsize: 3"),
        ("missing", "other: 1"),
        ("kind", "image: {port: text}"),
        ("fraction", "image: {port: 1.5}"),
        ("pattern", "image: {tag: '1'}"),
        ("more", "image: {unknown: 1}"),
        ("enum", "image: {kind: b}"),
        ("one-of", "image: {}\nsize: 1Mi"),
        ("minimum", "image: {port: 0}"),
        ("format", "image: {}\nmail: nonsense"),
        ("null", "image: {tag: null}"),
    ] {
        cases.same(&format!("schema-{name}"), &chart(root, "{}", SCHEMA), &[]);
    }
    let fault = refused("schema-path", &chart("image: {tag: '1'}", "{}", SCHEMA), &[]);
    assert!(fault.is_empty() || fault.contains("image.tag"), "{fault}");
    let kid = SCHEMA.replace("=== values", "=== charts/kid/values");
    cases.same("schema-kid", &chart("kid: {image: {port: 1}}", "{}", &kid), &[]);
    cases.same("schema-kid-fails", &chart("kid: {image: {port: 0}}", "{}", &kid), &[]);
    cases.same("schema-kid-skipped", &chart("kid: {image: {port: 0}}", "{}", &kid), &["--skip-schema-validation"]);
    let strict = "=== charts/kid/values.schema.json\n{\"type\": \"object\", \"additionalProperties\": false}\n";
    cases.same("schema-global", &chart("a: 1", "{}", strict), &[]);
    cases.same("schema-broken", &chart("a: 1", "{}", "=== values.schema.json\n{\"type\":\n"), &[]);
    cases.same("schema-nonsense", &chart("a: 1", "{}", "=== values.schema.json\n{\"type\": \"nonsense\"}\n"), &[]);
    let newer = "=== values.schema.json\n{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", \"properties\": {\"a\": {\"prefixItems\": [{\"type\": \"string\"}]}}}\n";
    cases.same("schema-2020", &chart("a: [1]", "{}", newer), &[]);
    let off = format!("{}=== templates/none.yaml\n", chart("kid: {enabled: false}", "image: 1", &kid))
        .replace("version: 0.1.0", "version: 0.1.0\ndependencies: [{name: kid, condition: kid.enabled}]");
    cases.same("schema-kid-off", &off, &[]);
}
