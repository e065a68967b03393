"""What a cluster with Istio answers to whoever inspects it."""

from __future__ import annotations

from typing import Any

READY = {"conditions": [{"type": "Ready", "status": "True"}]}


ANALYSIS = [{"code": "IST0102", "level": "Info", "origin": "Namespace x", "message": "not injected", "other": 1}]


# kubectl as far as it is used: it runs the balance client in a pod.
KUBECTL = """
assert "exec" in args, args
assert args[-5:] == ["10.96.0.7", "8080", "64", "2", "10.0"], args[-5:]
tell({"answers": {"meshproof-balance-1": 31, "meshproof-balance-2": 33}, "error": ""})
"""


PORTFORWARD = "/api/v1/namespaces/{}/pods/{}/portforward"


FORBIDDEN = (403, {"kind": "Status", "reason": "Forbidden", "message": "pods/portforward is forbidden"})


def node(api: Any, name: str) -> None:
    info = {"kernelVersion": "6.1.0-18-amd64", "kubeletVersion": "v1.35.2"}
    api.put("Node", name, status={"nodeInfo": info, **READY})


def pod(
    api: Any, name: str, namespace: str, labels: Any, containers: Any = (), status: Any = None, **spec: Any
) -> None:
    spec = {"containers": [{"name": name, "image": image} for name, image in dict(containers).items()], **spec}
    api.put("Pod", name, namespace, metadata={"labels": labels}, spec=spec, status=status or READY)
