#!/usr/bin/env bash
# Installs the programs that `npm run test:real` runs against, where it can: Debian's Prometheus, Alertmanager and Pushgateway, as root;
# zstd, which unpacks the binaries of an API server where they are kept packed; and strace, which records what a server
# writes, for the tests of power cuts (also of `npm run test:chaos`); and zsh and fish, for what completes their command lines.
# The services that the packages would start are kept off.
set -u
missing=()
command -v prometheus >/dev/null || missing+=(prometheus)
command -v prometheus-alertmanager >/dev/null || missing+=(prometheus-alertmanager)
command -v prometheus-pushgateway >/dev/null || missing+=(prometheus-pushgateway)
command -v zstd >/dev/null || missing+=(zstd)
command -v strace >/dev/null || missing+=(strace)
command -v zsh >/dev/null || missing+=(zsh)
command -v fish >/dev/null || missing+=(fish)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "real-parts: not installed: ${missing[*]} (needs root on Debian)" >&2
  exit 1
fi
policy=/usr/sbin/policy-rc.d
made_policy=0
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && made_policy=1
fi
apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
status=$?
[ "$made_policy" = 1 ] && rm -f "$policy"
exit $status
