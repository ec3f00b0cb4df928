{{- /* The same in every chart that has this file. */ -}}

{{- /* Says "true" where the pods are held to what Kubernetes calls the restricted profile. */ -}}
{{- define "gimlet.isRestricted" -}}
{{- if eq .Values.securityProfile "restricted" -}}
true
{{- else if ne .Values.securityProfile "compatible" -}}
{{- fail (printf "securityProfile is %q: write restricted, or compatible for an image that runs as root" .Values.securityProfile) -}}
{{- end -}}
{{- end -}}

{{- /* Says "true" of a security context that asks for root by number. */ -}}
{{- define "gimlet.asksForRoot" -}}
{{- if and (hasKey . "runAsUser") (eq (int .runAsUser) 0) -}}
true
{{- end -}}
{{- end -}}

{{- /* The pod's security context: (dict "root" $ "lowPort" whether it listens below 1024). */ -}}
{{- define "gimlet.podSecurityContext" -}}
{{- $given := .root.Values.podSecurityContext | default dict -}}
{{- $context := dict -}}
{{- if include "gimlet.isRestricted" .root -}}
{{- $_ := set $context "seccompProfile" (dict "type" "RuntimeDefault") -}}
{{- if not (include "gimlet.asksForRoot" $given) -}}
{{- $_ := set $context "runAsNonRoot" true -}}
{{- end -}}
{{- /* Only root may listen below 1024, unless the pod's own network says otherwise. */ -}}
{{- if and .lowPort (not (.root.Values.podSpec | default dict).hostNetwork) -}}
{{- $sysctl := dict "name" "net.ipv4.ip_unprivileged_port_start" "value" "0" -}}
{{- $_ := set $context "sysctls" (list $sysctl) -}}
{{- end -}}
{{- end -}}
{{- mergeOverwrite $context (deepCopy $given) | toYaml -}}
{{- end -}}

{{- /* A container's security context: (dict "root" $ "given" what the values say of it). */ -}}
{{- define "gimlet.securityContext" -}}
{{- $given := .given | default dict -}}
{{- $context := dict -}}
{{- if include "gimlet.isRestricted" .root -}}
{{- $_ := set $context "capabilities" (dict "drop" (list "ALL")) -}}
{{- $_ := set $context "readOnlyRootFilesystem" true -}}
{{- /* Kubernetes refuses a privileged container that may not gain privileges. */ -}}
{{- if not $given.privileged -}}
{{- $_ := set $context "allowPrivilegeEscalation" false -}}
{{- end -}}
{{- if include "gimlet.asksForRoot" $given -}}
{{- $_ := set $context "runAsNonRoot" false -}}
{{- end -}}
{{- end -}}
{{- mergeOverwrite $context (deepCopy $given) | toYaml -}}
{{- end -}}

{{- /* Whether the pods get a token for the Kubernetes API: only those with an account of their own. */ -}}
{{- define "gimlet.token" -}}
{{- if kindIs "bool" .Values.automountServiceAccountToken -}}
automountServiceAccountToken: {{ .Values.automountServiceAccountToken }}
{{- else if and (include "gimlet.isRestricted" .) (not .Values.serviceAccount) -}}
automountServiceAccountToken: false
{{- end -}}
{{- end -}}
