{{- /* The same in every chart that has this file. */ -}}

{{- /* A SealedSecret that may be opened in any namespace: (dict "root" $ "name" … "data" …). */ -}}
{{- define "gimlet.sealedSecret" -}}
{{- $anywhere := dict "sealedsecrets.bitnami.com/cluster-wide" "true" -}}
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata:
  {{- include "gimlet.metadata" (dict "root" .root "name" .name "annotations" $anywhere) | nindent 2 }}
spec:
  encryptedData:
    {{- toYaml .data | nindent 4 }}
  template:
    type: Opaque
    metadata:
      {{- include "gimlet.metadata" (dict "root" .root "name" .name "annotations" $anywhere) | nindent 6 }}
{{- end -}}
