//! The words of the command line that set values.

use super::harness::Cases;

const CHART: &str = "=== Chart.yaml
apiVersion: v2
name: root
version: 0.1.0
=== values.yaml
list: [a, {b: 1}, [x]]
map: {k: v}
text: t
=== templates/v.yaml
values:{{ toYaml .Values | nindent 2 }}
=== @file
line one
line two
";

const SET: &[&str] = &[
    "a=1",
    "a=007",
    "a=0",
    "a=-5",
    "a=1.5",
    "a=1e3",
    "a=true",
    "a=TRUE",
    "a=null",
    "a=NULL",
    "a=",
    "a=,b=1",
    "a",
    "a,",
    "a=1,",
    "=1",
    "",
    "a.b.c=1,a.b.d=2",
    "a..b=1",
    "a.=1",
    "a.b",
    ".a=1",
    "a[0]=1",
    "a[2]=1",
    "a[-1]=1",
    "a[x]=1",
    "a[0].b=1,a[0].c=2",
    "a[0][1]=1",
    "a[1].b=1",
    "list[0]=z",
    "list[1].c=2",
    "list[3]=1",
    "map.k=1",
    "map.k.x=1",
    "text.x=1",
    "text[0]=1",
    "a={x,y}",
    "a={}",
    "a={x",
    "a={x},b=1",
    "a={x}b=1",
    "a={1,true,null}",
    r"a\.b=1",
    r"a=x\,y",
    r"a=\{x\}",
    "a=b=c",
    "a={x,{y}}",
    "a b=1",
    " a=1",
    "a= 1 ",
    "a=9223372036854775807",
    "a=9223372036854775808",
    "a[0]b=1",
    "a[65536]=1",
    "a[70000]=1",
    "a=1,a=2",
    "a=x,a.b=1",
    "ä=ö",
    "a[0]",
    "a[0].",
    "a]=1",
    "a[0=1",
    "a=\"x\"",
    "a=1.0",
    "a=+5",
    "a=0x10",
    "list=null",
    "map=null",
    "a[0]=null",
    "a=x y",
    "a.b=1,a=2",
    "a[0].b[1].c=x",
    "a.b.c",
    "a=null,b=2",
    "a=1\\",
    "a.b.=2",
    "list[1]=null",
];

#[test]
fn set() {
    let cases = Cases::default();
    for word in SET.iter().copied() {
        cases.same(&format!("set-{word}"), CHART, &["--set", word]);
        cases.same(&format!("set-string-{word}"), CHART, &["--set-string", word]);
    }
}

#[test]
fn set_json() {
    let cases = Cases::default();
    for word in [
        "a=1",
        "a={\"x\": [1, null, \"y\"]}",
        "a=",
        "a=,b=2",
        "a=[1],b={\"c\":2}",
        "a=[1] , b=2",
        "a=x",
        "{\"a\": {\"b\": 1}}",
        "{\"map\": {\"z\": 1}, \"list\": null}",
        "a.b=1.5,a.c=\"x,y\"",
        "a[1]={\"x\":1}",
        "a=1e6",
        "a=12345678901234567890",
        "{\"a\":",
        "[1]",
        "a=null",
        "a=\"x\" ,b=1",
        "list[1].c=true",
        "a=1 2",
        "a[0]=",
        "a= \"x\"",
    ] {
        cases.same(&format!("set-json-{word}"), CHART, &["--set-json", word]);
    }
}

#[test]
fn set_literal_and_file() {
    let cases = Cases::default();
    for word in [
        "a=1,b=2",
        r"a=x\,y",
        "a.b=c",
        "a={x}",
        "a[1]=y",
        "a[0].b=y",
        "a",
        "a=",
        "map.k=true",
        "a.b",
        "a=b=c",
        "a[0]=x,y",
    ] {
        cases.same(&format!("set-literal-{word}"), CHART, &["--set-literal", word]);
    }
    for word in ["a=@file", "a.b=@file,c=@file", "a=@none", "a[1]=@file", "map=@file"] {
        cases.same(&format!("set-file-{word}"), CHART, &["--set-file", word]);
    }
}

#[test]
fn in_turn() {
    let cases = Cases::default();
    cases.same(
        "order",
        CHART,
        &[
            "--set",
            "a=1",
            "--set-string",
            "a=2",
            "--set-json",
            "a=3",
            "--set",
            "b.c=1",
            "--set-json",
            "{\"b\": {\"d\": 2}}",
        ],
    );
    cases.same("upgrade", CHART, &["--is-upgrade"]);
}
