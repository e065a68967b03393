#!/usr/bin/env bash
# Locust 2.47.0: a service that answers nothing for most of a run is a fast one, without a failure and with exit code 0.
#
# The rate that Locust reports is the number of answers divided by the time from the start *to the last answer*, not by the
# time of the run; and a request that still waits when the run ends is neither a request nor a failure. A service that
# answers at once, and after a hundred answers no more, ends a run of 10 s with all requests well, the rate of its first
# second and percentiles of some milliseconds. What tells of the hang is the number of requests alone, to who reckons it.
#
# Seen on 2026-12-01 (one user without pauses, a server that lets every request after the hundredth wait):
#   10 s: requests 100, failures 0, over 20 requests per second: yes, 100 % within 1 s: yes, exit code 0
#   the last request was without an answer for more than 5 s: yes (and 100 requests in 10 s are 10 per second)
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check locust==2.47.0
cat >server.py <<'PY'
import http.server
import itertools
import pathlib
import time


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """The user that waits is ended with the run."""


class Shop(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if next(numbers) > 100:
            pathlib.Path("hung").write_text(str(time.time()))
            time.sleep(60)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


numbers = itertools.count(1)
server = Server(("127.0.0.1", 0), Shop)
pathlib.Path("port.new").write_text(str(server.server_port))
pathlib.Path("port.new").rename("port")
server.serve_forever()
PY
cat >locustfile.py <<'PY'
import time
from pathlib import Path

from locust import HttpUser, constant, events, task


class Shopper(HttpUser):
    wait_time = constant(0)

    @task
    def browse(self):
        self.client.get("/")


@events.test_stop.add_listener
def measure(**_):
    Path("waited").write_text(str(time.time() - float(Path("hung").read_text())))
PY
timeout 60 python3 server.py &
tries=0
until [ -s port ]; do ((++tries < 200)); sleep 0.05; done
code=0
timeout 60 venv/bin/locust --headless --users 1 --run-time 10s --host "http://127.0.0.1:$(<port)" --csv run --only-summary >log 2>&1 || code=$?
seen=$(python3 - "$code" <<'PY'
import csv
import sys

with open("run_stats.csv") as file:
    total = list(csv.DictReader(file))[-1]
rate, slowest = float(total["Requests/s"]) > 20, float(total["100%"]) < 1000
print(
    f"10 s: requests {total['Request Count']}, failures {total['Failure Count']}, over 20 requests per second:"
    f" {'yes' if rate else 'no'}, 100 % within 1 s: {'yes' if slowest else 'no'}, exit code {sys.argv[1]}"
)
with open("waited") as file:
    print("the last request was without an answer for more than 5 s:", "yes" if float(file.read()) > 5 else "no")
PY
)
echo "$seen"
stated='10 s: requests 100, failures 0, over 20 requests per second: yes, 100 % within 1 s: yes, exit code 0
the last request was without an answer for more than 5 s: yes'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
