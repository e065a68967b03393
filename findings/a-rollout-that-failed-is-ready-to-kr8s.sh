#!/usr/bin/env bash
# kr8s 0.20.15 and lightkube 1.0.1 (Python clients of Kubernetes): a Deployment is ready while all that serves is the old version.
#
# `Deployment.ready()` of kr8s compares the number of ready pods with the number that is wanted. While a new version comes up
# the old one's pods are ready, as many as are wanted: that is what a rolling update is for. So the answer is True from the moment when the
# controller has seen the change, while one of three pods is new and none of these serves, and it is True for ever where the new version
# crashes and the rollout has failed (ProgressDeadlineExceeded). Load that begins then is sent to the old version,
# and its verdict is the old one's. `updatedReplicas` says it, and is not looked at. The `wait` of kr8s and that of lightkube
# take a condition from a status that was written before the change, too (observedGeneration), where `kubectl wait` waits.
#
# Seen on 2026-12-01 (three replicas wanted; what each says of the status that a cluster has):
#   change not seen yet:                       kr8s ready False, kr8s wait Available done, lightkube wait Available done
#   one new pod, not ready; three old ones:    kr8s ready True
#   the same, ProgressDeadlineExceeded:        kr8s ready True
#   three new pods and none of the old:        kr8s ready True
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
python3 -m venv venv
venv/bin/pip install -q --no-compile --disable-pip-version-check kr8s==0.20.15 lightkube==1.0.1 lightkube-models==1.37.0.8
cat >ask.py <<'PY'
import http.server
import json
import threading

import kr8s
from kr8s.objects import Deployment
from lightkube import Client
from lightkube.config.kubeconfig import KubeConfig
from lightkube.resources.apps_v1 import Deployment as Resource


def deployment(observed, updated, ready, progressing):
    conditions = [{"type": "Available", "status": "True"}, {"type": "Progressing", "status": progressing[0], "reason": progressing[1]}]
    labels = {"app": "shop"}
    pods = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "shop"}]}}
    spec = {"replicas": 3, "selector": {"matchLabels": labels}, "template": pods}
    status = {"observedGeneration": observed, "replicas": 3 if updated != 1 else 4, "updatedReplicas": updated, "readyReplicas": ready, "conditions": conditions}
    metadata = {"name": "shop", "namespace": "default", "generation": 2, "uid": "1", "resourceVersion": "7"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec, "status": status}


class Cluster(http.server.BaseHTTPRequestHandler):
    """Answers with the one Deployment, or with a watch that tells of it."""

    def do_GET(self):
        watched = "watch=" in self.path
        listed = {"apiVersion": "apps/v1", "kind": "DeploymentList", "metadata": {"resourceVersion": "7"}, "items": [self.server.object]}
        if self.path.startswith("/version"):
            answer = {"major": "1", "minor": "34", "gitVersion": "v1.34.0"}
        elif watched:
            answer = {"type": "ADDED", "object": self.server.object}
        else:
            answer = self.server.object if self.path.split("?")[0].endswith("/shop") else listed
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode() + b"\n")

    def log_message(self, *message):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Cluster)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}"
config = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "one",
    "clusters": [{"name": "one", "cluster": {"server": url}}],
    "users": [{"name": "one", "user": {"token": "none"}}],
    "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one", "namespace": "default"}}],
}
with open("kubeconfig", "w") as file:
    json.dump(config, file)

server.object = deployment(1, 3, 3, ("True", "NewReplicaSetAvailable"))
api = kr8s.api(kubeconfig="kubeconfig")
shop = Deployment.get("shop", namespace="default", api=api)
print("not seen yet:", shop.ready(), end="")
shop.wait("condition=Available", timeout=60)
print(", kr8s wait done", end="")
Client(KubeConfig.from_dict(config)).wait(Resource, "shop", namespace="default", for_conditions=["Available"])
print(", lightkube wait done")
for title, status in {
    "one new pod, not ready": (2, 1, 3, ("True", "ReplicaSetUpdated")),
    "failed": (2, 1, 3, ("False", "ProgressDeadlineExceeded")),
    "three new pods": (2, 3, 3, ("True", "NewReplicaSetAvailable")),
}.items():
    server.object = deployment(*status)
    print(f"{title}:", shop.ready())
PY
timeout 300 venv/bin/python ask.py >seen
cat seen
stated='not seen yet: False, kr8s wait done, lightkube wait done
one new pod, not ready: True
failed: True
three new pods: True'
if [ "$(<seen)" != "$stated" ]; then echo "not as stated any more"; exit 1; fi
