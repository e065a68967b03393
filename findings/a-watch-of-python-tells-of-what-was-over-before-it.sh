#!/usr/bin/env bash
# kubernetes 37.0.2 (the client for Python): a watch that goes on after a pause tells of pods that were gone before it began.
#
# `Watch().stream(api.list_namespaced_pod, "shop")` first gets what there is, each object with its own version, in the order of
# their names, and then what happens. An API server ends every watch after some time, and the client asks on from "the last
# result": the version of the object that it got last, and not that of the state it was given. Where nothing happened in
# between, that is how old the last pod by name is. So after a pause without events the client is told what came before
# its beginning: pods that were made and deleted, and others as new once more. A test that nothing is deleted while it
# looks fails, one that counts what is made counts twice. From the version of a listing, as Kubernetes' documentation has it,
# nothing is told twice.
#
# Seen on 2026-12-01 (pods `a`, made at version 30, and `b`, at 10; `c` was made at 20 and deleted at 25; then a watch begins):
#   watch alone:              ADDED a, ADDED b | ADDED c, DELETED c, ADDED a
#   from a listing's version: |
# (The bar is where the server ends the first request.)
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check kubernetes==37.0.2
cat >look.py <<'PY'
import http.server
import json
import threading
from urllib.parse import parse_qs, urlsplit

from kubernetes import client, watch


def pod(name, version):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", "resourceVersion": str(version)}}


THERE = [pod("a", 30), pod("b", 10)]
HISTORY = [(10, "ADDED", "b"), (20, "ADDED", "c"), (25, "DELETED", "c"), (30, "ADDED", "a")]


class Server(http.server.BaseHTTPRequestHandler):
    """Answers as the Kubernetes API does, and ends each watch when it has told what there is to tell."""

    def do_GET(self):
        asked = parse_qs(urlsplit(self.path).query)
        if "watch" not in asked:
            answer = {"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "30"}, "items": THERE}
            lines = [json.dumps(answer)]
        elif "resourceVersion" not in asked:
            lines = [json.dumps({"type": "ADDED", "object": one}) for one in THERE]
        else:
            since = int(asked["resourceVersion"][0])
            later = [(kind, pod(name, version)) for version, kind, name in HISTORY if version > since]
            lines = [json.dumps({"type": kind, "object": one}) for kind, one in later]
        if "watch" in asked:
            requests.append(len(seen))
            if len(requests) > 1 and not lines:
                stream.stop()
        body = "".join(f"{line}\n" for line in lines).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
with client.ApiClient(client.Configuration(host=f"http://127.0.0.1:{server.server_port}")) as connected:
    api = client.CoreV1Api(connected)
    for title in ("watch alone", "from a listing's version"):
        seen, requests, stream = [], [], watch.Watch()
        listed = {} if title == "watch alone" else {"resource_version": api.list_namespaced_pod("shop").metadata.resource_version}
        for event in stream.stream(api.list_namespaced_pod, "shop", **listed):
            seen.append(f"{event['type']} {event['object'].metadata.name}")
            if len(requests) > 1 and event["object"].metadata.name == "a":
                stream.stop()
        print(f"{title}: {', '.join(seen[:requests[1]])} | {', '.join(seen[requests[1]:])}".strip())
PY
seen=$(timeout 60 venv/bin/python look.py)
echo "$seen"
stated="watch alone: ADDED a, ADDED b | ADDED c, DELETED c, ADDED a
from a listing's version:  |"
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
