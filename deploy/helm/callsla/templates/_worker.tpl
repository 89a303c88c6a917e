{{/* worker.yaml: the settings that are no secrets. */}}
{{- define "callsla.settings" -}}
{{- $kafka := .Values.kafka }}
{{- $auth := $kafka.auth }}
broker: {{ include "callsla.brokers" . | quote }}
events_topic: {{ $kafka.topics.events | quote }}
promises_topic: {{ $kafka.topics.promises | quote }}
dead_letters_topic: {{ $kafka.topics.deadLetters | quote }}
ledger_topic: {{ $kafka.topics.ledger | quote }}
{{- with $kafka.topics.raw }}
raw_topics:
  {{- toYaml . | nindent 2 }}
{{- end }}
partitions: {{ $kafka.topics.partitions }}
replication: {{ $kafka.topics.replication }}
retention_hours: {{ $kafka.topics.retentionHours }}
group: {{ $kafka.group | quote }}
metrics_host: {{ .Values.worker.host | quote }}
metrics_port: {{ .Values.worker.port }}
slo_file: /etc/callsla/slo.yaml
tick_seconds: {{ .Values.worker.tickSeconds }}
snapshot_seconds: {{ .Values.worker.snapshotSeconds }}
ready_lag: {{ .Values.worker.readyLag | int }}
{{- if .Values.worker.acceptLoss }}
accept_loss: true
{{- end }}
log_level: {{ .Values.worker.logLevel }}
log_format: {{ .Values.worker.logFormat }}
security_protocol: {{ $auth.protocol }}
{{- if include "callsla.bearer" . }}
sasl_mechanism: OAUTHBEARER
{{- if $auth.oauth.serviceAccountToken.enabled }}
oauth_token_file: /var/run/secrets/callsla/token/token
{{- else }}
oauth_token_url: {{ $auth.oauth.tokenUrl | quote }}
{{- with $auth.oauth.clientId }}
oauth_client_id: {{ . | quote }}
{{- end }}
oauth_client_secret_file: /var/run/secrets/callsla/kafka/client-secret
{{- with $auth.oauth.scope }}
oauth_scope: {{ . | quote }}
{{- end }}
{{- if include "callsla.hasCa" $auth.oauth.ca }}
oauth_ca_file: /var/run/secrets/callsla/oauth-ca/ca.crt
{{- end }}
{{- end }}
{{- else if include "callsla.sasl" . }}
sasl_mechanism: {{ $auth.mechanism }}
{{- with include "callsla.username" . }}
sasl_username: {{ . | quote }}
{{- end }}
sasl_password_file: /var/run/secrets/callsla/kafka/password
{{- end }}
{{- if include "callsla.hasCa" $kafka.tls.ca }}
tls_ca_file: /var/run/secrets/callsla/kafka-ca/ca.crt
{{- end }}
{{- with include "callsla.client" . | fromYaml }}
tls_cert_file: /var/run/secrets/callsla/kafka-client/tls.crt
tls_key_file: /var/run/secrets/callsla/kafka-client/tls.key
{{- if .password }}
tls_key_password_file: /var/run/secrets/callsla/kafka-client/password
{{- end }}
{{- end }}
{{- end }}

{{- define "callsla.hasCa" -}}
{{- if or .configMap .secret }}true{{ end }}
{{- end }}

{{/* Environment: names that stand in a Secret, and what only the environment can say. */}}
{{- define "callsla.env" -}}
{{- $auth := .Values.kafka.auth }}
{{- if include "callsla.bearer" . }}
{{- if not (or $auth.oauth.clientId $auth.oauth.serviceAccountToken.enabled) }}
{{ include "callsla.secretEnv" (list "CALLSLA_OAUTH_CLIENT_ID" (include "callsla.kafkaSecret" .) $auth.oauth.clientIdKey) }}
{{- end }}
{{- else if and (include "callsla.sasl" .) (not (include "callsla.username" .)) }}
{{ include "callsla.secretEnv" (list "CALLSLA_SASL_USERNAME" (include "callsla.kafkaSecret" .) $auth.usernameKey) }}
{{- end }}
{{- if .Values.pseudonymKeys.existingSecret }}
- name: CALLSLA_PSEUDONYM_KEY_FILE
  value: /var/run/secrets/callsla/pseudonym/keys
{{- end }}
{{- with .Values.worker.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "callsla.secretEnv" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 1 | quote }}
      key: {{ index . 2 | quote }}
{{- end }}

