//! What templates see: the release, files, capabilities, sub-charts, and what one template leaves to the next.

use super::harness::Cases;

const CHART: &str = "=== Chart.yaml
apiVersion: v2
name: root
version: 0.1.0
appVersion: 1.2.3
annotations: {some: text}
maintainers: [{name: a}]
dependencies: [{name: kid, version: '*', alias: bob, import-values: [data]}]
=== values.yaml
a: {b: 1}
bob: {x: 2}
global: {g: 1}
=== files/a.ini
x=1
y=2
=== files/deep/b.txt
b: {{ .Values.a.b }}
=== files/c.yaml
c: [1]
=== charts/kid/Chart.yaml
apiVersion: v2
name: kid
version: 1.2.3
=== charts/kid/values.yaml
x: 1
exports: {data: {imported: true}}
=== charts/kid/own.txt
own
=== charts/kid/templates/_kid.tpl
{{- define \"kid.name\" }}{{ .Chart.Name }}-{{ .Release.Name }}{{ end -}}
{{- define \"shared\" }}kid{{ end -}}
=== templates/_root.tpl
{{- define \"shared\" }}root{{ end -}}
";

#[test]
fn scopes() {
    let cases = Cases::default();
    for (name, root, kid) in [
        (
            "release",
            "r: {{ .Release.Name }} {{ .Release.Namespace }} {{ .Release.Service }} {{ .Release.IsInstall }} {{ .Release.Revision }}",
            "",
        ),
        (
            "chart",
            "c: {{ .Chart.Name }} {{ .Chart.Version }} {{ .Chart.AppVersion }} {{ .Chart.Annotations.some }} {{ .Chart.Type }} {{ (index .Chart.Maintainers 0).Name }}",
            "k: {{ .Chart.Name }} {{ .Chart.IsRoot }}",
        ),
        (
            "template",
            "t: {{ .Template.Name }} {{ .Template.BasePath }}",
            "t: {{ .Template.Name }} {{ .Template.BasePath }}",
        ),
        ("values", "v: {{ .Values | toJson }}", "v: {{ .Values | toJson }}"),
        (
            "subcharts",
            "s: {{ .Subcharts.bob.Values.x }} {{ .Subcharts.bob.Chart.Name }} {{ include \"kid.name\" .Subcharts.bob }}",
            "",
        ),
        ("shared", "s: {{ include \"shared\" . }}", "s: {{ include \"shared\" . }}"),
        (
            "base",
            "s: {{ print $.Template.BasePath \"/x.yaml\" }} {{ include (print $.Template.BasePath \"/other.yaml\") . | sha256sum }}\n=== templates/other.yaml\no: 1",
            "",
        ),
        (
            "set",
            "{{ $_ := set .Values \"later\" \"x\" }}{{ $_ := set .Values.a \"b\" 7 }}s: {{ .Values.later }}\n=== templates/a.yaml\nlater: {{ .Values.later }} {{ .Values.a.b }}\n=== templates/z.yaml\nlater: {{ .Values.later }} {{ .Values.a.b }}",
            "",
        ),
        (
            "set-kid",
            "x: {{ .Values.bob.x }} {{ .Values.bob.new }}",
            "{{ $_ := set .Values \"new\" 5 }}{{ $_ := set .Values.global \"g\" 9 }}x: 1",
        ),
        (
            "set-global",
            "x: {{ .Values.global }} {{ .Values.bob.global }}",
            "{{ $_ := set .Values.global \"g\" 9 }}x: 1",
        ),
        (
            "files",
            "f: {{ .Files.Get \"files/a.ini\" | quote }} {{ .Files.Get \"none\" | quote }} {{ .Files.Get \"templates/x.yaml\" | quote }} {{ .Files.Get \"Chart.yaml\" | quote }}",
            "f: {{ .Files.Get \"own.txt\" | quote }} {{ .Files.Get \"files/a.ini\" | quote }}",
        ),
        (
            "glob",
            "f:\n{{ range $path, $_ := .Files.Glob \"files/**\" }}- {{ $path }} {{ $.Files.Get $path | quote }}\n{{ end }}",
            "",
        ),
        (
            "glob-config",
            "data:\n{{ (.Files.Glob \"files/*\").AsConfig | indent 2 }}\n  more: x\nsecrets:\n{{ (.Files.Glob \"{files,none}/**.txt\").AsSecrets | indent 2 }}",
            "",
        ),
        ("glob-none", "data: {{ (.Files.Glob \"none/*\").AsConfig }} {{ .Files.Glob \"none/*\" | len }}", ""),
        (
            "glob-if",
            "data: {{ if .Files.Glob \"none/*\" }}yes{{ else }}no{{ end }} {{ if .Files.Glob \"files/*\" }}yes{{ end }} {{ len (.Files.Glob \"**\") }}",
            "",
        ),
        (
            "lines",
            "f: {{ range .Files.Lines \"files/a.ini\" }}[{{ . }}]{{ end }} {{ .Files.Lines \"none\" | len }}",
            "",
        ),
        (
            "tpl-file",
            "f: {{ tpl (.Files.Get \"files/deep/b.txt\") . | quote }} {{ .Files.Get \"files/c.yaml\" | fromYaml | toJson }}",
            "",
        ),
        (
            "bytes",
            "f: {{ .Files.GetBytes \"files/a.ini\" | toString | quote }} {{ range $p, $b := .Files.Glob \"files/*.ini\" }}{{ $p }} {{ toString $b | quote }}{{ end }}",
            "",
        ),
        (
            "capabilities",
            "k: {{ .Capabilities.KubeVersion.Version }} {{ .Capabilities.KubeVersion.Major }} {{ .Capabilities.KubeVersion.Minor }} {{ .Capabilities.KubeVersion.GitVersion }} {{ .Capabilities.KubeVersion }} {{ .Capabilities.HelmVersion.Version }} {{ .Capabilities.HelmVersion.GoVersion }}",
            "",
        ),
        (
            "has",
            "h: {{ .Capabilities.APIVersions.Has \"apps/v1\" }} {{ .Capabilities.APIVersions.Has \"apps/v1/Deployment\" }} {{ .Capabilities.APIVersions | has \"batch/v1\" }} {{ if .Capabilities.APIVersions.Has \"x/v1\" }}x{{ end }}",
            "",
        ),
        (
            "semver",
            "s: {{ semverCompare \">=1.19-0\" .Capabilities.KubeVersion.Version }} {{ semverCompare \"<1.19-0\" .Capabilities.KubeVersion.GitVersion }} {{ .Capabilities.KubeVersion.String }}",
            "",
        ),
        ("values-method", "v: {{ .Values.AsMap | toJson }}", ""),
        ("whole", "v: {{ . | keys | sortAlpha | toJson }}", ""),
        ("required", "v: {{ required \"need it\" .Values.none }}", ""),
        ("fail", "v: {{ fail \"no\" }}", ""),
        ("nil", "v: {{ .Values.none.b }}", ""),
        ("nil-safe", "v: {{ (.Values.none).b }} {{ .Values.a.none }} {{ .Values.none | quote }}", ""),
        ("root-in-kid", "v: 1", "v: {{ .Values.a }} {{ $.Release.Name }} {{ .Values.global.g }}"),
    ] {
        let text = format!("{CHART}=== charts/kid/templates/k.yaml\n{kid}\n=== templates/x.yaml\n{root}");
        cases.same(name, &text, &[]);
        cases.same(&format!("{name}-other"), &text, &["--kube-version", "v1.31.4-gke.1", "-a", "x/v1", "--is-upgrade"]);
    }
}
