{{/* Alertmanager's own configuration in the words of an AlertmanagerConfig. */}}

{{/* Called with: root, route. */}}
{{- define "callsla.route" -}}
{{- $root := .root }}
{{- with .route }}
receiver: {{ .receiver }}
{{- with .group_by }}
groupBy: {{ toJson . }}
{{- end }}
groupWait: {{ .group_wait }}
groupInterval: {{ .group_interval }}
repeatInterval: {{ .repeat_interval }}
{{- with .matchers }}
matchers:
  {{- include "callsla.matchers" . | nindent 2 }}
{{- end }}
{{- if and .mute_time_intervals (include "callsla.mutes" $root) }}
muteTimeIntervals: {{ toJson .mute_time_intervals }}
{{- end }}
{{- with .routes }}
routes:
  {{- range . }}
  - {{ include "callsla.route" (dict "root" $root "route" .) | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* `name=~"value"` -> its three parts. */}}
{{- define "callsla.matchers" -}}
{{- range . }}
{{- $type := regexFind "=~|!~|!=|=" . }}
{{- $parts := splitn $type 2 . }}
- {name: {{ $parts._0 }}, matchType: {{ $type | quote }}, value: {{ $parts._1 }}}
{{- end }}
{{- end }}

{{- define "callsla.receiver" -}}
{{- $hook := .root.Values.alertmanager.webhook }}
{{- if or $hook.existingSecret $hook.url }}
webhookConfigs:
  {{- range .hooks }}
  - sendResolved: {{ .send_resolved }}
    {{- with $hook.existingSecret }}
    urlSecret: {name: {{ . | quote }}, key: {{ $hook.key | quote }}}
    {{- else }}
    url: {{ $hook.url | quote }}
    {{- end }}
  {{- end }}
{{- end }}
{{- with index .root.Values.alertmanager.receivers .name }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The hours in which tickets wait. An AlertmanagerConfig knows no time zone, so only hours in UTC can be told. */}}
{{- define "callsla.mutes" -}}
{{- $times := (include "callsla.alertmanager" . | fromYaml).time_intervals }}
{{- $other := false }}
{{- range $times }}{{ range .time_intervals }}
{{- if ne (.location | default "UTC") "UTC" }}{{ $other = true }}{{ end }}
{{- end }}{{ end }}
{{- if and $times (not $other) }}
{{- range $times }}
- name: {{ .name }}
  timeIntervals:
    {{- range .time_intervals }}
    - {{ include "callsla.interval" . | nindent 6 | trim }}
    {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "callsla.interval" -}}
{{- with .times }}
times:
  {{- range . }}
  - {startTime: {{ .start_time | quote }}, endTime: {{ .end_time | quote }}}
  {{- end }}
{{- end }}
{{- with .weekdays }}
weekdays: {{ toJson . }}
{{- end }}
{{- with .days_of_month }}
daysOfMonth:
  {{- range . }}
  - {start: {{ splitList ":" . | first }}, end: {{ splitList ":" . | last }}}
  {{- end }}
{{- end }}
{{- with .months }}
months: {{ toJson . }}
{{- end }}
{{- with .years }}
years: {{ toJson . }}
{{- end }}
{{- end }}
