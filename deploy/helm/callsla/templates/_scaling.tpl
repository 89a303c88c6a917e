{{/* One at a time: each change moves partitions. */}}
{{- define "callsla.scaling" -}}
scaleDown:
  stabilizationWindowSeconds: {{ . }}
  policies:
    - {type: Pods, value: 1, periodSeconds: 300}
scaleUp:
  stabilizationWindowSeconds: 60
  policies:
    - {type: Pods, value: 1, periodSeconds: 60}
{{- end }}

{{/* What KEDA needs to log in as the workers do: names in a ConfigMap of ours, secrets from theirs. */}}
{{- define "callsla.kedaNames" -}}
{{- $auth := .Values.kafka.auth }}
{{- if include "callsla.tls" . }}
tls: enable
{{- end }}
{{- if include "callsla.sasl" . }}
sasl: {{ get (dict "PLAIN" "plaintext" "SCRAM-SHA-256" "scram_sha256" "SCRAM-SHA-512" "scram_sha512" "OAUTHBEARER" "oauthbearer") $auth.mechanism }}
{{- end }}
{{- if include "callsla.bearer" . }}
oauthTokenEndpointUri: {{ $auth.oauth.tokenUrl | quote }}
{{- with $auth.oauth.scope }}
scopes: {{ . | quote }}
{{- end }}
{{- with $auth.oauth.clientId }}
username: {{ . | quote }}
{{- end }}
{{- else if include "callsla.sasl" . }}
{{- with include "callsla.username" . }}
username: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Parameter -> the Secret and its key. */}}
{{- define "callsla.kedaSecrets" -}}
{{- $auth := .Values.kafka.auth }}
{{- $secret := include "callsla.kafkaSecret" . }}
{{- $names := include "callsla.kedaNames" . | fromYaml }}
{{- if include "callsla.sasl" . }}
{{- if not $names.username }}
- {parameter: username, name: {{ $secret | quote }}, key: {{ include "callsla.bearer" . | empty | ternary $auth.usernameKey $auth.oauth.clientIdKey | quote }}}
{{- end }}
- {parameter: password, name: {{ $secret | quote }}, key: {{ include "callsla.bearer" . | empty | ternary $auth.passwordKey $auth.oauth.clientSecretKey | quote }}}
{{- end }}
{{- with .Values.kafka.tls.ca.secret }}
- {parameter: ca, name: {{ . | quote }}, key: {{ $.Values.kafka.tls.ca.key | quote }}}
{{- end }}
{{- with include "callsla.client" . | fromYaml }}
- {parameter: cert, name: {{ .secret | quote }}, key: {{ .cert | quote }}}
- {parameter: key, name: {{ .secret | quote }}, key: {{ .key | quote }}}
{{- if .password }}
- {parameter: keyPassword, name: {{ .secret | quote }}, key: {{ .password | quote }}}
{{- end }}
{{- end }}
{{- end }}
