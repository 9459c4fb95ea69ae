{{- define "matrix-agents.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "matrix-agents.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "matrix-agents.labels" -}}
{{ include "matrix-agents.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* config.yaml: what the admin says, and over it what follows from the chart. */}}
{{- define "matrix-agents.config" -}}
{{- $secrets := "/run/secrets/matrix-agents" -}}
{{- $fixed := dict
  "appservice" (dict "registration" (printf "%s/registration.yaml" $secrets) "bind" "0.0.0.0" "port" 9993)
  "data_dir" "/data/bridge"
  "encryption" (dict "master_key_file" (printf "%s/master_key" $secrets))
  "monitoring" (dict "enabled" true "bind" "0.0.0.0" "port" 9464)
-}}
{{- if .Values.postgresql -}}
{{- $_ := set $fixed "database" (dict "url_file" (printf "%s/database_url" $secrets)) -}}
{{- end -}}
{{- mergeOverwrite (dict "logging" (dict "format" "json")) .Values.config $fixed | toYaml -}}
{{- end -}}
