{{- /* The same in every chart that has this file. */ -}}

{{- /* Repository and tag, or digest, as one reference: (dict "repository" … "tag" …). */ -}}
{{- define "gimlet.imageReference" -}}
{{- $tag := include "gimlet.text" .tag -}}
{{- if not $tag -}}
{{- .repository -}}
{{- else if hasPrefix "sha256:" $tag -}}
{{- printf "%s@%s" .repository $tag -}}
{{- else -}}
{{- printf "%s:%s" .repository $tag -}}
{{- end -}}
{{- end -}}

{{- /* A command for the shell, or a list that is run as it is: (dict "command" … "shell" …). */ -}}
{{- define "gimlet.command" -}}
{{- kindIs "slice" .command | ternary .command (list .shell "-c" .command) | toYaml -}}
{{- end -}}

{{- define "gimlet.resources" -}}
{{- $resources := .Values.resources | default dict -}}
{{- if $resources.ignore -}}
{}
{{- else if $resources.ignoreLimits -}}
{{- omit $resources "ignore" "ignoreLimits" "limits" | toYaml -}}
{{- else -}}
{{- omit $resources "ignore" "ignoreLimits" | toYaml -}}
{{- end -}}
{{- end -}}

{{- define "gimlet.pullSecrets" -}}
{{- $secrets := list -}}
{{- range .Values.imagePullSecrets -}}
{{- $secrets = append $secrets (kindIs "map" . | ternary . (dict "name" .)) -}}
{{- end -}}
{{- toYaml $secrets -}}
{{- end -}}

{{- /* The init containers, as {"items": […]}: (dict "root" $ "image" of the main container "storage" …). */ -}}
{{- define "gimlet.initContainers" -}}
{{- $root := .root -}}
{{- $items := list -}}
{{- range $number, $it := .root.Values.initContainers -}}
{{- $context := include "gimlet.securityContext" (dict "root" $root "given" $it.securityContext) | fromYaml -}}
{{- $image := $.image -}}
{{- with $it.image -}}
{{- $image = include "gimlet.imageReference" (dict "repository" . "tag" $it.tag) -}}
{{- end -}}
{{- $container := dict
  "name" (include "gimlet.robustName" ($it.name | default (printf "init-%d" $number)))
  "image" $image
  "imagePullPolicy" ($it.imagePullPolicy | default $it.pullPolicy | default "IfNotPresent")
-}}
{{- with $it.command -}}
{{- $command := dict "command" . "shell" ($it.shell | default $root.Values.shell) -}}
{{- $_ := set $container "command" (include "gimlet.command" $command | fromYamlArray) -}}
{{- end -}}
{{- $mounts := dict "root" $root "storage" $.storage "of" "init" "context" $context -}}
{{- $parts := dict
  "envFrom" (include "gimlet.environment" $root | fromJson).items
  "env" $it.env
  "resources" ($it.resources | default (include "gimlet.resources" $root | fromYaml))
  "securityContext" $context
  "volumeMounts" (include "gimlet.mounts" $mounts | fromYamlArray)
-}}
{{- range $field, $part := $parts -}}
{{- if $part -}}
{{- $_ := set $container $field $part -}}
{{- end -}}
{{- end -}}
{{- $items = append $items $container -}}
{{- end -}}
{{- dict "items" $items | toJson -}}
{{- end -}}

{{- /* The pod's volumes: (dict "storage" … "containers" all of them, whose mounts tell what is needed). */ -}}
{{- define "gimlet.volumes" -}}
{{- $volumes := list -}}
{{- range .storage.items -}}
{{- $volumes = append $volumes .volume -}}
{{- end -}}
{{- $needsTmp := false -}}
{{- range .containers -}}
{{- range .volumeMounts -}}
{{- $needsTmp = or $needsTmp (eq .name "writable-tmp") -}}
{{- end -}}
{{- end -}}
{{- if $needsTmp -}}
{{- $volumes = append $volumes (dict "name" "writable-tmp" "emptyDir" dict) -}}
{{- end -}}
{{- toYaml $volumes -}}
{{- end -}}
