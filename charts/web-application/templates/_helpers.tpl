{{- /* What runs while no image is chosen: a page of its own, on port 8080, without root. */ -}}
{{- define "web-application.placeholder" -}}
nginxinc/nginx-unprivileged:stable-alpine
{{- end -}}

{{- define "web-application.image" -}}
{{- if .Values.image.repository -}}
{{- include "gimlet.imageReference" .Values.image -}}
{{- else -}}
{{- include "web-application.placeholder" . -}}
{{- end -}}
{{- end -}}

{{- /*
The ports as {"all": [{"name", "target", "containerPort", "svcPort", "protocol", "nodePort"}], "main": …}. The main one
is what probes, Ingresses and the ServiceMonitor use.
*/ -}}
{{- define "web-application.ports" -}}
{{- $svcPort := int (.Values.svcPort | default .Values.containerPort) -}}
{{- $all := list -}}
{{- range .Values.ports -}}
{{- $protocol := .protocol | default "TCP" -}}
{{- $port := int (.svcPort | default .containerPort) -}}
{{- $name := .name | default (printf "%s-%d" (lower $protocol) $port) -}}
{{- $target := .name | default (printf "%s-%d" (lower $protocol) (int .containerPort)) -}}
{{- $all = append $all (dict "name" $name "target" $target "containerPort" (int .containerPort) "svcPort" $port
  "protocol" $protocol "nodePort" (int (.nodePort | default 0))) -}}
{{- end -}}
{{- if not $all -}}
{{- $containerPort := empty .Values.image.repository | ternary 8080 (int .Values.containerPort) -}}
{{- $all = list (dict "name" "http" "target" "http" "containerPort" $containerPort "svcPort" $svcPort
  "protocol" "TCP" "nodePort" (int (.Values.nodePort | default 0))) -}}
{{- end -}}
{{- $main := first $all -}}
{{- range $all -}}
{{- if eq .name "http" -}}
{{- $main = . -}}
{{- end -}}
{{- end -}}
{{- range $all -}}
{{- if eq (int .svcPort) $svcPort -}}
{{- $main = . -}}
{{- end -}}
{{- end -}}
{{- dict "all" $all "main" $main | toJson -}}
{{- end -}}

{{- /* A probe: (dict "root" $ "probe" …). */ -}}
{{- define "web-application.probe" -}}
{{- $port := (include "web-application.ports" .root | fromJson).main.target -}}
{{- $probe := dict "httpGet" (dict "path" (.probe.path | default "/") "port" (.probe.port | default $port)) -}}
{{- mergeOverwrite $probe (deepCopy (.probe.settings | default dict)) | toYaml -}}
{{- end -}}

{{- /* The application's container: (dict "root" $ "storage" …). */ -}}
{{- define "web-application.container" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $context := include "gimlet.securityContext" (dict "root" $root "given" $values.securityContext) | fromYaml -}}
{{- $ports := list -}}
{{- $seen := list -}}
{{- range (include "web-application.ports" $root | fromJson).all -}}
{{- /* One port may be offered twice by the Service; the container has it once. */ -}}
{{- if not (has .target $seen) -}}
{{- $seen = append $seen .target -}}
{{- $ports = append $ports (dict "name" .target "containerPort" .containerPort "protocol" .protocol) -}}
{{- end -}}
{{- end -}}
{{- $container := dict
  "name" (include "gimlet.name" $root)
  "image" (include "web-application.image" $root)
  "imagePullPolicy" $values.image.pullPolicy
  "ports" $ports
-}}
{{- $mounts := dict "root" $root "storage" .storage "of" "main" "context" $context -}}
{{- $parts := dict
  "envFrom" (include "gimlet.environment" $root | fromJson).items
  "resources" (include "gimlet.resources" $root | fromYaml)
  "securityContext" $context
  "volumeMounts" (include "gimlet.mounts" $mounts | fromYamlArray)
-}}
{{- with $values.command -}}
{{- $command := dict "command" . "shell" $values.shell -}}
{{- $_ := set $parts "command" (include "gimlet.command" $command | fromYamlArray) -}}
{{- end -}}
{{- if $values.probe.enabled -}}
{{- $probe := include "web-application.probe" (dict "root" $root "probe" $values.probe) | fromYaml -}}
{{- $_ := set $parts "readinessProbe" $probe -}}
{{- end -}}
{{- if $values.livenessProbe.enabled -}}
{{- $probe := include "web-application.probe" (dict "root" $root "probe" $values.livenessProbe) | fromYaml -}}
{{- $_ := set $parts "livenessProbe" $probe -}}
{{- end -}}
{{- range $field, $part := $parts -}}
{{- if $part -}}
{{- $_ := set $container $field $part -}}
{{- end -}}
{{- end -}}
{{- mergeOverwrite $container (deepCopy ($values.container | default dict)) | toYaml -}}
{{- end -}}

