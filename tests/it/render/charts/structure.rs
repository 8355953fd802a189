//! What charts are made of: sub-charts, aliases, conditions, tags, imports, libraries, archives, ignored files.

use super::harness::{Cases, both, files, packed, refused};

const ROOT: &str = "=== Chart.yaml
apiVersion: v2
name: root
version: 0.1.0
annotations: {some: text}
=== templates/v.yaml
values:{{ toYaml .Values | nindent 2 }}
chart:{{ toYaml .Chart | nindent 2 }}
release:{{ toYaml .Release | nindent 2 }}
";

const KID: &str = "=== charts/kid/Chart.yaml
apiVersion: v2
name: kid
version: 1.2.3
annotations: {some: text}
appVersion: 1.10
=== charts/kid/values.yaml
port: 80
deep: {a: 1, b: {c: x}}
exports: {data: {from: kid}, more: {list: [1]}}
global: {own: kid, shared: kid, map: {k: kid}}
=== charts/kid/templates/k.yaml
kid:{{ toYaml .Values | nindent 2 }}
chart:{{ toYaml .Chart | nindent 2 }}
template:{{ toYaml .Template | nindent 2 }}
";

fn with(dependencies: &str, more: &str) -> String {
    let root = ROOT.replace("version: 0.1.0\n", &format!("version: 0.1.0\ndependencies:\n{dependencies}\n"));
    format!("{root}{KID}{more}")
}

#[test]
fn sub_charts() {
    let cases = Cases::default();
    cases.same("plain", &format!("{ROOT}{KID}"), &[]);
    cases.same("declared", &with("- {name: kid, version: 1.x.x}", ""), &[]);
    let values = "=== values.yaml\nkid: {port: 81, deep: {b: null, z: 2}}\nglobal: {shared: root, map: {r: root}}\n";
    cases.same("values-from-above", &with("- {name: kid, version: ''}", values), &[]);
    cases.same("set-into-kid", &with("- {name: kid}", values), &["--set", "kid.port=82,kid.deep=null,global.x=1"]);
    cases.same("other-version", &with("- {name: kid, version: '>2'}", ""), &[]);
    cases.same("missing", &with("- {name: kid}\n- {name: gone}", ""), &[]);
    cases.same("scalar-for-kid", &with("- {name: kid}", "=== values.yaml\nkid: 1\n"), &[]);
    cases.same("null-for-kid", &with("- {name: kid}", "=== values.yaml\nkid: null\n"), &[]);
    cases.same("null-for-kid-set", &with("- {name: kid}", ""), &["--set", "kid=null"]);
}

#[test]
fn aliases() {
    let cases = Cases::default();
    let two = "- {name: kid, alias: one}\n- {name: kid, alias: two, condition: two.enabled}";
    cases.same("aliases", &with(two, "=== values.yaml\none: {port: 1}\ntwo: {port: 2}\n"), &[]);
    cases.same("alias-off", &with(two, "=== values.yaml\ntwo: {enabled: false}\n"), &[]);
    cases.same("alias-and-name", &with("- {name: kid}\n- {name: kid, alias: two}", ""), &[]);
    cases.same("alias-twice", &with("- {name: kid, alias: a}\n- {name: kid, alias: a}", ""), &[]);
    cases.same("alias-wrong", &with("- {name: kid, alias: a.b}", ""), &[]);
}

