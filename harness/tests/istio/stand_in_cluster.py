"""An API server that keeps objects in memory, and forwards ports as one with a node does."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

sys.path.insert(0, str(Path(__file__).parents[1] / "kube" / "forward"))

from stand_in_api import StandIn

Json = dict[str, Any]
KINDS = {
    "v1": {"Namespace": "namespaces", "Node": "nodes", "Pod": "pods", "Service": "services"}
    | {"ConfigMap": "configmaps", "Event": "events", "ServiceAccount": "serviceaccounts"},
    "apps/v1": {"Deployment": "deployments", "ReplicaSet": "replicasets", "DaemonSet": "daemonsets"},
    "rbac.authorization.k8s.io/v1": {"ClusterRole": "clusterroles", "ClusterRoleBinding": "clusterrolebindings"}
    | {"Role": "roles", "RoleBinding": "rolebindings"},
    "admissionregistration.k8s.io/v1": {
        "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
        "ValidatingWebhookConfiguration": "validatingwebhookconfigurations",
    },
    "networking.istio.io/v1beta1": {"VirtualService": "virtualservices", "Gateway": "gateways"}
    | {"DestinationRule": "destinationrules", "ServiceEntry": "serviceentries"},
    "discovery.k8s.io/v1": {"EndpointSlice": "endpointslices"},
}
CLUSTER_WIDE = {"Namespace", "Node", "ClusterRole", "ClusterRoleBinding"} | set(
    KINDS["admissionregistration.k8s.io/v1"]
)


@dataclass(slots=True)
class Api:
    """Objects by their paths. `webhook` changes the result of a dry run; `refuse` maps a path to a status.

    `first` may answer a method and a path before all else does.

    `kinds` says whether Istio's kinds are known, `withheld` what the user may not access. `node` forwards ports of
    pods; requests for that are passed on to it.
    """

    objects: dict[str, Json] = field(default_factory=dict)
    refuse: dict[str, tuple[int, Json]] = field(default_factory=dict)
    webhook: Callable[[Json], Json] = field(default=lambda body: body)
    first: Callable[[str, str], tuple[int, Json] | None] = field(default=lambda method, path: None)
    url: str = ""
    kinds: bool = True
    withheld: tuple[str, ...] = ()
    calls: list[tuple[str, str]] = field(default_factory=list)
    node: StandIn = field(default_factory=StandIn)
    merged: set[tuple[str, str]] = field(default_factory=set)
    _made: int = 0

    def put(self, kind: str, name: str, namespace: str = "", **body: Any) -> Json:
        api_version = next(version for version, kinds in KINDS.items() if kind in kinds)
        metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **body.pop("metadata", {})}
        path = f"{root(api_version)}{f'/namespaces/{namespace}' if namespace else ''}/{KINDS[api_version][kind]}/{name}"
        return self.keep(path, {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body})

    def keep(self, path: str, body: Json) -> Json:
        self._made += 1
        body["metadata"] = {"uid": f"uid-{self._made}", **body["metadata"]}
        self.objects[path] = body
        return body

    def until(self, path: str) -> None:
        """Wait until there is an object at that path."""
        deadline = time.monotonic() + 90
        while path not in self.objects:
            assert time.monotonic() < deadline, f"there was never anything at {path}"
            time.sleep(0.01)

    def called(self, method: str, path: str) -> None:
        """Wait until that was asked."""
        deadline = time.monotonic() + 90
        while (method, path) not in self.calls:
            assert time.monotonic() < deadline, f"{method} {path} was never asked"
            time.sleep(0.01)

    def answer(self, method: str, target: str, body: Json | None) -> tuple[int, Json]:
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = parts.path
        self.calls.append((method, path))
        if path in self.refuse:
            return self.refuse[path]
        if reported := self.first(method, path):
            return reported
        for version, kinds in KINDS.items():
            if path == root(version):
                names = [{"kind": k, "name": n, "namespaced": k not in CLUSTER_WIDE} for k, n in kinds.items()]
                return 200, {"resources": names}
        group = path.removeprefix("/apis/")
        if (group != "networking.istio.io" or self.kinds) and (
            versions := [one.rpartition("/")[2] for one in KINDS if one.rpartition("/")[0] == group]
        ):
            return 200, {"versions": [{"version": one} for one in versions]}
        if method == "PATCH" and query.get("dryRun"):
            assert body is not None
            return 200, self.webhook(body)
        if method == "PATCH":
            assert body is not None
            known = self.objects.get(path) or self.keep(path, {"metadata": {}})
            notes = body["metadata"].get("annotations") or {}
            if "fieldValidation" not in query:
                self.merged |= {(path, name) for name in notes}
            elif any(
                (path, one) in self.merged and known["metadata"]["annotations"][one] != notes[one] for one in notes
            ):
                # A field that a merge patch has set belongs to that patch, even with the same manager.
                return 409, {"kind": "Status", "reason": "Conflict", "message": "Apply failed with 1 conflict"}
            merge(known, body)
            return 200, known
        if path.endswith("/selfsubjectaccessreviews"):
            assert body is not None
            asked = body["spec"]["resourceAttributes"]
            return 201, {"status": {"allowed": asked["resource"] not in self.withheld}}
        if method == "POST":
            assert body is not None
            return 201, self.keep(f"{path}/{body['metadata']['name']}", body)
        if method == "DELETE" and path in self.objects:
            for one in [one for one in self.objects if one == path or one.startswith(f"{path}/")]:
                del self.objects[one]
            return 200, {}
        if path in self.objects:
            return 200, self.objects[path]
        if path.rpartition("/")[2] in {name for kinds in KINDS.values() for name in kinds.values()}:
            return 200, {"items": [one for one in self._listed(path) if selected(one, query.get("labelSelector", ""))]}
        return 404, {"kind": "Status", "reason": "NotFound", "message": f"{path} not found"}

    def _listed(self, path: str) -> Iterator[Json]:
        before, _, plural = path.rpartition("/")
        for place, one in self.objects.items():
            folder = place.rpartition("/")[0]
            if folder == path or (folder.startswith(f"{before}/namespaces/") and folder.endswith(f"/{plural}")):
                yield one


def root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"


def merge(known: Json, patch: Mapping[str, Any]) -> None:
    for name, value in patch.items():
        if value is None:
            known.pop(name, None)
        elif isinstance(value, dict):
            merge(known.setdefault(name, {}), value)
        else:
            known[name] = value


def selected(body: Json, selector: str) -> bool:
    labels = body["metadata"].get("labels") or {}
    pairs = [one.partition("=") for one in selector.split(",") if one]
    return all(labels.get(name) == value if sign else name in labels for name, sign, value in pairs)


def copy(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            to.sendall(data)
        to.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def running(node: StandIn) -> Iterator[None]:
    """The node, in an event loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(node.start(), loop).result(10)
    yield
    asyncio.run_coroutine_threadsafe(node.vanish(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@contextlib.contextmanager
def serving() -> Iterator[Api]:
    """One that answers at its `url`."""
    kept = Api()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            if self.headers.get("upgrade"):
                self.protocol_version, self.close_connection = "HTTP/1.1", True
                if urlsplit(self.path).path not in kept.refuse:
                    return self._pass_on()
            size = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(size)) if size else None
            status, reported = kept.answer(self.command, self.path, body)
            data = json.dumps(reported).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            return None

        def _pass_on(self) -> None:
            """Connect the client with the node, as an API server does with every upgrade."""
            kept.calls.append(("GET", urlsplit(self.path).path))
            with socket.create_connection(("127.0.0.1", urlsplit(kept.node.url).port)) as node:
                lines = [self.requestline, *(f"{name}: {value}" for name, value in self.headers.items()), "", ""]
                node.sendall("\r\n".join(lines).encode())
                back = threading.Thread(target=copy, args=(node, self.connection))
                back.start()
                copy(self.connection, node)
                back.join()

        do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815

        def log_message(self, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_port}"
    with running(kept.node):
        yield kept
    server.shutdown()
    server.server_close()
    thread.join()
