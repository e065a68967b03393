"""The configuration of a kind cluster: a file of fixtures/kind/, completed with a name, workers and ports."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from meshproof.errors import UsageError
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE
from meshproof.records import dataclass
from meshproof.suite import folder
from meshproof.targets.cluster.settings import MODES, KubeSettings

DEFAULT_MODE = "iptables"
INGRESS = {80: 30080, 443: 30443}
"""The node ports of the ingress gateway, by the server's port: those that the files map."""
IMAGE = "kindest/node"
SERVICE = "meshproof-ingress"


@dataclass(frozen=True, slots=True)
class KindConfig:
    """`image` is the node image (empty: kind's own); `ports` are those of this machine, by the server's port."""

    name: str
    mode: str
    image: str
    ports: Mapping[int, int]
    body: Mapping[str, Any]

    def write(self, into: Path) -> Path:
        """Write it to a file in the folder `into`, for kind."""
        path = into / "kind.yaml"
        path.write_text(yaml.safe_dump(dict(self.body), sort_keys=False))
        return path


def config(settings: KubeSettings, name: str, ports: Mapping[int, int]) -> KindConfig:
    """The configuration for these settings; raises UsageError."""
    mode = settings.kube_proxy or DEFAULT_MODE
    if mode not in MODES:
        raise UsageError(f"--kube-proxy-mode {mode}: there are {', '.join(MODES)}")
    body = yaml.safe_load((folder("fixtures") / "kind" / f"{mode}.yaml").read_text())
    body["name"] = name
    control, *_ = body["nodes"]
    by_node_port = {INGRESS[port]: local for port, local in ports.items()}
    for mapping in control["extraPortMappings"]:
        mapping["hostPort"] = by_node_port[mapping["containerPort"]]
    body["nodes"] = [control, *({"role": "worker"} for _ in range(settings.nodes or 0))]
    return KindConfig(name, mode, node_image(settings), ports, body)


def node_image(settings: KubeSettings) -> str:
    """The node image: the one that is named, by reference or by version, else the one that suits the Istio release."""
    asked = settings.kubernetes or suiting(settings.istio_version)
    if not asked or "/" in asked or ":" in asked:
        return asked
    return f"{IMAGE}:v{asked.removeprefix('v')}"


def suiting(istio: str) -> str:
    """The Kubernetes version for an Istio release; empty, for kind's own, where the table has none."""
    rows = yaml.safe_load((folder("fixtures") / "kind" / "versions.yaml").read_text())
    wanted = istio or str(rows[0]["istio"])
    return next((str(row["kubernetes"]) for row in rows if f"{wanted}.".startswith(f"{row['istio']}.")), "")


def local_ports(asked: Mapping[int, int]) -> dict[int, int]:
    """A port of 127.0.0.1 for each server's port that is mapped: the one asked for, else a free one."""
    foreign = sorted(set(asked) - set(INGRESS))
    if foreign:
        known = ", ".join(map(str, INGRESS))
        raise UsageError(
            f"--port {foreign[0]}: a kind cluster maps the ingress gateway's ports {known}; others are forwarded"
        )
    return {port: asked.get(port) or _free() for port in INGRESS}


def ingress_service() -> dict[str, Any]:
    """The Service that the mapped ports lead to, and that selects the ingress gateway."""
    ports = [
        {"name": f"port-{port}", "port": port, "targetPort": {80: 8080, 443: 8443}[port], "nodePort": node}
        for port, node in INGRESS.items()
    ]
    spec = {"type": "NodePort", "selector": {"istio": "ingressgateway"}, "ports": ports}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": SERVICE, "namespace": ROOT_NAMESPACE},
        "spec": spec,
    }


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
