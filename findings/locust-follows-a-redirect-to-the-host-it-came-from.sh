#!/usr/bin/env bash
# Locust 2.47.0 (HttpUser and FastHttpUser): a redirect to another host is followed with the Host header of the first one.
#
# Who drives a gateway at an address names the host by a header, `headers={"Host": "shop.example"}`. When the answer leads
# to another host, both of Locust's clients connect to that and go on to ask it for the first: behind one gateway that is
# the old virtual host, whatever the redirect said. The entry is one request for the first path with the status of the
# last, so a redirect to the wrong place counts as 200, and the host that it names has never been asked for. curl drops
# the header where the host changes.
#
# Seen on 2026-11-30 (the first server leads to `localhost`, what the second one is asked for):
#   HttpUser: shop.example, FastHttpUser: shop.example, curl: localhost
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check locust==2.47.0

# Two servers: one leads everybody to the other, which writes down for whom it was asked.
cat >servers.py <<'PY'
import http.server
import os
import threading


class Quiet(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, *headers):
        self.send_response(status)
        for name, value in (*headers, ("content-length", "0")):
            self.send_header(name, value)
        self.end_headers()


class Old(Quiet):
    def do_GET(self):
        self.answer(301, ("location", f"http://localhost:{new.server_port}{self.path}"))


class New(Quiet):
    def do_GET(self):
        with open("asked", "a") as file:
            print(self.path, self.headers["host"].partition(":")[0], file=file)
        self.answer(200)


old, new = (http.server.ThreadingHTTPServer(("127.0.0.1", 0), one) for one in (Old, New))
threading.Thread(target=new.serve_forever, daemon=True).start()
with open("port.part", "w") as file:
    file.write(str(old.server_port))
os.rename("port.part", "port")
old.serve_forever()
PY
timeout 120 python3 servers.py &
tries=0
until [[ -f port ]]; do ((++tries < 200)); sleep 0.05; done

cat >locustfile.py <<'PY'
import gevent
from locust import FastHttpUser, HttpUser, task
from locust.exception import StopUser

done = []


def ask(user):
    user.client.get(user.path, headers={"Host": "shop.example"})
    done.append(user)
    if len(done) == 2:
        gevent.spawn(user.environment.runner.quit)
    raise StopUser


class Plain(HttpUser):
    fixed_count, tasks, path = 1, [ask], "/plain"


class Fast(FastHttpUser):
    fixed_count, tasks, path = 1, [ask], "/fast"
PY
address="http://127.0.0.1:$(cat port)"
timeout 90 venv/bin/locust --headless -u 2 -r 2 -t 60s -H "$address" --only-summary >log 2>&1 || { cat log; exit 1; }
curl -sSL --max-time 20 -H 'Host: shop.example' "$address/curl"
asked_for() { sed -n "s,^/$1 ,,p" asked; }
echo "HttpUser: $(asked_for plain), FastHttpUser: $(asked_for fast), curl: $(asked_for curl)"
if [[ "$(asked_for plain) $(asked_for fast) $(asked_for curl)" != "shop.example shop.example localhost" ]]; then
  echo "not as stated any more"
  exit 1
fi
