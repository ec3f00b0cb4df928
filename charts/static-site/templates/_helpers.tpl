{{- define "static-site.image" -}}
{{- if .Values.image.repository -}}
{{- include "gimlet.imageReference" .Values.image -}}
{{- else -}}
nginxinc/nginx-unprivileged:stable-alpine
{{- end -}}
{{- end -}}

{{- /* The server that runs while no image is chosen listens on 8080, since it is not root. */ -}}
{{- define "static-site.port" -}}
{{- empty .Values.image.repository | ternary 8080 (int .Values.containerPort) -}}
{{- end -}}

{{- /* Says "true" where the pod fetches and builds the site itself. */ -}}
{{- define "static-site.isBuiltAtStart" -}}
{{- if or .Values.gitCloneUrl .Values.gitCloneUrlSecretName -}}
true
{{- end -}}
{{- end -}}

{{- /* What the server mounts: the built site, where the pod builds it. */ -}}
{{- define "static-site.storage" -}}
{{- $items := list -}}
{{- if include "static-site.isBuiltAtStart" . -}}
{{- $mount := dict "name" "site" "mountPath" .Values.documentRoot "subPath" "assets" "readOnly" true -}}
{{- $volume := dict "name" "site" "emptyDir" dict -}}
{{- $items = append $items (dict "volume" $volume "mount" $mount "main" true "init" false) -}}
{{- end -}}
{{- dict "items" $items | toJson -}}
{{- end -}}

{{- /* The web server: (dict "root" $ "storage" …). */ -}}
{{- define "static-site.container" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $context := include "gimlet.securityContext" (dict "root" $root "given" $values.securityContext) | fromYaml -}}
{{- $port := int (include "static-site.port" $root) -}}
{{- $container := dict
  "name" (include "gimlet.name" $root)
  "image" (include "static-site.image" $root)
  "imagePullPolicy" ($values.image.pullPolicy | default "IfNotPresent")
  "ports" (list (dict "name" "http" "containerPort" $port "protocol" "TCP"))
  "readinessProbe" (dict "tcpSocket" (dict "port" "http"))
-}}
{{- $mounts := dict "root" $root "storage" .storage "of" "main" "context" $context -}}
{{- $parts := dict
  "envFrom" (include "gimlet.environment" $root | fromJson).items
  "resources" (include "gimlet.resources" $root | fromYaml)
  "securityContext" $context
  "volumeMounts" (include "gimlet.mounts" $mounts | fromYamlArray)
-}}
{{- range $field, $part := $parts -}}
{{- if $part -}}
{{- $_ := set $container $field $part -}}
{{- end -}}
{{- end -}}
{{- mergeOverwrite $container (deepCopy ($values.container | default dict)) | toYaml -}}
{{- end -}}

{{- /* Affinity and all else of the pod. */ -}}
{{- define "static-site.podSpec" -}}
{{- $storage := include "static-site.storage" . | fromJson -}}
{{- $container := include "static-site.container" (dict "root" . "storage" $storage) | fromYaml -}}
{{- $init := list -}}
{{- if include "static-site.isBuiltAtStart" . -}}
{{- $init = append $init (include "static-site.build" . | fromYaml) -}}
{{- end -}}
{{- $lowPort := lt (int (include "static-site.port" .)) 1024 -}}
{{- $volumes := dict "storage" $storage "containers" (prepend $init $container) -}}
{{- $account := .Values.serviceAccount -}}
{{- if kindIs "map" $account -}}
{{- $account = $account.create | ternary "" $account.name -}}
{{- end -}}
{{- $spec := dict -}}
{{- if kindIs "bool" .Values.automountServiceAccountToken -}}
{{- $_ := set $spec "automountServiceAccountToken" .Values.automountServiceAccountToken -}}
{{- else if include "gimlet.isRestricted" . -}}
{{- $_ := set $spec "automountServiceAccountToken" false -}}
{{- end -}}
{{- $parts := dict
  "imagePullSecrets" (include "gimlet.pullSecrets" . | fromYamlArray)
  "serviceAccountName" $account
  "securityContext" (include "gimlet.podSecurityContext" (dict "root" . "lowPort" $lowPort) | fromYaml)
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
