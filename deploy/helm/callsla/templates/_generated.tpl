{{/* What follows from slo.yaml: shipped with the chart, or written by `callsla slo values`. */}}

{{- define "callsla.rules" -}}
{{- if .Values.slo }}{{ .Values.generated.rules }}{{ else }}{{ .Files.Get "files/callsla-rules.yaml" }}{{ end }}
{{- end }}

{{- define "callsla.alertmanager" -}}
{{- if .Values.slo }}{{ .Values.generated.alertmanager }}{{ else }}{{ .Files.Get "files/alertmanager.yaml" }}{{ end }}
{{- end }}

{{- define "callsla.templates" -}}
{{- if .Values.slo }}{{ .Values.generated.templates }}{{ else }}{{ .Files.Get "files/callsla.tmpl" }}{{ end }}
{{- end }}

{{/* Name of the file -> its text, as YAML. */}}
{{- define "callsla.dashboards" -}}
{{- if .Values.slo }}
{{- toYaml .Values.generated.dashboards }}
{{- else }}
{{- $texts := dict }}
{{- range $path, $_ := .Files.Glob "files/dashboards/*.json" }}
{{- $_ := set $texts (base $path) ($.Files.Get $path) }}
{{- end }}
{{- toYaml $texts }}
{{- end }}
{{- end }}

{{/* A rule; an alert with what the values want different. Called with: root, rule. */}}
{{- define "callsla.rule" -}}
{{- $rule := .rule }}
{{- if $rule.alert }}
{{- $values := .root.Values.prometheusRule }}
{{- $own := index $values.alerts $rule.alert | default dict }}
{{- with $own.for }}{{ $_ := set $rule "for" . }}{{ end }}
{{- with $own.keepFiringFor }}{{ $_ := set $rule "keep_firing_for" . }}{{ end }}
{{- if $values.alertNamespace }}{{ $_ := set $rule.labels "namespace" (include "callsla.alertNamespace" .root) }}{{ end }}
{{- $labels := mustMergeOverwrite $rule.labels $values.alertLabels ($own.labels | default dict) }}
{{- with $own.severity }}{{ $_ := set $labels "severity" . }}{{ end }}
{{- with $values.runbooks }}
{{- $_ := set $rule.annotations "runbook_url" (printf "%s#%s" . (lower $rule.alert)) }}
{{- end }}
{{- $_ := mustMergeOverwrite $rule.annotations ($own.annotations | default dict) }}
{{- end }}
{{- toYaml $rule }}
{{- end }}

{{/* An AlertmanagerConfig sees alerts of its own namespace. */}}
{{- define "callsla.alertNamespace" -}}
{{- .Values.alertmanager.namespace | default .Release.Namespace }}
{{- end }}
