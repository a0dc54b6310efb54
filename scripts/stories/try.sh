#!/usr/bin/env bash
# Records stories of examples/ again: runs their manifests on a test cluster, lets time pass, plays the
# kubelets' part, dumps the cluster and captures the notifications of a real Alertmanager.
#
#   scripts/stories/make.sh [--begin | --finish] SCENARIO...
#
# --begin stops after the change, --finish starts with the dump: for those who wait in between by themselves.
# Stories that share a namespace are recorded in separate runs.
#
# KUBECONFIG     a TEST cluster with simulated (kwok) nodes that leaves pods with an annotation envtest/state of
#                an unknown value alone. The stories' namespaces are created, and deleted again at the end.
# STORY_AGE      seconds between the change and the dump (1510: what the stories' times are written for)
# STORY_WORK     folder for logs and other passing files (a temporary one)
# Needs kubectl and node in PATH; without an Alertmanager there the alerts stay as they are.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
examples=$(cd "$here/../../examples" && pwd)
half=both
case ${1:-} in --begin | --finish) half=${1#--}; shift ;; esac
[[ $# -gt 0 ]] || { sed -n '2,/^set /{/^#/p}' "${BASH_SOURCE[0]}" >&2; exit 2; }
: "${KUBECONFIG:?set KUBECONFIG to a test cluster}"
if [[ -z ${STORY_WORK:-} ]]; then
  STORY_WORK=$(mktemp -d)
  trap 'rm -rf "$STORY_WORK"' EXIT
fi
export STORY_WORK

namespaces_of() { sed -n 's/^namespaces: \[\(.*\)\]$/\1/p' "$here/$1/story.yaml" | tr -d ' '; }

settle() { # SCENARIO: the pods that can start do, and rollouts get on
  for _ in 1 2 3 4 5 6; do
    sleep 2
    node "$here/kubelet.ts" ready "$here/$1/story.yaml"
  done
}

begin() { # SCENARIO
  kubectl apply -f "$here/$1/1-before.yaml"
  settle "$1"
  [[ -e $here/$1/2-change.yaml ]] || return 0
  sleep "${STORY_BEFORE:-120}"
  kubectl apply -f "$here/$1/2-change.yaml"
  settle "$1"
}

# What kubectl's own dump leaves out. Secrets never; nor the cluster's own certificate authority.
further_lists() { # FOLDER NAMESPACE
  local resource
  for resource in statefulsets jobs cronjobs persistentvolumeclaims networkpolicies ingresses horizontalpodautoscalers \
    poddisruptionbudgets endpointslices resourcequotas limitranges; do
    kubectl get "$resource" --namespace "$2" --output json >"$1/$2/$resource.json"
  done
  kubectl get configmaps --namespace "$2" --field-selector metadata.name!=kube-root-ca.crt --output json >"$1/$2/configmaps.json"
}

restarted='{{range .items}}{{$pod := .metadata.name}}{{range .status.containerStatuses}}{{if .restartCount}}{{$pod}} {{.name}}
{{end}}{{end}}{{end}}'

previous_logs() { # FOLDER NAMESPACE: previous.txt with the sections of kubectl's logs.txt
  local pod container
  kubectl get pods --namespace "$2" --output go-template="$restarted" | while read -r pod container; do
    {
      echo "==== START logs for container $container of pod $2/$pod ===="
      kubectl logs --previous --namespace "$2" --container "$container" "$pod" </dev/null
      echo "==== END logs for container $container of pod $2/$pod ===="
    } >>"$1/$2/$pod/previous.txt"
  done
}

finish() { # SCENARIO
  local dump=$examples/$1/dump namespaces namespace resource
  namespaces=$(namespaces_of "$1"),default
  node "$here/kubelet.ts" play "$here/$1/story.yaml"
  sleep 3
  rm -rf "$dump"
  kubectl cluster-info dump --output-directory="$dump" --namespaces "$namespaces"
  for namespace in ${namespaces//,/ }; do
    further_lists "$dump" "$namespace"
    previous_logs "$dump" "$namespace"
  done
  for resource in namespaces persistentvolumes storageclasses; do
    kubectl get "$resource" --output json >"$dump/$resource.json"
  done
  node "$here/capture-alerts.ts" story "$1"
}

used=,
for scenario in "$@"; do :
  [[ -e $here/$scenario/story.yaml ]] || { echo "make.sh: no story $scenario in $here" >&2; exit 2; }
  for namespace in $(namespaces_of "$scenario" | tr , ' '); do
    [[ $used != *,"$namespace",* ]] || { echo "make.sh: $scenario shares namespace $namespace with another: record it in a run of its own" >&2; exit 2; }
    used+=$namespace,
  done
done
if [[ $half != finish ]]; then
  for scenario in "$@"; do begin "$scenario"; done
fi
[[ $half != begin ]] || exit 0
[[ $half == finish ]] || sleep "${STORY_AGE:-1510}"
for scenario in "$@"; do finish "$scenario"; done
for scenario in "$@"; do :
  :
done
