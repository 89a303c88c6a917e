{{/* What the schema cannot say. Each fault is one line that names the value and says what to do. */}}
{{- define "callsla.validate" -}}
{{- $faults := list }}
{{- range $part := list "kafka" "auth" "workers" "monitoring" "slo" "pager" }}
{{- range include (printf "callsla.faults.%s" $part) $ | splitList "\n" }}
{{- with trim . }}{{ $faults = append $faults . }}{{ end }}
{{- end }}
{{- end }}
{{- if $faults }}
{{- printf "\n- %s" (join "\n- " $faults) | fail }}
{{- end }}
{{- end }}

{{- define "callsla.faults.kafka" -}}
{{- $topics := .Values.kafka.topics }}
{{- $_ := include "callsla.brokers" . }}
{{- $names := concat (list $topics.events $topics.promises $topics.deadLetters $topics.ledger) (keys $topics.raw) }}
{{- if ne (len ($names | uniq)) (len $names) }}
kafka.topics: two topics have one name: rename one of them
{{- end }}
{{- if and (without (values $topics.raw) "events") (not .Values.pseudonymKeys.existingSecret) }}
pseudonymKeys.existingSecret is needed with kafka.topics.raw: customers need keys that stay over restarts
{{- end }}
{{- if and (or .Values.strimzi.topics.enabled .Values.strimzi.user.enabled) (not .Values.strimzi.cluster) }}
strimzi.cluster is needed with strimzi.topics and strimzi.user: the name of the Kafka resource
{{- end }}
{{- $elsewhere := ne (.Values.strimzi.namespace | default .Release.Namespace) .Release.Namespace }}
{{- if and .Values.strimzi.user.enabled $elsewhere (not (or .Values.kafka.auth.existingSecret .Values.kafka.tls.client.existingSecret)) }}
strimzi.namespace: the KafkaUser's Secret is made in {{ .Values.strimzi.namespace }}, where the workers cannot read it: copy it and name the copy in kafka.auth.existingSecret or kafka.tls.client.existingSecret
{{- end }}
{{- end }}

{{- define "callsla.faults.auth" -}}
{{- $auth := .Values.kafka.auth }}
{{- $tls := .Values.kafka.tls }}
{{- if include "callsla.bearer" . }}
{{- $own := $auth.oauth.serviceAccountToken.enabled }}
{{- if eq (empty $auth.oauth.tokenUrl) (not $own) }}
kafka.auth.oauth: OAUTHBEARER takes tokenUrl or serviceAccountToken.enabled: set one of them
{{- else if and (not $own) (not (include "callsla.kafkaSecret" .)) }}
kafka.auth.existingSecret is needed with kafka.auth.oauth.tokenUrl: the Secret with the client's id and secret
{{- end }}
{{- else if include "callsla.sasl" . }}
{{- if not (include "callsla.kafkaSecret" .) }}
kafka.auth.existingSecret is needed with {{ $auth.protocol }}: the Secret with the password
{{- end }}
{{- else if or $auth.existingSecret $auth.username }}
kafka.auth.existingSecret and username have no effect with {{ $auth.protocol }}: set kafka.auth.protocol to SASL_SSL, or remove them
{{- end }}
{{- if not (include "callsla.tls" .) }}
{{- if or (include "callsla.hasCa" $tls.ca) (include "callsla.client" .) }}
kafka.tls has no effect with {{ $auth.protocol }}: set kafka.auth.protocol to {{ $auth.protocol | replace "PLAINTEXT" "SSL" }}, or remove it
{{- end }}
{{- end }}
{{- range $name, $ca := dict "kafka.tls.ca" $tls.ca "kafka.auth.oauth.ca" $auth.oauth.ca }}
{{- if and $ca.configMap $ca.secret }}
{{ $name }}: configMap and secret are two places: set one of them
{{- end }}
{{- end }}
{{- range .Values.worker.extraEnv }}
{{- if and .value (regexMatch "PASSWORD$|SECRET$|PSEUDONYM_KEY$|TOKEN$" .name) }}
worker.extraEnv: {{ .name }} is a secret: take it from a Secret (valueFrom.secretKeyRef), not from the values
{{- end }}
{{- end }}
{{- end }}