{{- /* The container beside it, which sees what it sees: (dict "root" $ "storage" …). */ -}}
{{- define "web-application.sidecar" -}}
{{- $root := .root -}}
{{- $sidecar := .root.Values.sidecar -}}
{{- $context := include "gimlet.securityContext" (dict "root" $root "given" $root.Values.securityContext) | fromYaml -}}
{{- $container := dict
  "name" (include "gimlet.nameFor" (list $root "sidecar"))
  "image" (include "gimlet.imageReference" $sidecar)
  "imagePullPolicy" ($sidecar.pullPolicy | default "IfNotPresent")
-}}
{{- with $sidecar.command -}}
{{- $command := dict "command" . "shell" ($sidecar.shell | default "/bin/sh") -}}
{{- $_ := set $container "command" (include "gimlet.command" $command | fromYamlArray) -}}
{{- end -}}
{{- $mounts := dict "root" $root "storage" .storage "of" "main" "context" $context -}}
{{- $parts := dict
  "envFrom" (include "gimlet.environment" $root | fromJson).items
  "resources" $sidecar.resources
  "securityContext" $context
  "volumeMounts" (include "gimlet.mounts" $mounts | fromYamlArray)
-}}
{{- range $field, $part := $parts -}}
{{- if $part -}}
{{- $_ := set $container $field $part -}}
{{- end -}}
{{- end -}}
{{- toYaml $container -}}
{{- end -}}

{{- /* The affinity of the values, with what keeps the pods on nodes of their own. */ -}}
{{- define "web-application.affinity" -}}
{{- $affinity := dict -}}
{{- if .Values.spreadAcrossNodes -}}
{{- $others := dict
  "labelSelector" (dict "matchLabels" (include "gimlet.selector" . | fromYaml))
  "topologyKey" "kubernetes.io/hostname"
-}}
{{- $required := dict "requiredDuringSchedulingIgnoredDuringExecution" (list $others) -}}
{{- $_ := set $affinity "podAntiAffinity" $required -}}
{{- end -}}
{{- mergeOverwrite $affinity (deepCopy (.Values.affinity | default dict)) | toYaml -}}
{{- end -}}

{{- /* The pod: what runs, where, and as whom. */ -}}
{{- define "web-application.podSpec" -}}
{{- $storage := include "gimlet.storage" . | fromJson -}}
{{- $container := include "web-application.container" (dict "root" . "storage" $storage) | fromYaml -}}
{{- $containers := list $container -}}
{{- if .Values.sidecar -}}
{{- $sidecar := include "web-application.sidecar" (dict "root" . "storage" $storage) | fromYaml -}}
{{- $containers = append $containers $sidecar -}}
{{- end -}}
{{- $init := dict "root" . "image" (include "web-application.image" .) "storage" $storage -}}
{{- $init = (include "gimlet.initContainers" $init | fromJson).items -}}
{{- $lowPort := false -}}
{{- range (include "web-application.ports" . | fromJson).all -}}
{{- $lowPort = or $lowPort (lt (int .containerPort) 1024) -}}
{{- end -}}
{{- $volumes := dict "storage" $storage "containers" (concat $containers $init) -}}
{{- $spec := include "gimlet.token" . | fromYaml -}}
{{- $parts := dict
  "imagePullSecrets" (include "gimlet.pullSecrets" . | fromYamlArray)
  "serviceAccountName" .Values.serviceAccount
  "securityContext" (include "gimlet.podSecurityContext" (dict "root" . "lowPort" $lowPort) | fromYaml)
  "initContainers" $init
  "containers" $containers
  "volumes" (include "gimlet.volumes" $volumes | fromYamlArray)
  "nodeSelector" (include "gimlet.texts" .Values.nodeSelector | fromYaml)
  "affinity" (include "web-application.affinity" . | fromYaml)
  "tolerations" .Values.tolerations
-}}
{{- range $field, $part := $parts -}}
{{- if $part -}}
{{- $_ := set $spec $field $part -}}
{{- end -}}
{{- end -}}
{{- mergeOverwrite $spec (deepCopy (.Values.podSpec | default dict)) | toYaml -}}
{{- end -}}

{{- /* Says "true" where two pods at once would fight for a volume. */ -}}
{{- define "web-application.holdsVolume" -}}
{{- range .Values.volumes -}}
{{- $source := include "gimlet.volumeSource" . -}}
{{- $isShared := has .accessMode (list "ReadWriteMany" "ReadOnlyMany") -}}
{{- if and (has $source (list "claim" "existingClaim" "hostPath")) (not $isShared) -}}
true
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* How new pods take the place of old ones. */ -}}
{{- define "web-application.strategy" -}}
{{- $replicas := int .Values.replicas -}}
{{- if kindIs "map" .Values.strategy -}}
{{- with .Values.strategy -}}
{{- toYaml . -}}
{{- end -}}
{{- else if .Values.strategy -}}
type: {{ .Values.strategy }}
{{- else if and (le $replicas 1) (include "web-application.holdsVolume" .) -}}
type: Recreate
{{- else if and .Values.spreadAcrossNodes (gt $replicas 1) -}}
{{- /* With a pod on each node there is no room for one more: an old one goes first. */ -}}
type: RollingUpdate
rollingUpdate:
  maxUnavailable: 1
{{- end -}}
{{- end -}}
