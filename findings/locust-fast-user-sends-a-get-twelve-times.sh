#!/usr/bin/env bash
# Locust 2.47.0 (its FastHttpUser, by geventhttpclient 2.6.1): a GET that a server drops is sent twelve times, and is one request.
#
# Locust has two clients with one interface, of which the fast one is advised for much load. Where a connection ends
# without an answer, HttpUser has a failure. FastHttpUser opens another one and sends the same again, without a pause, as
# many times as it may have connections (`concurrency`, ten) and once more: ten requests that a broken pod drops are 120
# at the server. PUT and DELETE, idempotent by HTTP's terms, are treated alike; POST and PATCH are not. If a later try is
# answered there was no failure: a service that drops every second request has none at all, where HttpUser counts half.
# What a mesh retries, ejects and counts in such a test is the load generator's doing, and the errors that its users would
# see are nowhere. (fortio does so once, and on connections that were used before.)
#
# Seen on 2026-12-01 (10 calls each; requests that the server read, and what Locust counted of them):
#   drops all:                   FastHttpUser: server 120, requests 10, failures 10   HttpUser: server 10, requests 10, failures 10
#   drops each second:           FastHttpUser: server 19, requests 10, failures 0     HttpUser: server 10, requests 10, failures 5
#   drops all, DELETE:           FastHttpUser: server 120, requests 10, failures 10   HttpUser: server 10, requests 10, failures 10
#   drops all, POST:             FastHttpUser: server 10, requests 10, failures 10    HttpUser: server 10, requests 10, failures 10
#   drops all, concurrency 1:    FastHttpUser: server 30, requests 10, failures 10    (HttpUser has no such number)
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check locust==2.47.0 geventhttpclient==2.6.1
cat >ask.py <<'PY'
import gevent.monkey

gevent.monkey.patch_all()
import gevent
from gevent.server import StreamServer
from locust import FastHttpUser, HttpUser, task
from locust.env import Environment

read, each = 0, 0


def serve(connection, _):
    """Drops a connection with its first request (each 1), or with its second one (each 2)."""
    global read
    lines = connection.makefile("rb")
    mine = 0
    while lines.readline():
        while lines.readline() != b"\r\n":
            pass
        read += 1
        mine += 1
        if mine == each:
            break
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
    lines.close()
    connection.close()


server = StreamServer(("127.0.0.1", 0), serve)
server.start()


def counts(kind, method, **settings):
    global read
    settings["host"] = f"http://127.0.0.1:{server.server_port}"
    user_class = type("Caller", (kind,), {**settings, "nothing": task(lambda user: None)})
    environment = Environment(user_classes=[user_class])
    environment.create_local_runner()
    user = user_class(environment)
    user.on_start()
    read = 0
    for _ in range(10):
        user.client.request(method, "/")
    total = environment.stats.total
    return f"{kind.__name__}: server {read}, requests {total.num_requests}, failures {total.num_failures}"


for title, each, method in ("drops all", 1, "GET"), ("drops each second", 2, "GET"), ("drops all", 1, "DELETE"), ("drops all", 1, "POST"):
    print(f"{title}, {method}: {counts(FastHttpUser, method)}; {counts(HttpUser, method)}")
each = 1
print(f"drops all, GET, concurrency 1: {counts(FastHttpUser, 'GET', concurrency=1)}")
PY
seen=$(timeout 200 venv/bin/python ask.py)
echo "$seen"
stated='drops all, GET: FastHttpUser: server 120, requests 10, failures 10; HttpUser: server 10, requests 10, failures 10
drops each second, GET: FastHttpUser: server 19, requests 10, failures 0; HttpUser: server 10, requests 10, failures 5
drops all, DELETE: FastHttpUser: server 120, requests 10, failures 10; HttpUser: server 10, requests 10, failures 10
drops all, POST: FastHttpUser: server 10, requests 10, failures 10; HttpUser: server 10, requests 10, failures 10
drops all, GET, concurrency 1: FastHttpUser: server 30, requests 10, failures 10'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
