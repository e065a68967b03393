"""Whether a ClusterIP balances: connections from a pod without a sidecar, so that kube-proxy alone distributes them."""

from __future__ import annotations

from typing import Any

from meshproof.border.facts.installation import Balance
from meshproof.errors import TargetError
from meshproof.targets.kube import wait
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.apply import ObjectsInForce
from meshproof.targets.kube.wanted import Wanted

SERVER, CLIENT = "meshproof-balance", "meshproof-balance-client"
PORT = 8080
REPLICAS = 2
REQUESTS = 64
LEARNT = 10.0
ASIDE = {"sidecar.istio.io/inject": "false"}
LOCKED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "seccompProfile": {"type": "RuntimeDefault"},
}
# Each connection gets the pod's name, and is closed.
SERVE = f"""
import socket
try:
    server = socket.create_server(("::", {PORT}), family=socket.AF_INET6, dualstack_ipv6=True)
except (OSError, ValueError):
    server = socket.create_server(("", {PORT}))
while True:
    connection, _ = server.accept()
    with connection:
        connection.sendall(socket.gethostname().encode())
"""
# kube-proxy learns of a pod some time after it is ready; only then is counted.
ASK = """
import collections, json, socket, sys, time
host, port, count, servers = sys.argv[1], *map(int, sys.argv[2:5])
def name():
    with socket.create_connection((host, port), timeout=5) as connection:
        return b"".join(iter(lambda: connection.recv(256), b"")).decode()
met, limit = set(), time.monotonic() + float(sys.argv[5])
while len(met) < servers and time.monotonic() < limit:
    try:
        met.add(name())
    except OSError:
        time.sleep(0.1)
answers, error = collections.Counter(), ""
for _ in range(count):
    try:
        answers[name()] += 1
    except OSError as failure:
        error = str(failure)
print(json.dumps({"answers": answers, "error": error}))
"""
IDLE = "import time\nwhile True: time.sleep(3600)\n"


async def measure(cluster: Cluster, namespace: str, run: str, image: str) -> Balance:
    """Apply two pods and a Service in the run's namespace, connect to its ClusterIP, and delete them again.

    `image` must hold Python. Raises TargetError.
    """
    in_force = ObjectsInForce(cluster, namespace, run)
    try:
        await in_force.apply([Wanted(body) for body in manifests(namespace, image)])
        pods = await wait.available(cluster, namespace, (SERVER, CLIENT))
        service = await cluster.objects.get("v1", "Service", SERVER, namespace) or {}
        address = str((service.get("spec") or {}).get("clusterIP", ""))
        names = {app: [str(pod["metadata"]["name"]) for pod in pods if _app(pod) == app] for app in (SERVER, CLIENT)}
        return await _ask(cluster, namespace, names[CLIENT][0], address, tuple(sorted(names[SERVER])))
    finally:
        await in_force.clear()


def manifests(namespace: str, image: str) -> tuple[dict[str, Any], ...]:
    """The Service, the two pods behind it, and the pod that connects."""
    port = {"name": "tcp-balance", "port": PORT, "targetPort": PORT}
    metadata = {"name": SERVER, "namespace": namespace, "labels": {"app": SERVER}}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
    service |= {"spec": {"selector": {"app": SERVER}, "ports": [port]}}
    probe = {"tcpSocket": {"port": PORT}, "periodSeconds": 1}
    serve = {"command": ["python", "-c", SERVE], "ports": [{"containerPort": PORT}], "readinessProbe": probe}
    return (
        service,
        _deployment(namespace, SERVER, REPLICAS, image, serve),
        _deployment(namespace, CLIENT, 1, image, {"command": ["python", "-c", IDLE]}),
    )


def _deployment(namespace: str, name: str, replicas: int, image: str, container: dict[str, Any]) -> dict[str, Any]:
    labels = {"app": name}
    # The annotation is for Istio before 1.10, which does not read the label.
    template = {
        "metadata": {"labels": {**labels, **ASIDE}, "annotations": dict(ASIDE)},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "containers": [{"name": "app", "image": image, "securityContext": LOCKED, **container}],
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template},
    }


async def _ask(cluster: Cluster, namespace: str, pod: str, address: str, servers: tuple[str, ...]) -> Balance:
    kubectl = cluster.kubectl.within(namespace)
    numbers = (str(PORT), str(REQUESTS), str(REPLICAS), str(LEARNT))
    command = ("exec", pod, "-c", "app", "--", "python", "-c", ASK, address, *numbers)
    what = f"connecting to the ClusterIP {address}"
    answer = await kubectl.json(*command, timeout=cluster.timeouts.istio_inspected, what=what)
    try:
        answers = {str(name): int(count) for name, count in answer["answers"].items()}
        return Balance(servers, REQUESTS, answers, str(answer["error"]))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise TargetError(f"{what}: its answer is not what was asked for", str(answer)[:200]) from None


def _app(pod: dict[str, Any]) -> str:
    return str((pod["metadata"].get("labels") or {}).get("app", ""))
