"""What a whole run needs on a control plane without a node: an Istio that seems to stand, and the real command."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

Json = dict[str, Any]
LIMIT = 60.0
ISTIOD = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: istiod
  namespace: istio-system
  labels: {app: istiod, istio.io/rev: default}
spec:
  selector: {matchLabels: {app: istiod}}
  template:
    metadata: {labels: {app: istiod}}
    spec: {containers: [{name: discovery, image: "hub.example/pilot:1.30.4"}]}
"""
READY = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
SIDECAR = {"name": "istio-proxy", "image": "hub.example/proxyv2:1.30.4"}
# The real command with a shorter wait for pods, because nothing runs pods here.
COMMAND = """
import sys
from dataclasses import replace
from meshproof.cli.entry import main
from meshproof.targets.cluster.existing import ClusterTarget
made = ClusterTarget.__init__
made.__defaults__ = (replace(*made.__defaults__, kube_ready=float(sys.argv.pop(1)), kube_answer=3.0),)
main()
"""


def until(what: str, found: Callable[[], Any]) -> Any:
    """The first true value."""
    deadline = time.monotonic() + LIMIT
    while not (value := found()):
        assert time.monotonic() < deadline, f"waited {LIMIT:g} s for {what}"
        time.sleep(0.1)
    return value


class Injects(BaseHTTPRequestHandler):
    """Istio's webhook, as far as a pod's containers go."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        patch = json.dumps([{"op": "add", "path": "/spec/containers/-", "value": SIDECAR}])
        response = {"uid": asked["request"]["uid"], "allowed": True, "patchType": "JSONPatch"}
        response["patch"] = base64.b64encode(patch.encode()).decode()
        reported = json.dumps({"apiVersion": asked["apiVersion"], "kind": asked["kind"], "response": response}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reported)))
        self.end_headers()
        self.wfile.write(reported)

    def log_message(self, *args: object) -> None: ...


@contextlib.contextmanager
def injecting(control_plane: Any) -> Iterator[str]:
    """The webhook's URL."""
    issued = control_plane.ca.issue_cert("127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Injects)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}/inject"
    server.shutdown()
    server.server_close()
    thread.join()


def webhook(kind: str, name: str, control_plane: Any, url: str, **more: Any) -> str:
    """A configuration that asks at `url` about what is made of `resources` in namespaces with these labels."""
    ca = base64.b64encode(control_plane.ca.cert_pem.bytes()).decode()
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": more.pop("resources")}
    one = {"name": name, "clientConfig": {"url": url, "caBundle": ca}, "rules": [rule], "sideEffects": "None"}
    one |= {"admissionReviewVersions": ["v1"], "failurePolicy": "Fail", **more}
    metadata = {"name": name}
    api = "admissionregistration.k8s.io/v1"
    return json.dumps({"apiVersion": api, "kind": kind, "metadata": metadata, "webhooks": [one]})


@pytest.fixture
def istio(control_plane: Any) -> Iterator[None]:
    """An istiod whose pod a node calls ready, and its webhook."""
    with injecting(control_plane) as url:
        injected = {"namespaceSelector": {"matchLabels": {"istio-injection": "enabled"}}, "resources": ["pods"]}
        hook = webhook("MutatingWebhookConfiguration", "injector.istio.test", control_plane, url, **injected)
        control_plane.kubectl("create", "-f", "-", stdin=hook)
        control_plane.kubectl("create", "-f", "-", stdin=ISTIOD)
        names = ("get", "pods", "--namespace", "istio-system", "--selector", "app=istiod", "-o", "name")
        pod = until("istiod's pod", lambda: control_plane.kubectl(*names).strip())
        said = ("--namespace", "istio-system", "--subresource=status", "--type=merge", "-p", json.dumps(READY))
        control_plane.kubectl("patch", pod, *said)
        try:
            yield
        finally:
            control_plane.kubectl("delete", "-f", "-", stdin=ISTIOD)
            control_plane.kubectl("delete", "-f", "-", stdin=hook)
            until("the end of istiod's pod", lambda: not control_plane.kubectl(*names).strip())


@dataclass(slots=True)
class Command:
    """Starts the real command on the control plane; its temporary files are in `folder`."""

    until = staticmethod(until)
    webhook = staticmethod(webhook)
    plane: Any
    folder: Path
    begun: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, *words: str, kubeconfig: Path | None = None, ready: float = 120) -> subprocess.Popen[str]:
        """`ready` is how long pods are waited for, in seconds."""
        file = kubeconfig or self.plane.kubeconfig("admin", "system:masters")
        where = ("--target", "cluster", "--context", "lab", "--kubeconfig", str(file), "--image", "probe:1")
        argv = [sys.executable, "-c", COMMAND, str(ready), *words, *where]
        path = f"{self.plane.programs}:{os.environ['PATH']}"
        # It must not take itself for a worker of the pytest that runs this.
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        env = {**kept, "PATH": path, "TMPDIR": str(self.folder), "COLUMNS": "200"}
        process = subprocess.Popen(
            argv, env=env, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.begun.append(process)
        return process

    def ended(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """Its exit code and its output."""
        said, _ = process.communicate(timeout=LIMIT)
        return process.returncode, said

    def left(self) -> list[str]:
        """Its temporary folders that are still there."""
        return [path.name for path in self.folder.glob("meshproof-*") if path.name != "meshproof-runs"]

    def namespaces(self) -> list[str]:
        """The names of the runs' namespaces that exist and are not being deleted."""
        listed = json.loads(self.plane.kubectl("get", "namespaces", "--selector", "meshproof.dev/run", "-o", "json"))
        there = [one["metadata"] for one in listed["items"]]
        return [one["name"] for one in there if "deletionTimestamp" not in one]


@pytest.fixture
def command(control_plane: Any, tmp_path: Path) -> Iterator[Command]:
    made = Command(control_plane, tmp_path)
    yield made
    for process in made.begun:
        process.kill()
        process.communicate()
