"""Stand-ins: executables that write down how they were called, and an API server that keeps objects in memory."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration
from meshproof.border.timeouts import Timeouts
from meshproof.process import OwnedFolder
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.api.kubeconfig import Context
from meshproof.targets.kube.kubectl import Kubectl
from meshproof.targets.kube.objects import Objects

sys.path.insert(0, str(Path(__file__).parent))

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from installation_pages import ANALYSIS, KUBECTL, node, pod
from meshproof.border.facts.installation import Specified
from meshproof.targets.istio.inspection.inspector import Inspector
from meshproof.targets.istio.istioctl import Istioctl
from stand_in_cluster import Api, serving

Json = dict[str, Any]
SCRIPT = """#!{python} -IS
import json, os, sys, time
args, env = sys.argv[1:], dict(os.environ)
begun = dict(program={name!r}, args=args, env=env, pid=os.getpid(), stdin=sys.stdin.read())
with open({calls!r}, "a") as calls:
    print(json.dumps(begun), file=calls, flush=True)
def api(method, path, body=None):
    import urllib.request
    data = json.dumps(body).encode() if body is not None else None
    with urllib.request.urlopen(urllib.request.Request({url!r} + path, data, method=method)) as answer:
        return json.load(answer)
def tell(value):
    print(json.dumps(value))
{body}
"""


@pytest.fixture
def api() -> Iterator[Api]:
    with serving() as kept:
        yield kept


@dataclass(frozen=True, slots=True)
class Programs:
    """Executables in a folder of their own; one file records their calls in order."""

    folder: Path
    url: str

    def make(self, name: str, body: str) -> str:
        path = self.folder / name
        path.write_text(
            SCRIPT.format(python=sys.executable, name=name, calls=str(self.folder / "calls"), url=self.url, body=body)
        )
        path.chmod(0o700)
        return str(path)

    def calls(self, program: str = "") -> list[Json]:
        log = self.folder / "calls"
        # A call that is being written is not complete yet.
        text = log.read_text().rpartition("\n")[0] if log.exists() else ""
        reported = [json.loads(line) for line in text.splitlines()]
        return [one for one in reported if program in ("", one["program"])]

    def until(self, program: str, word: str) -> None:
        """Wait until a call with that word has begun."""
        deadline = time.monotonic() + 90
        while not any(word in one["args"] for one in self.calls(program)):
            assert time.monotonic() < deadline, f"{program} {word} was never called"
            time.sleep(0.01)

    def alive(self) -> list[Json]:
        """The calls whose processes still run."""
        return [one for one in self.calls() if _runs(one["pid"])]


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def programs(tmp_path: Path, api: Api) -> Programs:
    folder = tmp_path / "bin"
    folder.mkdir()
    return Programs(folder, api.url)


@pytest.fixture
def cluster(api: Api, programs: Programs) -> Iterator[Callable[..., Cluster]]:
    """A cluster whose API server is the stand-in; `kubectl` is the body of its kubectl, the rest are limits."""
    clients: list[ApiClient] = []
    folders: list[OwnedFolder] = []

    def make(kubectl: str = "sys.exit('not expected')", **limits: float) -> Cluster:
        timeouts = Timeouts(**limits)
        client = ApiClient(Configuration(host=api.url))
        clients.append(client)
        folders.append(OwnedFolder.make("meshproof-test-"))
        command = Kubectl(programs.make("kubectl", kubectl), (), "lab")
        context = Context(name="lab", cluster="lab", user="me", server=api.url, namespace="default")
        objects = Objects(client, timeouts.kube_answer)
        return Cluster(client, objects, command, context, "v1.35.0", "v1.35.0", timeouts, folders[-1])

    yield make
    for client in clients:
        client.close()
    for folder in folders:
        folder.remove()


@pytest.fixture
def pages(api: Any) -> Iterator[dict[str, str]]:
    """What the pods' pages say, by path: the readiness page, and a kube-proxy's mode."""
    known = {"/proxyMode": "ipvs", "/healthz/ready": "live"}

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reported = known.get(self.path, "")
            self.send_response(200 if reported else 404)
            self.send_header("content-length", str(len(reported)))
            self.end_headers()
            self.wfile.write(reported.encode())

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    pods = ("kube-proxy-1:10249", "kube-proxy-2:10249", "gateway-1:15021")
    api.node.leads |= dict.fromkeys(pods, server.server_port)
    yield known
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def installed(api: Any, cluster: Any, programs: Any, pages: dict[str, str]) -> Any:
    """A whole installation on two nodes; the inspector of it."""
    for number in ("1", "2"):
        node(api, f"node-{number}")
        pod(api, f"kube-proxy-{number}", "kube-system", {"k8s-app": "kube-proxy"}, nodeName=f"node-{number}")
    containers = [{"name": "discovery", "image": "hub.example/pilot:1.30.4"}]
    spec = {"template": {"spec": {"containers": containers}}}
    api.put("Deployment", "istiod", "istio-system", metadata={"labels": {"app": "istiod"}}, spec=spec)
    pod(api, "istiod-1", "istio-system", {"app": "istiod"}, {"discovery": "hub.example/pilot:1.30.4"})
    waiting = {
        "phase": "Running",
        "containerStatuses": [{"name": "istio-proxy", "state": {"waiting": {"reason": "ErrImagePull"}}}],
    }
    labels = {"app": "istio-ingressgateway", "istio": "ingressgateway"}
    pod(api, "gateway-1", "istio-system", labels, {"istio-proxy": "hub.example/proxyv2:1.30.4"}, waiting)
    pod(api, "prometheus-1", "istio-system", {"app": "prometheus"}, {"prometheus": "docker.io/prom/prometheus"})
    ports = [{"port": 80, "nodePort": 30080}, {"port": 15021}]
    api.put(
        "Service",
        "istio-ingressgateway",
        "istio-system",
        metadata={"labels": labels},
        spec={"ports": ports, "selector": labels},
    )

    def make(image: str = "", analysis: str = f"tell({ANALYSIS!r})", **limits: float) -> Inspector:
        istioctl = Istioctl(programs.make("istioctl", analysis), "1.30.4", (), "lab")
        there = cluster(KUBECTL, **limits)
        return Inspector(there, istioctl, Specified(hub="hub.example"), "run-1", "r1", image)

    return make
