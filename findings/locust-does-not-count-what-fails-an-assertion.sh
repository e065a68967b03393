#!/usr/bin/env bash
# Locust 2.47.0: a request whose answer fails an `assert` is in no statistic, neither as a request nor as a failure.
#
# Answers are judged in `with self.client.get(…, catch_response=True) as response:`. Written as in a test, with an
# assertion in the block, each request is sent and answered 200, and is then forgotten: it is not in the table, the CSV
# or the JSON, and the share of failures is 0 %, so a build that looks at that (`fail_ratio`, the failures' CSV)
# passes with every answer wrong. The assertion stands in a list of exceptions of its own, and in the exit code.
# An exception of Locust's own (`raise ResponseError`) counts as a failure, and a failed connection does.
#
# Seen on 2026-11-29 (three classes of users that send 10 requests each; the server's own count):
#   HttpUser, assert:        server 10, requests 0, failures 0
#   FastHttpUser, assert:    server 10, requests 0, failures 0
#   HttpUser, ResponseError: server 10, requests 10, failures 10
#   exceptions 20, exit code 1
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check locust==2.47.0

cat >server.py <<'PY'
import http.server
import os


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with open("seen", "a") as seen:
            print(self.path, file=seen)
        self.send_response(200)
        self.send_header("content-length", "12")
        self.end_headers()
        self.wfile.write(b'{"price": 0}')

    def log_message(self, *args):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open("port.new", "w") as port:
    print(server.server_port, file=port)
os.rename("port.new", "port")
server.serve_forever()
PY
timeout 120 python3 server.py &

cat >locustfile.py <<'PY'
import json

import gevent
from locust import FastHttpUser, HttpUser, constant, events
from locust.exception import ResponseError, StopUser

done = []


def asserts(right):
    assert right, "no price"


def raises(right):
    if not right:
        raise ResponseError("no price")


def look(user):
    user.sent += 1
    if user.sent > 10:
        done.append(user)
        if len(done) == 3:
            gevent.spawn(user.environment.runner.quit)
        raise StopUser
    with user.client.get(user.path, catch_response=True) as response:
        user.judge[0](response.json()["price"] > 0)


class Plain(HttpUser):
    fixed_count, tasks, wait_time, sent, path, judge = 1, [look], constant(0), 0, "/plain", [asserts]


class Fast(FastHttpUser):
    fixed_count, tasks, wait_time, sent, path, judge = 1, [look], constant(0), 0, "/fast", [asserts]


class Known(HttpUser):
    fixed_count, tasks, wait_time, sent, path, judge = 1, [look], constant(0), 0, "/known", [raises]


@events.quitting.add_listener
def counts(environment, **_):
    entries = {path: environment.stats.get(path, "GET") for path in ("/plain", "/fast", "/known")}
    counted = {path: [entry.num_requests, entry.num_failures] for path, entry in entries.items()}
    exceptions = sum(one["count"] for one in environment.runner.exceptions.values())
    json.dump({"counted": counted, "exceptions": exceptions}, open("counts.json", "w"))
PY
tries=0
until [ -f port ]; do ((++tries < 200)); sleep 0.05; done
code=0
timeout 60 venv/bin/locust --headless -u 3 -r 3 -t 50s -H "http://127.0.0.1:$(cat port)" --loglevel CRITICAL >log 2>&1 || code=$?
cat >tell.py <<'PY'
import json

seen, told = open("seen").read().split(), json.load(open("counts.json"))
for path, (requests, failures) in told["counted"].items():
    print(f"{path}: server {seen.count(path)}, requests {requests}, failures {failures}")
print("exceptions", told["exceptions"])
PY
seen="$(python3 tell.py)
exit code $code"
echo "$seen"
stated="/plain: server 10, requests 0, failures 0
/fast: server 10, requests 0, failures 0
/known: server 10, requests 10, failures 10
exceptions 20
exit code 1"
if [ "$seen" != "$stated" ]; then cat log; echo "not as stated any more"; exit 1; fi
