{{- /* The same in every chart that has this file. */ -}}

{{- /*
All Ingresses as {"items": [{"field", "name", "tls", "auth", "spec"}]}: that of `ingress` has the application's name,
those of `ingresses` have their host behind it. `tls` and `auth` are names of Secrets; `auth` is empty without a
password.
*/ -}}
{{- define "gimlet.ingresses" -}}
{{- $root := . -}}
{{- $items := list -}}
{{- with .Values.ingress -}}
{{- $items = append $items (dict "field" "ingress" "name" (include "gimlet.name" $root) "spec" .) -}}
{{- end -}}
{{- range $number, $it := .Values.ingresses -}}
{{- $field := printf "ingresses[%d]" $number -}}
{{- if not $it.host -}}
{{- fail (printf "%s has no host: name the domain, or move it to ingress" $field) -}}
{{- end -}}
{{- $name := include "gimlet.nameFor" (list $root $it.host) -}}
{{- range $items -}}
{{- if eq .name $name -}}
{{- fail (printf "%s and %s are both for %s: list the paths of one host in one entry" .field $field $it.host) -}}
{{- end -}}
{{- end -}}
{{- $items = append $items (dict "field" $field "name" $name "spec" $it) -}}
{{- end -}}
{{- range $item := $items -}}
{{- $tls := .spec.secretName | default (include "gimlet.robustName" (printf "tls-%s" .name)) -}}
{{- $auth := "" -}}
{{- with .spec.nginxBasicAuth -}}
{{- $own := include "gimlet.robustName" (printf "%s-basic-auth" $item.name) -}}
{{- $auth = .secretName | default $own -}}
{{- end -}}
{{- $_ := set $item "tls" $tls -}}
{{- $_ := set $item "auth" $auth -}}
{{- end -}}
{{- dict "items" $items | toJson -}}
{{- end -}}

{{- define "gimlet.ingressPaths" -}}
{{- $paths := .spec.paths | default (list (dict "path" (.spec.path | default "/"))) -}}
{{- range $paths }}
{{- $it := kindIs "map" . | ternary . (dict "path" .) }}
- path: {{ $it.path | default "/" | quote }}
  pathType: {{ $it.pathType | default $.spec.pathType | default "Prefix" }}
  backend:
    service:
      name: {{ $.service }}
      port:
        number: {{ int $.port }}
{{- end }}
{{- end -}}

{{- /* One Ingress: (dict "root" $ "item" one of gimlet.ingresses "port" of the Service). */ -}}
{{- define "gimlet.ingress" -}}
{{- $spec := .item.spec -}}
{{- $auth := dict -}}
{{- with .item.auth -}}
{{- $auth = dict
  "nginx.ingress.kubernetes.io/auth-type" "basic"
  "nginx.ingress.kubernetes.io/auth-secret" .
  "nginx.ingress.kubernetes.io/auth-realm" "Authentication required"
-}}
{{- end -}}
{{- $annotations := merge (dict) ($spec.annotations | default dict) $auth
  (include "gimlet.gitAnnotations" .root | fromYaml) -}}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "gimlet.metadata" (dict "root" .root "name" .item.name "annotations" $annotations) | nindent 2 }}
spec:
  {{- with $spec.ingressClassName }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- if $spec.tlsEnabled }}
  tls:
    - secretName: {{ .item.tls }}
      {{- with $spec.host }}
      hosts:
        - {{ . | quote }}
      {{- end }}
  {{- end }}
  rules:
    - http:
        paths:
          {{- $paths := dict "spec" $spec "service" (include "gimlet.name" .root) "port" .port }}
          {{- include "gimlet.ingressPaths" $paths | trim | nindent 10 }}
      {{- with $spec.host }}
      host: {{ . | quote }}
      {{- end }}
{{- end -}}

{{- /* Hexadecimal digits in base64; there are as many as need no padding. */ -}}
{{- define "gimlet.base64OfHex" -}}
{{- $alphabet := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" -}}
{{- range $at := untilStep 0 (len .) 3 -}}
{{- $twelveBits := int (printf "0x%s" (substr $at (int (add $at 3)) $)) -}}
{{- range list (div $twelveBits 64) (mod $twelveBits 64) -}}
{{- substr (int .) (int (add . 1)) $alphabet -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /*
The line of a password file: (dict "root" $ "item" …). Its salt is made from what it belongs to, so that the same values
give the same line. It is a salted SHA-1, of which a short password can be guessed by who reads the Secret.
*/ -}}
{{- define "gimlet.passwordLine" -}}
{{- $auth := .item.spec.nginxBasicAuth -}}
{{- if not (and $auth.user $auth.password) -}}
{{- fail (printf "%s.nginxBasicAuth needs user and password, or secretName of a Secret with the key auth" .item.field) -}}
{{- end -}}
{{- $user := include "gimlet.text" $auth.user -}}
{{- $password := include "gimlet.text" $auth.password -}}
{{- if contains ":" $user -}}
{{- fail (printf "%s.nginxBasicAuth.user contains a colon, which ends a name: leave it away" .item.field) -}}
{{- end -}}
{{- $salt := list .root.Release.Namespace .item.name $user $password | join "\n" | sha256sum | trunc 10 -}}
{{- $hash := printf "%s%s" $password $salt | sha1sum -}}
{{- printf "%s:{SSHA}%s" $user (include "gimlet.base64OfHex" (printf "%s%x" $hash $salt)) -}}
{{- end -}}