#[test]
fn conditions_and_tags() {
    let cases = Cases::default();
    let one = "- {name: kid, condition: 'kid.enabled,other.enabled', tags: [front, back]}";
    for (name, words) in [
        ("on", "kid.enabled=true"),
        ("off", "kid.enabled=false"),
        ("second", "other.enabled=false"),
        ("both", "kid.enabled=true,other.enabled=false"),
        ("text", "kid.enabled=yes,other.enabled=false"),
        ("tag", "tags.front=false"),
        ("tags", "tags.front=false,tags.back=true"),
        ("tag-and-condition", "tags.front=false,kid.enabled=true"),
        ("tag-and-off", "tags.front=true,kid.enabled=false"),
        ("table", "kid.enabled.x=1"),
    ] {
        cases.same(&format!("condition-{name}"), &with(one, ""), &["--set", words]);
    }
    cases.same("condition-default", &with(one, "=== values.yaml\nkid: {enabled: false}\n"), &[]);
    let deep = "=== charts/kid/charts/grand/Chart.yaml\napiVersion: v2\nname: grand\nversion: 0.1.0\n=== charts/kid/charts/grand/templates/g.yaml\ng:{{ toYaml .Values | nindent 2 }}\n=== charts/kid/charts/grand/values.yaml\ng: 1\nglobal: {g: 1}\n";
    let declared = with(one, deep).replace(
        "appVersion: 1.10",
        "appVersion: 1.10\ndependencies: [{name: grand, condition: grand.on, tags: [deep]}]",
    );
    for (name, words) in
        [("all", "a=1"), ("off", "kid.grand.on=false"), ("tag", "tags.deep=false"), ("global", "global.x=1")]
    {
        cases.same(&format!("grand-{name}"), &declared, &["--set", words]);
        cases.same(&format!("grand-undeclared-{name}"), &with(one, deep), &["--set", words]);
    }
}

#[test]
fn imports() {
    let cases = Cases::default();
    let list =
        "- {name: kid, import-values: [data, more, {child: deep, parent: taken.here}, {child: none, parent: x}]}";
    cases.same("imports", &with(list, ""), &[]);
    cases.same("imports-over", &with(list, "=== values.yaml\nfrom: root\ntaken: {here: {a: 5}}\n"), &[]);
    cases.same("imports-set", &with(list, ""), &["--set", "kid.exports.data.from=set,kid.deep.a=9"]);
    cases.same("imports-null", &with(list, "=== values.yaml\nfrom: null\nkid: {exports: {data: null}}\n"), &[]);
    let port = "- {name: kid, import-values: [{child: deep, parent: .}]}";
    cases.same("imports-root", &with(port, "=== values.yaml\na: 8080\n"), &["--set", "kid.deep.a=9"]);
    cases.same("imports-alias", &with("- {name: kid, alias: bob, import-values: [data]}", ""), &[]);
    cases.same(
        "imports-off",
        &with("- {name: kid, condition: kid.on, import-values: [data]}", ""),
        &["--set", "kid.on=false"],
    );
}

#[test]
fn libraries_and_old_charts() {
    let cases = Cases::default();
    let library = KID.replace("appVersion: 1.10", "type: library");
    cases.same("library", &format!("{ROOT}{library}"), &[]);
    cases.same("library-root", &ROOT.replace("version: 0.1.0", "version: 0.1.0\ntype: library"), &[]);
    let old = ROOT.replace("apiVersion: v2", "apiVersion: v1");
    let requirements =
        "=== requirements.yaml\ndependencies:\n- {name: kid, alias: bob, condition: bob.on, import-values: [data]}\n";
    cases.same("requirements", &format!("{old}{KID}{requirements}"), &[]);
    cases.same("requirements-off", &format!("{old}{KID}{requirements}"), &["--set", "bob.on=false"]);
    cases.same("requirements-v2", &format!("{ROOT}{KID}{requirements}"), &[]);
    cases.same("no-api-version", &ROOT.replace("apiVersion: v2\n", ""), &[]);
}

