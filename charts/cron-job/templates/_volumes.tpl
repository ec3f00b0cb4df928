{{- /* The same in every chart that has this file. */ -}}

{{- /* What a volume can be made from; one that is none of these is a claim of its own. */ -}}
{{- define "gimlet.volumeSource" -}}
{{- $found := list -}}
{{- range list "existingClaim" "hostPath" "emptyDir" "existingConfigMap" "existingSecret" "fileName" -}}
{{- if get $ . -}}
{{- $found = append $found . -}}
{{- end -}}
{{- end -}}
{{- if gt (len $found) 1 -}}
{{- fail (printf "volumes: %s has %s: keep one of them" (.name | default .path | quote) (join " and " $found)) -}}
{{- end -}}
{{- first $found | default "claim" -}}
{{- end -}}

{{- define "gimlet.volumeName" -}}
{{- $name := include "gimlet.robustName" (.name | default .fileName | default "") -}}
{{- if not $name -}}
{{- fail "volumes: a volume has no name: give each a name" -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{- /* The `volumes` entry of a volume's source: (list $ volume). */ -}}
{{- define "gimlet.volumeEntry" -}}
{{- $root := first . -}}
{{- $volume := last . -}}
{{- $name := include "gimlet.volumeName" $volume -}}
{{- $source := include "gimlet.volumeSource" $volume -}}
name: {{ $name }}
{{- if eq $source "claim" }}
persistentVolumeClaim:
  claimName: {{ include "gimlet.nameFor" (list $root $name) }}
{{- else if eq $source "existingClaim" }}
persistentVolumeClaim:
  claimName: {{ $volume.existingClaim }}
{{- else if eq $source "hostPath" }}
hostPath:
  {{- kindIs "map" $volume.hostPath | ternary $volume.hostPath (dict "path" $volume.hostPath) | toYaml | nindent 2 }}
{{- else if eq $source "emptyDir" }}
emptyDir:
  {{- kindIs "map" $volume.emptyDir | ternary $volume.emptyDir dict | toYaml | nindent 2 }}
{{- else if eq $source "existingConfigMap" }}
configMap:
  name: {{ $volume.existingConfigMap }}
{{- else if eq $source "existingSecret" }}
secret:
  secretName: {{ $volume.existingSecret }}
{{- else }}
configMap:
  name: {{ include "gimlet.nameFor" (list $root $name) }}
{{- end }}
{{- end -}}

{{- define "gimlet.mount" -}}
{{- if not .path -}}
{{- fail (printf "%s: %s has no path: say where in the container it goes" .field .name) -}}
{{- end -}}
name: {{ .name }}
mountPath: {{ .path | quote }}
{{- with .subPath }}
subPath: {{ . | quote }}
{{- end }}
{{- if .readOnly }}
readOnly: true
{{- end }}
{{- end -}}

{{- /*
Everything that is mounted, as {"items": [{"volume", "mount", "main", "init"}]}. Volumes called `init-…` are for the
init containers alone, those called `shared-…` for everyone.
*/ -}}
{{- define "gimlet.storage" -}}
{{- $root := . -}}
{{- $items := list -}}
{{- range .Values.volumes -}}
{{- $name := include "gimlet.volumeName" . -}}
{{- $mount := dict "field" "volumes" "name" $name "path" .path "subPath" .subPath "readOnly" .readOnly -}}
{{- $items = append $items (dict
  "volume" (include "gimlet.volumeEntry" (list $root .) | fromYaml)
  "mount" (include "gimlet.mount" $mount | fromYaml)
  "main" (not (hasPrefix "init-" $name))
  "init" (or (hasPrefix "init-" $name) (hasPrefix "shared-" $name))
) -}}
{{- end -}}
{{- range $field := list "fileSecrets" "sealedFileSecrets" "existingFileSecrets" -}}
{{- range get $root.Values $field -}}
{{- $name := include "gimlet.robustName" .name -}}
{{- $secret := eq $field "existingFileSecrets" | ternary .name (include "gimlet.nameFor" (list $root $name)) -}}
{{- $mount := dict "field" $field "name" $name "path" .path "subPath" .subPath "readOnly" true -}}
{{- $items = append $items (dict
  "volume" (dict "name" $name "secret" (dict "secretName" $secret))
  "mount" (include "gimlet.mount" $mount | fromYaml)
  "main" true
  "init" false
) -}}
{{- end -}}
{{- end -}}
{{- $seen := dict -}}
{{- range $items -}}
{{- if hasKey $seen .volume.name -}}
{{- fail (printf "two volumes or file secrets are called %s: give each a name of its own" .volume.name) -}}
{{- end -}}
{{- $_ := set $seen .volume.name true -}}
{{- end -}}
{{- dict "items" $items | toJson -}}
{{- end -}}

{{- /*
The mounts of a container: (dict "root" $ "storage" … "of" "main" or "init" "context" its security context). Where the
image's own files cannot be written, /tmp still can.
*/ -}}
{{- define "gimlet.mounts" -}}
{{- $mounts := list -}}
{{- $isMounted := false -}}
{{- range .storage.items -}}
{{- if get . $.of -}}
{{- $mounts = append $mounts .mount -}}
{{- $isMounted = or $isMounted (eq (trimSuffix "/" .mount.mountPath) "/tmp") -}}
{{- end -}}
{{- end -}}
{{- if and .context.readOnlyRootFilesystem (not $isMounted) -}}
{{- $mounts = append $mounts (dict "name" "writable-tmp" "mountPath" "/tmp") -}}
{{- end -}}
{{- toYaml $mounts -}}
{{- end -}}
