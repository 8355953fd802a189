//! Rendered files: how they are parted and sorted, hooks, definitions of custom resources, and what is no YAML.

use super::harness::Cases;

const CHART: &str = "=== Chart.yaml
apiVersion: v2
name: root
version: 0.1.0
=== charts/kid/Chart.yaml
apiVersion: v2
name: kid
version: 1.2.3
";

fn object(kind: &str, name: &str, more: &str) -> String {
    format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n{more}")
}

#[test]
fn order() {
    let cases = Cases::default();
    let kinds = [
        "Zebra",
        "Deployment",
        "Service",
        "Ingress",
        "Job",
        "CronJob",
        "StatefulSet",
        "DaemonSet",
        "Pod",
        "ConfigMap",
        "Secret",
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "ClusterRole",
        "ClusterRoleBinding",
        "Namespace",
        "CustomResourceDefinition",
        "PersistentVolumeClaim",
        "Alpha",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "HorizontalPodAutoscaler",
        "PriorityClass",
        "ValidatingWebhookConfiguration",
        "IngressClass",
        "StorageClass",
        "MutatingWebhookConfiguration",
        "APIService",
        "LimitRange",
        "ResourceQuota",
        "ReplicaSet",
        "RoleList",
        "Gateway",
        "List",
    ];
    let mut text = CHART.to_owned();
    for (number, kind) in kinds.iter().enumerate() {
        let path = ["templates/a", "charts/kid/templates/", "templates/sub/"][number % 3];
        text += &format!(
            "=== {path}{number}.yaml\n{}---\n{}",
            object(kind, "one", ""),
            object(kinds[kinds.len() - 1 - number], "two", "")
        );
    }
    cases.same("order", &text, &[]);
}

#[test]
fn documents() {
    let cases = Cases::default();
    for (name, text) in [
        ("glued", "---apiVersion: v1\nkind: A\n---kind: B\n"),
        ("blank", "\n\n---\n\n---\n# only a comment\n---\n   \n"),
        ("comments", "# before\n---\n# in\nkind: A\n# after\n"),
        ("trailing", "kind: A\n\n\n"),
        ("spaces", "--- \t\nkind: A\n---   # comment\nkind: B\n"),
        ("indented", "kind: A\ntext: |\n  ---\n  x\n---\nkind: B\n"),
        ("in-text", "kind: A\ntext: |\n---\nkind: B\n"),
        ("dots", "kind: A\n...\n---\nkind: B\n"),
        ("leading-space", "   kind: A\n   x: 1\n"),
        ("crlf", "kind: A\r\n---\r\nkind: B\r\n"),
        ("list", "- a\n"),
        ("text", "just text\n"),
        ("number", "12\n"),
        ("null", "null\n"),
        ("broken", "a: [\n"),
        ("tab", "a:\n\tb: 1\n"),
        ("duplicate", "kind: A\nkind: B\n"),
        ("kind-number", "kind: 1\n"),
        ("kind-map", "kind: {a: 1}\n"),
        ("metadata-text", "kind: A\nmetadata: x\n"),
        ("annotation-number", "kind: A\nmetadata: {annotations: {a: 1, b: null}}\n"),
        ("annotation-map", "kind: A\nmetadata: {annotations: {a: {b: 1}}}\n"),
        ("annotations-list", "kind: A\nmetadata: {annotations: [a]}\n"),
        ("name-number", "kind: A\nmetadata: {name: 1}\n"),
        ("more-dashes", "----\nkind: A\n"),
    ] {
        cases.same(
            &format!("documents-{name}"),
            &format!("{CHART}=== templates/x.yaml\n{text}=== templates/y.yaml\nkind: Y\n"),
            &[],
        );
    }
}

#[test]
fn hooks() {
    let cases = Cases::default();
    let mut text = CHART.to_owned();
    for (number, (hook, more)) in [
        ("pre-install", "helm.sh/hook-weight: \"-5\""),
        ("pre-install,post-upgrade", "helm.sh/hook-weight: \"x\""),
        ("Test", "helm.sh/hook-delete-policy: before-hook-creation, hook-succeeded"),
        ("test-success", "a: b"),
        ("crd-install", "a: b"),
        ("post-install, nonsense", "a: b"),
        (" post-delete ", "a: b"),
    ]
    .into_iter()
    .enumerate()
    {
        let kind = ["Job", "Pod", "ConfigMap"][number % 3];
        let more = format!("  annotations:\n    helm.sh/hook: {hook:?}\n    {more}\n");
        text +=
            &format!("=== templates/h{number}.yaml\n{}---\n{}", object(kind, "h", &more), object("ConfigMap", "c", ""));
    }
    cases.same("hooks", &text, &[]);
    cases.same(
        "hook-only",
        &format!("{CHART}=== templates/h.yaml\n{}", object("Job", "h", "  annotations: {helm.sh/hook: test}\n")),
        &[],
    );
    cases.same("nothing", CHART, &[]);
}

#[test]
fn notes_partials_and_others() {
    let cases = Cases::default();
    let more = "=== templates/NOTES.txt\nhello\n=== templates/_x.yaml\nkind: No\n=== templates/readme.txt\nkind: Txt\n=== templates/tests/t.yaml\nkind: T\n=== charts/kid/templates/NOTES.txt\nhello\n=== templates/empty.yaml\n  \n=== templates/x.tpl\nkind: Tpl\n";
    cases.same("notes", &format!("{CHART}{more}"), &[]);
}

#[test]
fn custom_resources() {
    let cases = Cases::default();
    let more = "=== crds/b.yaml\nkind: CustomResourceDefinition\nname: b\n=== crds/a-x.yml\nkind: CustomResourceDefinition\n---\nkind: Second\n=== crds/sub/c.json\n{\"kind\": \"X\"}\n=== crds/readme.md\ntext\n=== charts/kid/crds/k.yaml\nkind: K\n=== templates/x.yaml\nkind: X\n=== crds/a/z.yaml\nkind: Z\n";
    cases.same("crds", &format!("{CHART}{more}"), &["--include-crds"]);
    cases.same("crds-off", &format!("{CHART}{more}"), &[]);
}
