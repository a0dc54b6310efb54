# The image of Punching Fist: a distroless Node with the program and its packages, nothing else.
#
#   scripts/build-image.sh IMAGE:TAG        builds it with its SBOM; needs docker buildx
#
# BUILD_IMAGE and BASE_IMAGE as NAME@sha256:... pin both bases, so that a build is the same next year; without them it takes the tags below, which
# move, and build-image.sh says so. What cannot be tried without a container engine is this file itself; that what it copies is enough to run is
# tried by test/real/image.test.ts.
ARG BUILD_IMAGE=docker.io/library/node:22-bookworm-slim
ARG BASE_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund
COPY bin bin
COPY src src
COPY deploy deploy
COPY examples/connect examples/connect
# The platform package of Node, under one name whatever the platform is, and the one library that it needs and the base has not.
RUN apt-get update && apt-get install -y --no-install-recommends libatomic1 \
  && mkdir lib && cp /usr/lib/*-linux-gnu/libatomic.so.1 lib/ \
  && cp node_modules/node-linux-*/bin/node node

FROM ${BASE_IMAGE}
WORKDIR /app
# A container that starts anew in its pod finds what Node has compiled before.
ENV NODE_ENV=production LD_LIBRARY_PATH=/app/lib NODE_COMPILE_CACHE=/tmp/node-compile-cache
COPY --from=build /app /app
USER 65532:65532
EXPOSE 8080
# As bin/node-options.json; how large the heap may become Node takes from the memory of the container.
ENTRYPOINT ["/app/node", "--max-semi-space-size=16", "--initial-old-space-size=64", "/app/src/main.ts"]
CMD ["operator"]
