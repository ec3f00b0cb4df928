{{- /* Fetches one commit, builds it, and leaves what was built in /site/assets. */ -}}
{{- define "static-site.buildSteps" -}}
set -eu
rm -rf /site/source /site/assets
mkdir -p "$HOME" /site/source /site/assets
cd /site/source
git init --quiet
git remote add origin "$GIT_CLONE_URL"
if [ -n "$GIT_SHA" ]; then
  # Some servers hand out a commit only together with the branches.
  git fetch --quiet --depth 1 origin "$GIT_SHA" || git fetch --quiet origin
  git checkout --quiet --detach "$GIT_SHA"
else
  git fetch --quiet --depth 1 origin "${GIT_BRANCH:-HEAD}"
  git checkout --quiet --detach FETCH_HEAD
fi
/bin/sh -ec "$BUILD_SCRIPT"
cp -R "$BUILT_ASSETS/." /site/assets/
# The address may hold a password.
rm -rf /site/source
{{ end -}}

{{- /* The image of the build: with its tag in buildImage, or in buildTag. */ -}}
{{- define "static-site.buildImage" -}}
{{- if regexMatch "[:@][^/]+$" .Values.buildImage -}}
{{- .Values.buildImage -}}
{{- else -}}
{{- include "gimlet.imageReference" (dict "repository" .Values.buildImage "tag" .Values.buildTag) -}}
{{- end -}}
{{- end -}}

{{- /* The container that builds the site before the server starts. */ -}}
{{- define "static-site.build" -}}
{{- $given := .Values.buildSecurityContext | default dict -}}
{{- if include "gimlet.isRestricted" . -}}
{{- /* Images for building seldom name a user; this number owns nothing in them. */ -}}
{{- $given = mergeOverwrite (dict "runAsUser" 1000) (deepCopy $given) -}}
{{- end -}}
{{- $context := include "gimlet.securityContext" (dict "root" . "given" $given) | fromYaml -}}
{{- $address := dict "name" "GIT_CLONE_URL" "value" .Values.gitCloneUrl -}}
{{- with .Values.gitCloneUrlSecretName -}}
{{- $key := dict "secretKeyRef" (dict "name" . "key" "gitCloneUrl") -}}
{{- $address = dict "name" "GIT_CLONE_URL" "valueFrom" $key -}}
{{- end -}}
{{- $env := list
  (dict "name" "HOME" "value" "/site/home")
  $address
  (dict "name" "GIT_SHA" "value" (.Values.gitSha | default ""))
  (dict "name" "GIT_BRANCH" "value" (.Values.gitBranch | default ""))
  (dict "name" "BUILD_SCRIPT" "value" (.Values.buildScript | replace "$" "$$"))
  (dict "name" "BUILT_ASSETS" "value" (.Values.builtAssets | trimSuffix "/" | default "."))
-}}
{{- $mounts := list (dict "name" "site" "mountPath" "/site") -}}
{{- if $context.readOnlyRootFilesystem -}}
{{- $mounts = append $mounts (dict "name" "writable-tmp" "mountPath" "/tmp") -}}
{{- end -}}
{{- $container := dict
  "name" "build"
  "image" (include "static-site.buildImage" .)
  "imagePullPolicy" (.Values.image.pullPolicy | default "IfNotPresent")
  "command" (list "/bin/sh" "-c" (include "static-site.buildSteps" .))
  "env" $env
  "volumeMounts" $mounts
-}}
{{- $parts := dict
  "envFrom" (include "gimlet.environment" . | fromJson).items
  "resources" .Values.buildResources
  "securityContext" $context
-}}
{{- range $field, $part := $parts -}}
{{- if $part -}}
{{- $_ := set $container $field $part -}}
{{- end -}}
{{- end -}}
{{- toYaml $container -}}
{{- end -}}
