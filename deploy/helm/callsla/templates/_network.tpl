{{/* What callsla has to reach: names, brokers, and whoever gives tokens. */}}
{{- define "callsla.egress" -}}
{{- $egress := .Values.networkPolicy.egress -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
  to:
    {{- with $egress.dns }}
    {{- toYaml . | nindent 4 }}
    {{- else }}
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: kube-system
      podSelector:
        matchLabels:
          k8s-app: kube-dns
    {{- end }}
- ports:
    {{- range include "callsla.brokers" . | splitList "," | include "callsla.ports" | fromJsonArray }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
  {{- with $egress.brokers }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- if and (include "callsla.bearer" .) .Values.kafka.auth.oauth.tokenUrl }}
- ports:
    - {port: {{ include "callsla.urlPort" .Values.kafka.auth.oauth.tokenUrl }}, protocol: TCP}
{{- end }}
{{- with $egress.extra }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The ports of a list of `host:port`, as JSON. */}}
{{- define "callsla.ports" -}}
{{- $ports := list }}
{{- range . }}{{ $ports = append $ports (splitList ":" . | last | int) }}{{ end }}
{{- $ports | uniq | toJson }}
{{- end }}

{{- define "callsla.urlPort" -}}
{{- $url := urlParse . }}
{{- regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (eq $url.scheme "http" | ternary "80" "443") }}
{{- end }}
