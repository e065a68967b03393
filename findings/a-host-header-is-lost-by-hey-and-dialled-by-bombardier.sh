#!/usr/bin/env bash
# hey v0.1.5, bombardier v1.2.6, vegeta v12.13.0: what `Host: shop.example` asks for is three different things.
#
# A mesh or a gateway chooses by the Host header, so a test calls an address and names a host: `-H "Host: ..."`, as with curl.
# vegeta sends it, like curl. hey drops it without a word, though it sends any other header (it has `-host`): what is
# measured is the default route. bombardier connects to the host that the header names, instead of to its URL:
# the gateway that was to be tested gets nothing, and all is answered 200 by somebody else.
#
# Seen on 2026-12-01 (the URL is that of `gateway`; what the two servers read, for a Host that is the name of `other`):
#   curl:        gateway: Host other 10     other: nothing
#   vegeta:      gateway: Host other 10     other: nothing
#   hey -H:      gateway: Host gateway 10   other: nothing
#   hey -host:   gateway: Host other 10     other: nothing
#   bombardier:  gateway: nothing           other: Host other 10
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
for tool in github.com/rakyll/hey@v0.1.5 github.com/codesenberg/bombardier@v1.2.6 github.com/tsenart/vegeta/v12@v12.13.0; do
  GOBIN="$dir" GOFLAGS=-mod=mod go install $tool 2>/dev/null
done
cat >server.py <<'PY'
import collections
import http.server
import pathlib
import threading


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 100


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        answer = b""
        if self.path == "/seen":
            answer = ", ".join(f"Host {host} {times}" for host, times in self.server.seen.items()).encode() or b"nothing"
            self.server.seen.clear()
        else:
            with self.server.lock:
                self.server.seen[names.get(self.headers["host"], self.headers["host"])] += 1
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


names = {}
for name in ("gateway", "other"):
    server = Server(("127.0.0.1", 0), Shop)
    server.seen, server.lock = collections.Counter(), threading.Lock()
    names[f"127.0.0.1:{server.server_port}"] = name
    threading.Thread(target=server.serve_forever).start()
pathlib.Path("ports.new").write_text(" ".join(names))
pathlib.Path("ports.new").rename("ports")
PY
timeout 120 python3 server.py &
tries=0
until [ -s ports ]; do ((++tries < 200)); sleep 0.05; done
read -r gateway other <ports || true

told() {
  echo "$1: gateway: $(curl -fsS --max-time 5 "http://$gateway/seen"), other: $(curl -fsS --max-time 5 "http://$other/seen")"
}
seen=$(
  curl -fsS --max-time 20 -H "Host: $other" "http://$gateway/a?[1-10]"
  told curl
  echo "GET http://$gateway/a" | timeout 30 ./vegeta attack -rate 10 -duration 1s -header "Host: $other" >/dev/null
  told vegeta
  timeout 30 ./hey -n 10 -c 1 -H "Host: $other" "http://$gateway/a" >/dev/null
  told 'hey -H'
  timeout 30 ./hey -n 10 -c 1 -host "$other" "http://$gateway/a" >/dev/null
  told 'hey -host'
  timeout 30 ./bombardier -n 10 -c 1 -p r -H "Host: $other" "http://$gateway/a" >/dev/null
  told bombardier
)
echo "$seen"
stated='curl: gateway: Host other 10, other: nothing
vegeta: gateway: Host other 10, other: nothing
hey -H: gateway: Host gateway 10, other: nothing
hey -host: gateway: Host other 10, other: nothing
bombardier: gateway: nothing, other: Host other 10'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
