{{/* Name of the StatefulSet and of the headless Service; node addresses derive from it. */}}
{{- define "cockroachdb.name" -}}
{{- .Chart.Name | trunc 56 | trimSuffix "-" -}}
{{- end }}

{{/* Labels that select the database pods, and not the init Job's. */}}
{{- define "cockroachdb.selectorLabels" -}}
app.kubernetes.io/name: {{ include "cockroachdb.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: database
{{- end }}

{{/* Labels of every object, but for the component. */}}
{{- define "cockroachdb.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: ledger
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* Labels of the database's objects. */}}
{{- define "cockroachdb.labels" -}}
{{ include "cockroachdb.selectorLabels" . }}
{{ include "cockroachdb.commonLabels" . }}
{{- end }}

{{/* Labels of the init Job. */}}
{{- define "cockroachdb.initLabels" -}}
app.kubernetes.io/name: {{ include "cockroachdb.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: init
{{ include "cockroachdb.commonLabels" . }}
{{- end }}

{{/* Image reference. */}}
{{- define "cockroachdb.image" -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end }}

{{/* Join list: the first three nodes of this release, then the addresses in other clusters. */}}
{{- define "cockroachdb.join" -}}
{{- $name := include "cockroachdb.name" . -}}
{{- printf "%s-0.%s:26257,%s-1.%s:26257,%s-2.%s:26257" $name $name $name $name $name $name -}}
{{- range .Values.join }},{{ . }}{{ end -}}
{{- end }}

{{/* Name of a node inside its own Kubernetes cluster; the kubelet fills in the name of the pod and its namespace. */}}
{{- define "cockroachdb.internalAddress" -}}
{{- printf "$(POD_NAME).%s.$(POD_NAMESPACE).svc.%s:26257" (include "cockroachdb.name" .) .Values.clusterDomain -}}
{{- end }}

{{/* "true" when this release initialises the database, otherwise empty. */}}
{{- define "cockroachdb.initialises" -}}
{{- if and .Values.init.enabled (or (not .Values.init.region) (eq .Values.init.region .Values.locality.region)) -}}
true
{{- end -}}
{{- end }}

{{/* Peers of a NetworkPolicy: the nodes of other clusters. */}}
{{- define "cockroachdb.externalPeers" -}}
{{- if .Values.external.domain -}}
# The nodes of other clusters.
{{- range .Values.external.cidrs }}
- ipBlock:
    cidr: {{ . }}
{{- end }}
{{- end -}}
{{- end }}

{{/* Egress rule of a NetworkPolicy: name resolution. */}}
{{- define "cockroachdb.dnsEgress" -}}
# Name resolution.
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
      podSelector:
        matchLabels:
          k8s-app: kube-dns
  ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
{{- end }}

{{/* Name of the Secret with the certificates. */}}
{{- define "cockroachdb.tlsSecret" -}}
{{- required "tls.existingSecret is required while tls.enabled is true" .Values.tls.existingSecret -}}
{{- end }}

{{/* Security context of every pod. The group may read the keys, which CockroachDB accepts of files owned by root. */}}
{{- define "cockroachdb.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* Security context of every container. */}}
{{- define "cockroachdb.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop:
    - ALL
{{- end }}
