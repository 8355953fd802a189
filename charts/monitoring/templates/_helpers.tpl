{{/* Name of this chart's objects. */}}
{{- define "monitoring.name" -}}
{{- printf "%s-prometheus" .Chart.Name | trunc 57 | trimSuffix "-" -}}
{{- end }}

{{/* Labels that select the pod. */}}
{{- define "monitoring.selectorLabels" -}}
app.kubernetes.io/name: prometheus
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "monitoring.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | trunc 63 | trimSuffix "-" }}
{{ include "monitoring.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: monitoring
app.kubernetes.io/part-of: ledger
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Image reference. */}}
{{- define "monitoring.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end }}

{{/* "true" when CockroachDB's certificate authority is mounted, otherwise empty. */}}
{{- define "monitoring.cockroachCA" -}}
{{- if .Values.cockroachdb.enabled -}}
{{- if eq .Values.cockroachdb.scheme "https" -}}
{{- if .Values.cockroachdb.caSecret -}}
true
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* Paths of the files of rules that apply, as a JSON list. */}}
{{- define "monitoring.ruleFiles" -}}
{{- $files := list "files/rules/ledger.yaml" -}}
{{- if .Values.cockroachdb.enabled -}}
{{- $files = append $files "files/rules/cockroachdb.yaml" -}}
{{- end -}}
{{- toJson $files -}}
{{- end }}
