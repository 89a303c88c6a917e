{{/* The Secret with the credentials: the one that is named, or that of the KafkaUser. */}}
{{- define "callsla.kafkaSecret" -}}
{{- $ofUser := and .Values.strimzi.user.enabled (eq .Values.strimzi.user.authentication "scram-sha-512") }}
{{- .Values.kafka.auth.existingSecret | default ($ofUser | ternary (include "callsla.fullname" .) "") }}
{{- end }}

{{/* The client's certificate: the Secret that is named, or that of the KafkaUser, and its keys. */}}
{{- define "callsla.client" -}}
{{- $client := .Values.kafka.tls.client }}
{{- if $client.existingSecret }}
{{- toYaml (dict "secret" $client.existingSecret "cert" $client.certKey "key" $client.keyKey "password" $client.keyPasswordKey) }}
{{- else if and .Values.strimzi.user.enabled (eq .Values.strimzi.user.authentication "tls") }}
{{- toYaml (dict "secret" (include "callsla.fullname" .) "cert" "user.crt" "key" "user.key" "password" "") }}
{{- end }}
{{- end }}

{{/* The user's name, if it is no part of the Secret. */}}
{{- define "callsla.username" -}}
{{- $ofUser := and .Values.strimzi.user.enabled (not .Values.kafka.auth.existingSecret) }}
{{- .Values.kafka.auth.username | default ($ofUser | ternary (include "callsla.fullname" .) "") }}
{{- end }}

{{/* Whether workers make missing topics before they start. */}}
{{- define "callsla.creates" -}}
{{- if and .Values.kafka.topics.create (not .Values.strimzi.topics.enabled) }}true{{ end }}
{{- end }}

{{/* The topics as they have to be: what `callsla topics create` makes and `callsla topics check` asks for. */}}
{{- define "callsla.topics" -}}
{{- $topics := .Values.kafka.topics }}
- suffix: events
  name: {{ $topics.events | quote }}
  config: {cleanup.policy: delete, retention.ms: {{ mul $topics.retentionHours 3600000 | quote }}}
- suffix: promises
  name: {{ $topics.promises | quote }}
  config: {cleanup.policy: delete, retention.ms: "604800000", max.message.bytes: "1048588"}
- suffix: dead-letters
  name: {{ $topics.deadLetters | quote }}
  config: {cleanup.policy: delete, retention.ms: "2592000000", max.message.bytes: "4194304"}
- suffix: ledger
  name: {{ $topics.ledger | quote }}
  # Kept for ever and never compacted: the workers trim what they no longer need.
  config: {cleanup.policy: delete, retention.ms: "-1", retention.bytes: "-1", unclean.leader.election.enable: "false", segment.bytes: "67108864", max.message.bytes: "1048588"}
{{- end }}

{{/* What a worker and `callsla doctor` do, and nothing more. */}}
{{- define "callsla.acls" -}}
{{- $topics := .Values.kafka.topics }}
{{- $create := include "callsla.creates" . | empty | ternary (list) (list "Create") }}
{{- $events := $topics.raw | empty | ternary (list "Read") (list "Read" "Write") }}
{{- $needs := dict $topics.events $events $topics.promises (list "Write") $topics.deadLetters (list "Write") $topics.ledger (list "Read" "Write" "Delete") }}
{{- range $name, $operations := $needs }}
- resource: {type: topic, name: {{ $name | quote }}, patternType: literal}
  operations: {{ concat $operations (list "Describe" "DescribeConfigs") $create | toJson }}
{{- end }}
{{- range $name, $_ := $topics.raw }}
- resource: {type: topic, name: {{ $name | quote }}, patternType: literal}
  operations: [Read, Describe]
{{- end }}
- resource: {type: group, name: {{ .Values.kafka.group | quote }}, patternType: literal}
  operations: [Read, Describe]
{{- end }}
