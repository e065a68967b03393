#!/usr/bin/env bash
# hey v0.1.5, bombardier v1.2.6, vegeta v12.13.0: every fifth request takes too long, and three tools tell three stories.
#
# All of them have a limit for a request, here 1 s. vegeta counts a request that ran into it as one that failed and took
# 1 s. hey lists it as an error and leaves it out of its times: the slowest request took milliseconds, the 90th
# percentile is that of the good ones, and the worse a service gets, the better they look. bombardier, for a GET, sends it
# once more without a word and counts the second answer: no error at all, and more requests than were asked for.
#
# Seen on 2026-12-01 (20 GETs; the server lets every fifth that it reads wait for 3 s):
#   vegeta:      succeeded 16, slowest over 1 s: yes, read by the server 20
#   hey:         succeeded 16, slowest over 1 s: no,  read by the server 20
#   bombardier:  succeeded 20, slowest over 1 s: yes, read by the server 24
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
for tool in github.com/rakyll/hey@v0.1.5 github.com/codesenberg/bombardier@v1.2.6 github.com/tsenart/vegeta/v12@v12.13.0; do
  GOBIN="$dir" GOFLAGS=-mod=mod go install $tool 2>/dev/null
done
cat >server.py <<'PY'
import http.server
import pathlib
import threading
import time


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 100
    seen = 0
    lock = threading.Lock()

    def handle_error(self, request, client_address):
        """A client that does not wait is what this is about."""


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        answer = b""
        if self.path == "/seen":
            answer, self.server.seen = str(self.server.seen).encode(), 0
        else:
            with self.server.lock:
                self.server.seen += 1
                late = self.server.seen % 5 == 0
            time.sleep(3 if late else 0)
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

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

# told TOOL SUCCEEDED SLOWEST: the slowest in seconds.
told() {
  over=$(awk -v slowest="$3" 'BEGIN { print (slowest > 0.999) ? "yes" : "no" }')
  echo "$1: succeeded $2, slowest over 1 s: $over, read by the server $(curl -fsS --max-time 5 "$url/seen")"
}
seen=$(
  echo "GET $url/a" | timeout 30 ./vegeta attack -rate 10 -duration 2s -timeout 1s | ./vegeta report -type json >vegeta.json
  told vegeta "$(python3 -c 'import json; print(json.load(open("vegeta.json"))["status_codes"]["200"])')" \
    "$(python3 -c 'import json; print(json.load(open("vegeta.json"))["latencies"]["max"] / 1e9)')"
  timeout 30 ./hey -n 20 -c 1 -t 1 "$url/a" >hey.txt
  told hey "$(sed -n 's/.*\[200\]\s*\([0-9]*\) responses/\1/p' hey.txt)" "$(sed -n 's/.*Slowest:\s*\([0-9.]*\) secs/\1/p' hey.txt)"
  timeout 30 ./bombardier -n 20 -c 1 -t 1s -p r -o json "$url/a" >bombardier.json
  told bombardier "$(python3 -c 'import json; print(json.load(open("bombardier.json"))["result"]["req2xx"])')" \
    "$(python3 -c 'import json; print(json.load(open("bombardier.json"))["result"]["latency"]["max"] / 1e6)')"
)
echo "$seen"
stated='vegeta: succeeded 16, slowest over 1 s: yes, read by the server 20
hey: succeeded 16, slowest over 1 s: no, read by the server 20
bombardier: succeeded 20, slowest over 1 s: yes, read by the server 24'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