#[test]
fn what_charts_say() {
    let cases = Cases::default();
    for (name, lines) in [
        ("numbers", "appVersion: 1.10\nkeywords: [1, true]"),
        ("int", "appVersion: 7"),
        ("date", "appVersion: 2024-01-02"),
        ("large", "appVersion: 20240102"),
        ("null", "appVersion: null\nannotations: {a: null}"),
        ("case", "APPVERSION: x\nDescription: y"),
        ("list", "description: [a]"),
        ("map", "keywords: {a: 1}"),
        ("deprecated", "deprecated: yes"),
        ("deprecated-text", "deprecated: 'yes'"),
        ("maintainers", "maintainers: [{name: a, email: b, url: c}, {name: 1}]"),
        ("maintainers-null", "maintainers: [null]"),
        ("annotations", "annotations: {a: 1, b: true, c: 1.50, d: x}"),
        ("type", "type: nonsense"),
        ("kube", "kubeVersion: '>=1.20.0-0'"),
        ("kube-not", "kubeVersion: '<1.20'"),
        ("kube-wrong", "kubeVersion: nonsense"),
        ("spaces", "description: \"a\\tb\\u00a0c\\u0001d\""),
    ] {
        cases.same(&format!("says-{name}"), &ROOT.replace("version: 0.1.0", &format!("version: 0.1.0\n{lines}")), &[]);
    }
    for (name, version) in [
        ("v", "v1.2.3"),
        ("two", "1.2"),
        ("float", "1.20"),
        ("pre", "1.2.3-rc.1+x"),
        ("bad", "a.b"),
        ("zero", "01.2.3"),
    ] {
        cases.same(&format!("version-{name}"), &ROOT.replace("0.1.0", version), &[]);
    }
    cases.same("no-name", &ROOT.replace("name: root\n", ""), &[]);
    cases.same("slash-name", &ROOT.replace("name: root", "name: a/b"), &[]);
    cases.same(
        "pre-kube",
        &ROOT.replace("version: 0.1.0", "version: 0.1.0\nkubeVersion: '>=1.30.0'"),
        &["--kube-version", "1.31.4-gke.1"],
    );
}

#[test]
fn archives() {
    let kid = KID.replace("=== charts/kid/", "=== ");
    let mut chart = files(&with("- {name: kid, alias: bob}", ""));
    chart.retain(|path, _| !path.starts_with("charts/"));
    chart.insert("charts/kid-1.2.3.tgz".to_owned(), packed("kid", &kid));
    check("archive", &chart);
    chart.insert("charts/broken.tgz".to_owned(), b"nonsense".to_vec());
    check("archive-broken", &chart);
    chart.remove("charts/broken.tgz");
    chart.insert("charts/README.md".to_owned(), b"text".to_vec());
    check("archive-beside-text", &chart);
    chart.remove("charts/README.md");
    chart.insert("charts/_hidden/x".to_owned(), b"text".to_vec());
    chart.insert("charts/kid-1.2.3.tgz.prov".to_owned(), b"text".to_vec());
    check("archive-beside-others", &chart);
}

fn check(name: &str, chart: &std::collections::BTreeMap<String, Vec<u8>>) {
    use super::harness::Outcome::{Printed, Refused};
    match both(name, chart, &[]) {
        None | Some((Refused(_), Refused(_))) => {}
        Some((Printed(theirs), Printed(ours))) => assert_eq!(ours, theirs, "{name}"),
        Some((Printed(_), Refused(fault)) | (Refused(fault), Printed(_))) => panic!("{name}: {fault}"),
    }
}

#[test]
fn ignored_files() {
    let cases = Cases::default();
    let more = "=== templates/.hidden.yaml\nhidden: 1\n=== templates/skip.yaml\nskipped: 1\n=== templates/keep.yaml\nkept: 1\n=== templates/sub/deep.yaml\ndeep: 1\n";
    for (name, rules) in [
        ("none", "# nothing"),
        ("file", "skip.yaml"),
        ("star", "*ip.yaml"),
        ("root", "/templates/skip.yaml"),
        ("path", "templates/s*.yaml"),
        ("folder", "sub/"),
        ("folder-as-file", "skip.yaml/"),
        ("class", "[r-t]kip.yaml"),
        ("negated", "!templates/keep.yaml"),
        ("negated-folder", "!sub/"),
        ("stars", "**/x"),
        ("broken", "[a"),
        ("charts", "charts/\nkid"),
    ] {
        cases.same(&format!("ignore-{name}"), &format!("{ROOT}{KID}{more}=== .helmignore\n{rules}\n"), &[]);
    }
}

#[test]
fn faults_name_the_file() {
    let fault = refused("bad-values", &format!("{ROOT}=== values.yaml\na: [\n"), &[]);
    assert!(fault.is_empty() || fault.contains("values.yaml"), "{fault}");
    let fault = refused("bad-kid", &with("- {name: kid}", "=== charts/kid/Chart.yaml\nname: [\n"), &[]);
    assert!(fault.is_empty() || fault.contains("charts/kid/Chart.yaml"), "{fault}");
}