{{- define "callsla.faults.workers" -}}
{{- $partitions := .Values.kafka.topics.partitions | int }}
{{- $hpa := .Values.autoscaling }}
{{- $keda := .Values.keda }}
{{- if and $hpa.enabled $keda.enabled }}
autoscaling and keda would pull at the same workers: enable one of them
{{- end }}
{{- $scaled := or $hpa.enabled $keda.enabled }}
{{- if and (not $scaled) (gt (int .Values.worker.replicas) $partitions) }}
worker.replicas is {{ .Values.worker.replicas }}, with kafka.topics.partitions {{ $partitions }}: further workers would have nothing to do
{{- end }}
{{- range $name, $scaler := dict "autoscaling" $hpa "keda" $keda }}
{{- if $scaler.enabled }}
{{- if gt (int $scaler.maxReplicas) $partitions }}
{{ $name }}.maxReplicas is {{ $scaler.maxReplicas }}, with kafka.topics.partitions {{ $partitions }}: further workers would have nothing to do
{{- end }}
{{- if gt (int $scaler.minReplicas) (int $scaler.maxReplicas) }}
{{ $name }}.minReplicas is above maxReplicas
{{- end }}
{{- end }}
{{- end }}
{{- if and $keda.enabled (include "callsla.bearer" .) .Values.kafka.auth.oauth.serviceAccountToken.enabled }}
keda: it cannot log in with a token of the ServiceAccount: use kafka.auth.oauth.tokenUrl, or autoscaling
{{- end }}
{{- with .Values.podDisruptionBudget }}
{{- if and .enabled (ne (toString .minAvailable) "") (ne (toString .maxUnavailable) "1") }}
podDisruptionBudget: minAvailable and maxUnavailable exclude each other: set one of them
{{- end }}
{{- end }}
{{- end }}

{{- define "callsla.faults.monitoring" -}}
{{- if and .Values.serviceMonitor.enabled .Values.podMonitor.enabled }}
serviceMonitor and podMonitor would have every worker scraped twice: enable one of them
{{- end }}
{{- if and .Values.dashboards.grafanaOperator.enabled (not .Values.dashboards.enabled) }}
dashboards.grafanaOperator needs the ConfigMaps: set dashboards.enabled
{{- end }}
{{- $alerts := dict }}
{{- range (include "callsla.rules" . | fromYaml).groups }}
{{- range .rules }}{{ with .alert }}{{ $_ := set $alerts . true }}{{ end }}{{ end }}
{{- end }}
{{- range $name, $_ := .Values.prometheusRule.alerts }}
{{- if and $alerts (not (hasKey $alerts $name)) }}
prometheusRule.alerts: there is no alert {{ $name }}: one of {{ keys $alerts | sortAlpha | join ", " }}
{{- end }}
{{- end }}
{{- end }}

{{/* Rules and the workers' slo.yaml are of one text and one version, or nothing is installed. */}}
{{- define "callsla.faults.slo" -}}
{{- $follows := list }}
{{- if .Values.prometheusRule.enabled }}{{ $follows = append $follows "prometheusRule" }}{{ end }}
{{- if .Values.dashboards.enabled }}{{ $follows = append $follows "dashboards" }}{{ end }}
{{- if ne .Values.alertmanager.kind "None" }}{{ $follows = append $follows "alertmanager" }}{{ end }}
{{- $again := "run `callsla slo values slo.yaml > slo-values.yaml` and give that file with -f" }}
{{- if and .Values.slo $follows }}
{{- if not .Values.generated.of }}
slo is set, but what follows from it is not ({{ join ", " $follows }}): {{ $again }}
{{- else if ne .Values.generated.of (.Values.slo | trim | sha256sum) }}
slo is not the text that {{ join ", " $follows }} were generated from: {{ $again }}
{{- else if and .Values.dashboards.enabled (not .Values.generated.dashboards) }}
dashboards: those that follow from slo were left out: {{ $again }}, without --without-dashboards
{{- else if ne .Values.generated.by .Chart.AppVersion }}
slo: what follows from it was generated by callsla {{ .Values.generated.by }}, this chart is of {{ .Chart.AppVersion }}: {{ $again }}
{{- end }}
{{- else if and .Values.generated.of (not .Values.slo) }}
generated is set without the slo it follows from: {{ $again }}
{{- end }}
{{- end }}

{{- define "callsla.faults.pager" -}}
{{- $keys := include "callsla.tokenKeys" . | fromYaml }}
{{- if ne (empty (include "callsla.tokenSecret" .)) (empty $keys) }}
test.tokens: existingSecret and the keys in it belong together: set both or neither
{{- end }}
{{- if eq .Values.alertmanager.kind "AlertmanagerConfig" }}
{{- $hook := .Values.alertmanager.webhook }}
{{- range $severity := list "critical" "warning" "info" }}
{{- if not (or $hook.existingSecret $hook.url (index $.Values.alertmanager.receivers $severity)) }}
alertmanager: alerts of severity {{ $severity }} would reach nobody: set alertmanager.webhook, or alertmanager.receivers.{{ $severity }}
{{- end }}
{{- end }}
{{- if and $hook.existingSecret $hook.url }}
alertmanager.webhook: existingSecret and url are two addresses: set one of them
{{- end }}
{{- if and .Values.prometheusRule.enabled (not .Values.prometheusRule.alertNamespace) }}
alertmanager: an AlertmanagerConfig sees alerts of its own namespace alone: set prometheusRule.alertNamespace
{{- end }}
{{- end }}
{{- end }}
