#!/usr/bin/env bash
# k6 v1.8.1: a checkout that fails breaks the limit that it has, and one that is never reached keeps it.
#
# Thresholds of k6 may be for a part of the requests, by a tag: `checks{step:checkout}: rate>0.99`. A threshold for a metric that
# does not exist is an error. One for a tag that no request has, misspelt or not reached, is kept: without a single sample
# k6 takes `rate>0.99` for true, and shows it with a tick beside "rate=0.00%"; percentiles of nothing are 0 ms, which is below
# any limit. So of two bad days the worse one is green: if checkouts fail the run fails (exit code 99), and if the login before
# them fails, so that nobody ever gets to a checkout, it passes. A limit for a number, `http_reqs{step:checkout}: count>0`, beside
# each is what tells.
#
# Seen on 2026-12-01 (20 iterations, a login and, where that succeeds, a checkout; exit codes of k6 run):
#   all is well:                     20 checkouts, exit code 0
#   checkouts are answered 503:      20 checkouts, exit code 99
#   logins are answered 503:         0 checkouts,  exit code 0
#   the same, with count>0 as well:  0 checkouts,  exit code 99
# The first run fetches and compiles k6, which takes some minutes.
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
GOBIN="$dir" GOFLAGS=-mod=mod go install go.k6.io/k6@v1.8.1 2>/dev/null
cat >server.py <<'PY'
import http.server
import pathlib


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    checkouts = 0
    fails = ""

    def do_GET(self):
        body = b""
        step = self.path.strip("/")
        if step.startswith("fail-"):
            body, Shop.checkouts, Shop.fails = str(Shop.checkouts).encode(), 0, step.removeprefix("fail-")
        Shop.checkouts += step == "checkout"
        self.send_response(503 if step == Shop.fails else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shop)
pathlib.Path("port.new").write_text(str(server.server_port))
pathlib.Path("port.new").rename("port")
server.serve_forever()
PY
timeout 500 python3 server.py &
tries=0
until [ -s port ]; do ((++tries < 200)); sleep 0.05; done
url=http://127.0.0.1:$(<port)
cat >shop.js <<'JS'
import http from "k6/http";
import { check } from "k6";

const thresholds = {
  "checks{step:checkout}": ["rate>0.99"],
  "http_req_failed{step:checkout}": ["rate<0.01"],
  "http_req_duration{step:checkout}": ["p(95)<5000"],
};
if (__ENV.COUNTED) {
  thresholds["http_reqs{step:checkout}"] = ["count>0"];
}
export const options = { vus: 2, iterations: 20, thresholds };

export default function () {
  if (http.get(`${__ENV.URL}/login`, { tags: { step: "login" } }).status !== 200) {
    return;
  }
  const tags = { step: "checkout" };
  check(http.get(`${__ENV.URL}/checkout`, { tags }), { "is paid": (answer) => answer.status === 200 }, tags);
}
JS
# run TITLE STEP COUNTED: with this step failing.
run() {
  local code=0
  curl -fsS --max-time 5 "$url/fail-$2" >/dev/null
  timeout 60 ./k6 run --no-usage-report --address 127.0.0.1:0 --quiet -e "URL=$url" -e "COUNTED=$3" shop.js >log 2>&1 || code=$?
  echo "$1: $(curl -fsS --max-time 5 "$url/fail-nothing") checkouts, exit code $code"
  grep -o ".*'rate>0.99' rate=[0-9.]*%" log | sed 's/^ */  /'
}
{
  run "all is well" nothing ""
  run "checkouts fail" checkout ""
  run "logins fail" login ""
  run "logins fail, counted" login yes
} >seen
cat seen
stated="all is well: 20 checkouts, exit code 0
  ✓ 'rate>0.99' rate=100.00%
checkouts fail: 20 checkouts, exit code 99
  ✗ 'rate>0.99' rate=0.00%
logins fail: 0 checkouts, exit code 0
  ✓ 'rate>0.99' rate=0.00%
logins fail, counted: 0 checkouts, exit code 99
  ✓ 'rate>0.99' rate=0.00%"
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
