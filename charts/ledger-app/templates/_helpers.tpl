{{/* Name of every object of this chart; other charts and dashboards rely on it. */}}
{{- define "ledger-app.name" -}}
{{- .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{/* Labels that select the pods; they never change during a release's life. */}}
{{- define "ledger-app.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ledger-app.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "ledger-app.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | trunc 63 | trimSuffix "-" }}
{{ include "ledger-app.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: application
app.kubernetes.io/part-of: ledger
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Image reference. */}}
{{- define "ledger-app.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end }}
