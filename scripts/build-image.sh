#!/usr/bin/env bash
# build-image.sh IMAGE:TAG [ARGUMENTS OF docker buildx build...]: builds the image with provenance and an SBOM.
# BUILD_IMAGE and BASE_IMAGE pin the bases: NAME@sha256:... ; without them the tags of the Dockerfile are taken, and said so.
set -euo pipefail
cd "$(dirname "$0")/.."
image=${1:?build-image.sh IMAGE:TAG}
shift
command -v docker >/dev/null || {
  echo 'build-image: there is no docker here' >&2
  exit 1
}
arguments=()
for name in BUILD_IMAGE BASE_IMAGE; do
  value=${!name:-}
  if [ -z "$value" ]; then
    echo "build-image: $name is not pinned (NAME@sha256:...)" >&2
  else
    arguments+=(--build-arg "$name=$value")
  fi
done
docker buildx build --provenance=mode=max --sbom=true "${arguments[@]}" --tag "$image" "$@" .