{{- define "callsla.mounts" -}}
- {name: config, mountPath: /etc/callsla, readOnly: true}
- {name: tmp, mountPath: /tmp}
{{- range include "callsla.secretVolumes" . | fromYamlArray }}
- {name: {{ .name }}, mountPath: {{ printf "/var/run/secrets/callsla/%s" .name }}, readOnly: true}
{{- end }}
{{- with .Values.worker.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "callsla.volumes" -}}
- name: config
  configMap:
    name: {{ include "callsla.fullname" . }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- with include "callsla.secretVolumes" . | trim }}
{{ . }}
{{- end }}
{{- with .Values.worker.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Everything that is secret, as files that only the worker's group can read. */}}
{{- define "callsla.secretVolumes" -}}
{{- $auth := .Values.kafka.auth }}
{{- if and (include "callsla.bearer" .) $auth.oauth.serviceAccountToken.enabled }}
- name: token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken:
          path: token
          audience: {{ $auth.oauth.serviceAccountToken.audience | quote }}
          expirationSeconds: {{ $auth.oauth.serviceAccountToken.expirationSeconds | int }}
{{- else if include "callsla.bearer" . }}
{{ include "callsla.secretVolume" (list "kafka" (include "callsla.kafkaSecret" .) (dict $auth.oauth.clientSecretKey "client-secret")) }}
{{- else if include "callsla.sasl" . }}
{{ include "callsla.secretVolume" (list "kafka" (include "callsla.kafkaSecret" .) (dict $auth.passwordKey "password")) }}
{{- end }}
{{- if and (include "callsla.bearer" .) (include "callsla.hasCa" $auth.oauth.ca) }}
{{ include "callsla.caVolume" (list "oauth-ca" $auth.oauth.ca) }}
{{- end }}
{{- if include "callsla.hasCa" .Values.kafka.tls.ca }}
{{ include "callsla.caVolume" (list "kafka-ca" .Values.kafka.tls.ca) }}
{{- end }}
{{- with include "callsla.client" . | fromYaml }}
{{- $keys := dict .cert "tls.crt" .key "tls.key" }}
{{- with .password }}{{ $_ := set $keys . "password" }}{{ end }}
{{ include "callsla.secretVolume" (list "kafka-client" .secret $keys) }}
{{- end }}
{{- if and .isTest (include "callsla.tokenSecret" .) }}
{{ include "callsla.secretVolume" (list "tokens" (include "callsla.tokenSecret" .) (include "callsla.tokenKeys" . | fromYaml)) }}
{{- end }}
{{- with .Values.pseudonymKeys }}
{{- if .existingSecret }}
{{ include "callsla.secretVolume" (list "pseudonym" .existingSecret (dict .key "keys")) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Of `helm test` alone: tokens for Prometheus, Alertmanager and Grafana. */}}
{{- define "callsla.tokenKeys" -}}
{{- $tokens := .Values.test.tokens | default dict }}
{{- $keys := dict }}
{{- range $part := list "prometheus" "alertmanager" "grafana" }}
{{- with index $tokens (printf "%sKey" $part) }}{{ $_ := set $keys . $part }}{{ end }}
{{- end }}
{{- toYaml $keys }}
{{- end }}

{{/* Not there where an upgrade reuses the values of a former chart. */}}
{{- define "callsla.tokenSecret" -}}
{{- (.Values.test.tokens | default dict).existingSecret | default "" }}
{{- end }}

{{- define "callsla.tokenEnv" -}}
{{- range $_, $part := include "callsla.tokenKeys" . | fromYaml }}
- name: CALLSLA_{{ upper $part }}_TOKEN_FILE
  value: /var/run/secrets/callsla/tokens/{{ $part }}
{{- end }}
{{- end }}

{{- define "callsla.secretVolume" -}}
- name: {{ index . 0 }}
  secret:
    secretName: {{ index . 1 | quote }}
    defaultMode: 0440
    items:
    {{- range $key, $path := index . 2 }}
      - {key: {{ $key | quote }}, path: {{ $path | quote }}}
    {{- end }}
{{- end }}

{{- define "callsla.caVolume" -}}
{{- $ca := index . 1 -}}
- name: {{ index . 0 }}
  {{- if $ca.secret }}
  secret:
    secretName: {{ $ca.secret | quote }}
  {{- else }}
  configMap:
    name: {{ $ca.configMap | quote }}
  {{- end }}
    defaultMode: 0444
    items:
      - {key: {{ $ca.key | quote }}, path: ca.crt}
{{- end }}

{{- define "callsla.probe" -}}
httpGet: {path: {{ index . 0 }}, port: metrics}
{{ toYaml (index . 1) }}
{{- end }}

{{- define "callsla.spread" -}}
{{- range $key := list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "callsla.selector" $ | nindent 6 }}
      app.kubernetes.io/component: worker
{{- end }}
{{- end }}

{{/* Static membership: a Pod that comes back under its name keeps its partitions. */}}
{{- define "callsla.instance" -}}
- name: CALLSLA_INSTANCE
  valueFrom:
    fieldRef:
      fieldPath: metadata.name
{{- end }}

{{/* The container's part that is the same wherever callsla runs. */}}
{{- define "callsla.container" -}}
{{- $env := include "callsla.env" . | trim }}
{{- if .isTest }}{{ $env = printf "%s\n%s" $env (include "callsla.tokenEnv" . | trim) | trim }}{{ end }}
{{- if .isMember }}{{ $env = printf "%s\n%s" (include "callsla.instance" .) $env | trim }}{{ end }}
image: {{ include "callsla.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.worker.securityContext | nindent 2 }}
{{- with $env }}
env:
  {{- . | nindent 2 }}
{{- end }}
{{- with .Values.worker.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  {{- include "callsla.mounts" . | nindent 2 }}
{{- end }}

{{/* The Pod's part that is the same wherever callsla runs. */}}
{{- define "callsla.podCommon" -}}
serviceAccountName: {{ include "callsla.serviceAccount" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with concat .Values.global.imagePullSecrets .Values.imagePullSecrets | uniq }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.worker.podSecurityContext | nindent 2 }}
{{- range $name := list "dnsConfig" "hostAliases" "nodeSelector" "tolerations" "priorityClassName" "runtimeClassName" "schedulerName" }}
{{- with index $.Values.worker $name }}
{{ $name }}: {{ if kindIs "string" . }}{{ . }}{{ else }}{{ toYaml . | nindent 2 }}{{ end }}
{{- end }}
{{- end }}
volumes:
  {{- include "callsla.volumes" . | nindent 2 }}
{{- end }}

{{- define "callsla.pod" -}}
metadata:
  labels:
    {{- include "callsla.podLabels" . | nindent 4 }}
    app.kubernetes.io/component: worker
    {{- with .Values.worker.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: worker
    checksum/config: {{ printf "%s\n%s" (include "callsla.settings" .) (include "callsla.slo" .) | sha256sum }}
    {{- with merge dict .Values.worker.podAnnotations .Values.commonAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  {{- include "callsla.podCommon" . | nindent 2 }}
  terminationGracePeriodSeconds: {{ .Values.worker.terminationGracePeriodSeconds }}
  topologySpreadConstraints:
    {{- with .Values.worker.topologySpreadConstraints }}
    {{- toYaml . | nindent 4 }}
    {{- else }}
    {{- include "callsla.spread" . | trim | nindent 4 }}
    {{- end }}
  {{- with .Values.worker.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if or .Values.worker.initContainers (include "callsla.creates" .) }}
  initContainers:
    {{- with .Values.worker.initContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- if include "callsla.creates" . }}
    - name: topics
      command: [callsla, topics, create, --config, /etc/callsla/worker.yaml, --wait]
      {{- include "callsla.container" . | trim | nindent 6 }}
      resources:
        {{- toYaml .Values.worker.resources | nindent 8 }}
    {{- end }}
  {{- end }}
  containers:
    - name: worker
      command: [callsla, worker, --config, /etc/callsla/worker.yaml]
      {{- include "callsla.container" (merge (dict "isMember" (eq .Values.worker.kind "StatefulSet")) .) | trim | nindent 6 }}
      ports:
        - {name: metrics, containerPort: {{ .Values.worker.port }}, protocol: TCP}
      startupProbe:
        {{- include "callsla.probe" (list "/-/ready" .Values.worker.startupProbe) | nindent 8 }}
      readinessProbe:
        {{- include "callsla.probe" (list "/-/ready" .Values.worker.readinessProbe) | nindent 8 }}
      livenessProbe:
        {{- include "callsla.probe" (list "/-/healthy" .Values.worker.livenessProbe) | nindent 8 }}
      resources:
        {{- toYaml .Values.worker.resources | nindent 8 }}
      {{- with .Values.worker.lifecycle }}
      lifecycle:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    {{- with .Values.worker.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
