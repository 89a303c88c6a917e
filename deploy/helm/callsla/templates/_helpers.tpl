{{- define "callsla.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "callsla.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "callsla.selector" -}}
app.kubernetes.io/name: {{ include "callsla.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of Pods: a chart of a new version alone replaces none. */}}
{{- define "callsla.podLabels" -}}
{{ include "callsla.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: callsla
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "callsla.labels" -}}
{{ include "callsla.podLabels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The metadata of an object. Called with: root; name, suffix, namespace, component, labels and annotations if any. */}}
{{- define "callsla.metadata" -}}
name: {{ .name | default (include "callsla.fullname" .root) }}{{ with .suffix }}-{{ . }}{{ end }}
namespace: {{ .namespace | default .root.Release.Namespace }}
labels:
  {{- include "callsla.labels" .root | nindent 2 }}
  app.kubernetes.io/component: {{ .component | default "worker" }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge dict (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "callsla.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "callsla.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "callsla.image" -}}
{{- $registry := .Values.global.imageRegistry | default .Values.image.registry }}
{{- $name := .Values.image.repository }}
{{- with $registry }}{{ $name = printf "%s/%s" . $name }}{{ end }}
{{- if .Values.image.digest }}
{{- printf "%s@%s" $name .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" $name (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- end }}

{{/* `host:port,host:port` */}}
{{- define "callsla.brokers" -}}
{{- $brokers := .Values.kafka.brokers }}
{{- if kindIs "slice" $brokers }}{{ $brokers = join "," $brokers }}{{ end }}
{{- required "kafka.brokers is needed: name your brokers, such as --set kafka.brokers=kafka-bootstrap.kafka:9092" $brokers | nospace }}
{{- end }}

{{- define "callsla.sasl" -}}
{{- if hasPrefix "SASL_" .Values.kafka.auth.protocol }}true{{ end }}
{{- end }}

{{- define "callsla.tls" -}}
{{- if hasSuffix "SSL" .Values.kafka.auth.protocol }}true{{ end }}
{{- end }}

{{- define "callsla.bearer" -}}
{{- if and (include "callsla.sasl" .) (eq .Values.kafka.auth.mechanism "OAUTHBEARER") }}true{{ end }}
{{- end }}

{{/* The text of slo.yaml. */}}
{{- define "callsla.slo" -}}
{{- .Values.slo | default (.Files.Get "files/slo.yaml") }}
{{- end }}
