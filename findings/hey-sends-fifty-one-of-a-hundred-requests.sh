#!/usr/bin/env bash
# hey v0.1.5: `-n 100 -c 51` sends 51 requests, and says nothing of the others.
#
# `-n` is the "number of requests to run", `-c` how many workers run at once. Each worker gets the same number of requests,
# rounded down, so that up to nearly half of them are not sent; hey ends with exit code 0 and reports the rate of the rest.
# Where a number of requests is compared with counters of a mesh or with a limit, what lacks looks like lost traffic.
# bombardier v1.2.6, with the same two options, sends a hundred.
#
# Seen on 2026-12-01 (requests that the server read):
#   -n 100 -c 10:  hey 100, bombardier 100
#   -n 100 -c 30:  hey 90,  bombardier 100
#   -n 100 -c 51:  hey 51,  bombardier 100
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
GOBIN="$dir" GOFLAGS=-mod=mod go install github.com/rakyll/hey@v0.1.5 2>/dev/null
GOBIN="$dir" GOFLAGS=-mod=mod go install github.com/codesenberg/bombardier@v1.2.6 2>/dev/null
cat >server.py <<'PY'
import http.server
import pathlib
import threading


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 100
    seen = 0
    lock = threading.Lock()


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b""
        if self.path == "/seen":
            body, self.server.seen = str(self.server.seen).encode(), 0
        else:
            with self.server.lock:
                self.server.seen += 1
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = Server(("127.0.0.1", 0), Shop)
pathlib.Path("port.new").write_text(str(server.server_port))
pathlib.Path("port.new").rename("port")
server.serve_forever()
PY
timeout 120 python3 server.py &
tries=0
until [ -s port ]; do ((++tries < 200)); sleep 0.05; done
url=http://127.0.0.1:$(<port)

seen=$(for workers in 10 30 51; do
  timeout 30 ./hey -n 100 -c $workers "$url/" >/dev/null
  hey=$(curl -fsS --max-time 5 "$url/seen")
  timeout 30 ./bombardier -n 100 -c $workers -p r "$url/" >/dev/null
  bombardier=$(curl -fsS --max-time 5 "$url/seen")
  echo "-n 100 -c $workers: hey $hey, bombardier $bombardier"
done)
echo "$seen"
stated='-n 100 -c 10: hey 100, bombardier 100
-n 100 -c 30: hey 90, bombardier 100
-n 100 -c 51: hey 51, bombardier 100'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
