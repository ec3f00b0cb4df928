{{- /* The same in every chart that has this file. */ -}}

{{- /* A text as a name that Kubernetes takes. */ -}}
{{- define "gimlet.robustName" -}}
{{- regexReplaceAll "\\W+" . "-" | replace "_" "-" | lower | trunc 63 | trimPrefix "-" | trimSuffix "-" -}}
{{- end -}}

{{- /* The name of the objects. */ -}}
{{- define "gimlet.name" -}}
{{- include "gimlet.robustName" (.Values.fullnameOverride | default .Release.Name) -}}
{{- end -}}

{{- /* The name of an object beside the main ones: (list $ "what it is for"). */ -}}
{{- define "gimlet.nameFor" -}}
{{- include "gimlet.robustName" (printf "%s-%s" (include "gimlet.name" (first .)) (last .)) -}}
{{- end -}}

{{- /* What selects the pods; it cannot change while the workload exists. */ -}}
{{- define "gimlet.selector" -}}
app.kubernetes.io/name: {{ include "gimlet.robustName" (.Values.nameOverride | default .Chart.Name) }}
app.kubernetes.io/instance: {{ include "gimlet.robustName" .Release.Name }}
{{- end -}}

{{- define "gimlet.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "gimlet.selector" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- /* Which commit of which repository runs. */ -}}
{{- define "gimlet.gitAnnotations" -}}
{{- $annotations := dict -}}
{{- range $value, $annotation := dict "gitRepository" "git-repository" "gitSha" "git-sha" "gitBranch" "git-branch" -}}
{{- with get $.Values $value -}}
{{- $_ := set $annotations (printf "gimlet.io/%s" $annotation) . -}}
{{- end -}}
{{- end -}}
{{- toYaml $annotations -}}
{{- end -}}

{{- /* Whom to ask about the application, and where to look. */ -}}
{{- define "gimlet.linkAnnotations" -}}
{{- $annotations := dict -}}
{{- $known := dict
  "serviceName" "name"
  "serviceDescription" "description"
  "ownerName" "owner.name"
  "ownerIm" "owner.im"
  "documentation" "documentation"
  "logs" "logs"
  "metrics" "metrics"
  "traces" "traces"
  "issues" "issues"
-}}
{{- range $value, $annotation := $known -}}
{{- with get $.Values $value -}}
{{- $_ := set $annotations (printf "v1alpha1.opensca.dev/%s" $annotation) . -}}
{{- end -}}
{{- end -}}
{{- toYaml $annotations -}}
{{- end -}}

{{- /* A value as text. Numbers stay as they were written: not 1e+06 for 1000000. */ -}}
{{- define "gimlet.text" -}}
{{- if kindIs "string" . }}{{ . }}{{ else if not (kindIs "invalid" .) }}{{ toJson . }}{{ end -}}
{{- end -}}

{{- /* A map whose values have to be texts: of labels, annotations, variables. */ -}}
{{- define "gimlet.texts" -}}
{{- $texts := dict -}}
{{- range $key, $value := . -}}
{{- $_ := set $texts $key (include "gimlet.text" $value) -}}
{{- end -}}
{{- toYaml $texts -}}
{{- end -}}

{{- /* `metadata` of an object: (dict "root" $ "name" … "annotations" …). */ -}}
{{- define "gimlet.metadata" -}}
name: {{ .name }}
labels:
  {{- include "gimlet.labels" .root | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- include "gimlet.texts" . | nindent 2 }}
{{- end }}
{{- end -}}
