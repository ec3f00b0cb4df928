{{- /* A CronJob's name leaves room for what Kubernetes appends to those of its jobs. */ -}}
{{- define "cron-job.name" -}}
{{- include "gimlet.name" . | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "cron-job.image" -}}
{{- if .Values.image.repository -}}
{{- include "gimlet.imageReference" .Values.image -}}
{{- else -}}
debian:stable-slim
{{- end -}}
{{- end -}}

{{- /* What the container may do. The image that runs while none is chosen names no user: it gets that of nobody. */ -}}
{{- define "cron-job.securityContext" -}}
{{- $given := .Values.securityContext | default dict -}}
{{- if and (include "gimlet.isRestricted" .) (not .Values.image.repository) -}}
{{- $given = mergeOverwrite (dict "runAsUser" 65534) (deepCopy $given) -}}
{{- end -}}
{{- include "gimlet.securityContext" (dict "root" . "given" $given) -}}
{{- end -}}

{{- /* The container that does the work: (dict "root" $ "storage" …). */ -}}
{{- define "cron-job.container" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $context := include "cron-job.securityContext" $root | fromYaml -}}
{{- $container := dict
  "name" (include "gimlet.name" $root)
  "image" (include "cron-job.image" $root)
  "imagePullPolicy" ($values.image.pullPolicy | default "IfNotPresent")
-}}
{{- $mounts := dict "root" $root "storage" .storage "of" "main" "context" $context -}}
{{- $parts := dict
  "envFrom" (include "gimlet.environment" $root | fromJson).items
  "resources" (include "gimlet.resources" $root | fromYaml)
  "securityContext" $context
  "volumeMounts" (include "gimlet.mounts" $mounts | fromYamlArray)
-}}
{{- if and $values.overrideCommand $values.command -}}
{{- $command := dict "command" $values.command "shell" $values.shell -}}
{{- $_ := set $parts "command" (include "gimlet.command" $command | fromYamlArray) -}}
{{- end -}}
{{- range $field, $part := $parts -}}
{{- if $part -}}
{{- $_ := set $container $field $part -}}
{{- end -}}
{{- end -}}
{{- mergeOverwrite $container (deepCopy ($values.container | default dict)) | toYaml -}}
{{- end -}}

{{- define "cron-job.podSpec" -}}
{{- $storage := include "gimlet.storage" . | fromJson -}}
{{- $container := include "cron-job.container" (dict "root" . "storage" $storage) | fromYaml -}}
{{- $init := dict "root" . "image" (include "cron-job.image" .) "storage" $storage -}}
{{- $init = (include "gimlet.initContainers" $init | fromJson).items -}}
{{- $volumes := dict "storage" $storage "containers" (prepend $init $container) -}}
{{- $spec := include "gimlet.token" . | fromYaml -}}
{{- $parts := dict
  "restartPolicy" "Never"
  "imagePullSecrets" (include "gimlet.pullSecrets" . | fromYamlArray)
  "serviceAccountName" .Values.serviceAccount
  "securityContext" (include "gimlet.podSecurityContext" (dict "root" . "lowPort" false) | fromYaml)
  "initContainers" $init
  "containers" (list $container)
  "volumes" (include "gimlet.volumes" $volumes | fromYamlArray)
  "nodeSelector" (include "gimlet.texts" .Values.nodeSelector | fromYaml)
  "affinity" .Values.affinity
  "tolerations" .Values.tolerations
-}}
{{- range $field, $part := $parts -}}
{{- if $part -}}
{{- $_ := set $spec $field $part -}}
{{- end -}}
{{- end -}}
{{- mergeOverwrite $spec (deepCopy (.Values.podSpec | default dict)) | toYaml -}}
{{- end -}}
