{{- define "fist.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "fist.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "fist.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "fist.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "fist.selector" -}}
app.kubernetes.io/name: {{ include "fist.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "fist.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "fist.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "fist.account" -}}
{{- if .Values.security.serviceAccount.create }}
{{- default (include "fist.fullname" .) .Values.security.serviceAccount.name }}
{{- else }}
{{- required "security.serviceAccount.name is needed where none is created" .Values.security.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "fist.readAccount" -}}
{{- printf "%s-read" (include "fist.fullname" .) }}
{{- end }}

{{- /*
Names of the accounts that Workflows may name, by namespace, as YAML. The release's own are refused: whoever may write a Workflow would look
with the rights of the operator, or past the wall of a namespace.
*/ -}}
{{- define "fist.accounts" -}}
{{- $byNamespace := dict }}
{{- range .Values.read.accounts }}
{{- if and (eq .namespace $.Release.Namespace) (has .name (list (include "fist.account" $) (include "fist.readAccount" $))) }}
{{- fail (printf "read.accounts: %s/%s is an account of this release; Workflows must not name it" .namespace .name) }}
{{- end }}
{{- $_ := set $byNamespace .namespace (append (default list (get $byNamespace .namespace)) .name | uniq) }}
{{- end }}
{{- toYaml $byNamespace }}
{{- end }}

{{- define "fist.tokenSecret" -}}
{{- default (printf "%s-token" (include "fist.fullname" .)) .Values.server.existingTokenSecret }}
{{- end }}

{{- define "fist.image" -}}
{{- $image := .Values.global.image }}
{{- if $image.digest }}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) }}
{{- end }}
{{- end }}

{{- /*
What tells new values of this chart's own Secrets from old ones, so that pods start anew with them; empty = there are none. Whoever reads pods
reads it, so it takes scrypt for each guess. The token is not part of it: it is kept.
*/ -}}
{{- define "fist.ownSecrets" -}}
{{- $url := ternary "" .Values.database.url (not (empty .Values.database.existingSecret)) }}
{{- $values := list .Values.agent.anthropicApiKey .Values.agent.openaiApiKey $url | compact }}
{{- if $values }}
{{- derivePassword 1 "maximum" (join "\n" $values) .Release.Name .Release.Namespace | sha256sum | trunc 32 }}
{{- end }}
{{- end }}

{{- /* Of the pod of helm test. */ -}}
{{- define "fist.testSelector" -}}
app.kubernetes.io/name: {{ include "fist.name" . | trunc 58 | trimSuffix "-" }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* A container of that pod: (list $ NAME ARGS). */ -}}
{{- define "fist.testContainer" -}}
{{- $root := index . 0 }}
- name: {{ index . 1 }}
  image: {{ include "fist.image" $root }}
  imagePullPolicy: {{ $root.Values.global.image.pullPolicy }}
  securityContext: {{- toYaml $root.Values.containerSecurityContext | nindent 4 }}
  args: {{- toJson (index . 2) | nindent 4 }}
  env:
    - name: FIST_TOKEN
      valueFrom:
        secretKeyRef: { name: {{ include "fist.tokenSecret" $root }}, key: token }
    {{- if $root.Values.server.tlsSecret }}
    - { name: NODE_EXTRA_CA_CERTS, value: /ca/ca.crt }
  volumeMounts: [{ name: ca, mountPath: /ca, readOnly: true }]
    {{- end }}
  resources:
    requests: { cpu: 50m, memory: 64Mi }
    limits: { memory: 256Mi }
{{- end }}

{{- define "fist.isPostgres" -}}
{{- if eq .Values.database.type "postgres" }}true{{ end }}
{{- end }}

{{- /* Namespaces whose objects count; empty = all. */ -}}
{{- define "fist.namespaces" -}}
{{- join " " .Values.operator.namespaces }}
{{- end }}

{{- define "fist.secretNamespaces" -}}
{{- join " " (default (list .Release.Namespace) .Values.secrets.namespaces) }}
{{- end }}

{{- /*
Annotations of Sources, Workflows and Sinks. Helm looks every kind up before it makes anything, so where the CRDs come with this very release
they are made after it; from the next upgrade on they are part of the release like all else. A rollback to that first revision deletes them with
what it does not know, and makes them anew.
*/ -}}
{{- define "fist.objectAnnotations" -}}
meta.helm.sh/release-name: {{ .Release.Name }}
meta.helm.sh/release-namespace: {{ .Release.Namespace }}
{{- if not (.Capabilities.APIVersions.Has "punchingfist.io/v1alpha1/Source") }}
helm.sh/hook: post-install,post-rollback
{{- end }}
{{- end }}

{{- /* cpu=50m,memory=64Mi, of a map. */ -}}
{{- define "fist.quantities" -}}
{{- $parts := list }}
{{- range $resource, $quantity := . }}
{{- $parts = append $parts (printf "%s=%v" $resource $quantity) }}
{{- end }}
{{- join "," $parts }}
{{- end }}
