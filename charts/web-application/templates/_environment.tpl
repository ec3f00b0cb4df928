{{- /* The same in every chart that has this file. */ -}}

{{- /* The name of the Secret that the sealed secrets become. */ -}}
{{- define "gimlet.sealedSecretName" -}}
{{- include "gimlet.name" . -}}
{{- end -}}

{{- /* Where a container's environment variables come from, as {"items": […]}. What stands later wins. */ -}}
{{- define "gimlet.environment" -}}
{{- $name := include "gimlet.name" . -}}
{{- $items := list -}}
{{- range .Values.existingConfigMaps -}}
{{- $items = append $items (dict "configMapRef" (kindIs "map" . | ternary . (dict "name" .))) -}}
{{- end -}}
{{- if .Values.vars -}}
{{- $items = append $items (dict "configMapRef" (dict "name" $name)) -}}
{{- end -}}
{{- range .Values.existingSecrets -}}
{{- $items = append $items (dict "secretRef" (kindIs "map" . | ternary . (dict "name" .))) -}}
{{- end -}}
{{- $secrets := list -}}
{{- with .Values.secretName -}}
{{- $secrets = append $secrets . -}}
{{- else -}}
{{- if or .Values.secretEnabled (get .Values "secret" | default dict).enabled -}}
{{- $secrets = append $secrets $name -}}
{{- end -}}
{{- end -}}
{{- if .Values.sealedSecrets -}}
{{- $secrets = append $secrets (include "gimlet.sealedSecretName" .) -}}
{{- end -}}
{{- range uniq $secrets -}}
{{- $items = append $items (dict "secretRef" (dict "name" .)) -}}
{{- end -}}
{{- dict "items" $items | toJson -}}
{{- end -}}

{{- /* What restarts the pods when settings that the chart itself writes change. */ -}}
{{- define "gimlet.checksums" -}}
{{- $files := list -}}
{{- range .Values.volumes -}}
{{- with .fileContent -}}
{{- $files = append $files . -}}
{{- end -}}
{{- end -}}
{{- with .Values.vars }}
checksum/config: {{ toJson . | sha256sum }}
{{- end }}
{{- with $files }}
checksum/files: {{ toJson . | sha256sum }}
{{- end }}
{{- with .Values.sealedSecrets }}
checksum/sealed-secrets: {{ toJson . | sha256sum }}
{{- end }}
{{- with concat (.Values.fileSecrets | default list) (.Values.sealedFileSecrets | default list) }}
checksum/secret-files: {{ toJson . | sha256sum }}
{{- end }}
{{- end -}}
