#!/usr/bin/env bash
# chaostoolkit-istio 0.4.1 (chaostoolkit 1.19.0): an experiment whose fault was injected nowhere is completed and well, and one for the canary is for everybody.
#
# Chaos Toolkit's extension for Istio puts a fault into the rules of a VirtualService that lead to a given `destination`,
# between two looks at whether all is well. It compares destinations letter by letter, so that `canary` is not
# `canary.test.svc.cluster.local`: where no rule has it the object is written back as it was, and the activity has
# succeeded. It has as well where the API server refuses the change (403 for an account that may read only): the refusal
# is the activity's output, and not its failure. Where there is no such VirtualService the activity has failed, and the
# experiment is completed all the same. In all three cases all is well at the second look, for nothing happened, and
# `chaos run` ends with 0: the service stands the fault. Where the destination is found the fault is that of its rule and
# of all who share it: named for a canary of 10 %, it hits the stable version's 90 % alike. And a delay that is followed
# by an abort is gone, for the second takes the first one's place.
#
# Seen on 2026-12-01 (stable at 90 and canary at 10 in one rule; exit code of chaos run, the last activity with the API server's
# status, and what is in the rule then):
#   abort for the canary:       exit code 0, completed; succeeded, 200; stable 90, canary 10: abort
#   abort for its name in full: exit code 0, completed; succeeded, 200; stable 90, canary 10: nothing
#   the account may read only:  exit code 0, completed; succeeded, 403; stable 90, canary 10: nothing
#   no such VirtualService:     exit code 0, completed; failed;         stable 90, canary 10: nothing
#   delay, then abort:          exit code 0, completed; succeeded, 200; stable 90, canary 10: abort
set -euo pipefail
dir=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check chaostoolkit==1.19.0 chaostoolkit-lib==1.44.0 \
  chaostoolkit-istio==0.4.1 kubernetes==29.0.0
cat >api.py <<'PY'
"""An API server that keeps one VirtualService, and the shop itself; argument: whether the account may write."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

shares = [{"destination": {"host": "stable"}, "weight": 90}, {"destination": {"host": "canary"}, "weight": 10}]
kept = {
    "apiVersion": "networking.istio.io/v1alpha3",
    "kind": "VirtualService",
    "metadata": {"name": "shop", "namespace": "test"},
    "spec": {"hosts": ["shop"], "http": [{"route": shares}]},
}


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/shop":
            self.answer(200, {})
        elif self.path.endswith("/namespaces/test/virtualservices/shop"):
            self.answer(200, kept)
        else:
            self.refuse(404, "NotFound")

    def do_PATCH(self):
        change = json.loads(self.rfile.read(int(self.headers["content-length"])))
        assert self.headers["content-type"] == "application/merge-patch+json", self.headers
        if sys.argv[1] != "writes":
            return self.refuse(403, "Forbidden")
        kept["spec"].update(change["spec"])
        self.answer(200, kept)

    def refuse(self, code, reason):
        self.answer(code, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code})

    def answer(self, code, content):
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Api)
with open("port", "w") as file:
    file.write(f"{server.server_port}\n")
server.serve_forever()
PY
cat >experiment.py <<'PY'
"""Writes an experiment; arguments: the VirtualService, the host, and the faults."""

import json
import os
import sys

service, host, *faults = sys.argv[1:]
settings = {"delay": {"fixed_delay": "5s"}, "abort": {"http_status": 503}}


def activity(fault):
    arguments = {
        "virtual_service_name": service,
        "ns": "test",
        "routes": [{"destination": {"host": host}}],
        "percentage": 100.0,
        **settings[fault],
    }
    provider = {"type": "python", "module": "chaosistio.fault.actions", "func": f"add_{fault}_fault", "arguments": arguments}
    return {"type": "action", "name": fault, "provider": provider}


look = {"type": "http", "url": os.environ["KUBERNETES_HOST"] + "/shop"}
experiment = {
    "title": "Faults",
    "description": "The shop stands faults of its canary",
    "steady-state-hypothesis": {
        "title": "The shop answers",
        "probes": [{"type": "probe", "name": "shop", "tolerance": 200, "provider": look}],
    },
    "method": [activity(fault) for fault in faults],
}
with open("experiment.json", "w") as file:
    json.dump(experiment, file)
PY
# try READS-OR-WRITES SERVICE HOST FAULT…
try() {
  rm -f port journal.json
  timeout 100 venv/bin/python api.py "$1" &
  local api=$! tries=0 code=0
  until [ -s port ]; do ((++tries < 200)); sleep 0.05; done
  export KUBECONFIG=$PWD/none KUBERNETES_HOST=http://127.0.0.1:$(cat port)
  venv/bin/python experiment.py "${@:2}"
  timeout 60 venv/bin/chaos --no-version-check run experiment.json >log 2>&1 || code=$?
  curl -sS --max-time 20 "$KUBERNETES_HOST/apis/networking.istio.io/v1alpha3/namespaces/test/virtualservices/shop" >kept.json
  kill "$api"
  wait "$api" || true
  venv/bin/python - "$code" <<'PY'
import json
import sys

journal = json.load(open("journal.json"))
last = journal["run"][-1]
rule = json.load(open("kept.json"))["spec"]["http"][0]
shares = ", ".join(f"{one['destination']['host']} {one['weight']}" for one in rule["route"])
answer = f", {last['output']['status']}" if last["output"] else ""
print(f"exit code {sys.argv[1]}, {journal['status']}; {last['status']}{answer}; {shares}: {' and '.join(rule.get('fault', {})) or 'nothing'}")
PY
}
seen="abort for the canary: $(try writes shop canary abort)
abort for its name in full: $(try writes shop canary.test.svc.cluster.local abort)
the account may read only: $(try reads shop canary abort)
no such VirtualService: $(try writes chop canary abort)
delay, then abort: $(try writes shop canary delay abort)"
echo "$seen"
stated='abort for the canary: exit code 0, completed; succeeded, 200; stable 90, canary 10: abort
abort for its name in full: exit code 0, completed; succeeded, 200; stable 90, canary 10: nothing
the account may read only: exit code 0, completed; succeeded, 403; stable 90, canary 10: nothing
no such VirtualService: exit code 0, completed; failed; stable 90, canary 10: nothing
delay, then abort: exit code 0, completed; succeeded, 200; stable 90, canary 10: abort'
if [ "$seen" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
