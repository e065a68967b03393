"""A shop on the stand-in for an API server, and what the command line does with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from meshproof.cli.group import group
from stand_in_cluster import Api

Json = dict[str, Any]
SECRET = "hunter2-and-more"
READY = {"conditions": [{"type": "Ready", "status": "True"}]}
FORBIDDEN = (403, {"kind": "Status", "reason": "Forbidden", "message": "is forbidden"})


def owned(kind: str, name: str) -> Json:
    return {"ownerReferences": [{"kind": kind, "name": name, "controller": True}]}


def fill(api: Api, *, share: int = 90) -> None:
    """A shop: reviews in two versions, of which v2 has one pod of two ready, and the route between them."""
    for name in ("kube-system", "istio-system", "shop"):
        api.put("Namespace", name)
    api.put("ConfigMap", "istio", "istio-system", data={"mesh": "accessLogFile: /dev/stdout\n"})
    api.put("Node", "one", metadata={"labels": {"topology.kubernetes.io/zone": "a", "cpu": "x86"}})
    api.put(
        "Service", "reviews", "shop", spec={"selector": {"app": "reviews"}, "ports": [{"port": 80, "name": "http"}]}
    )
    targets = []
    for version, ready in (("v1", 2), ("v2", 1)):
        labels = {"app": "reviews", "version": version}
        container = {"name": "app", "image": "shop/reviews:1", "env": [{"name": "DB_PASSWORD", "value": SECRET}]}
        container |= {"args": [f"--dsn={SECRET}"], "ports": [{"containerPort": 80}]}
        metadata = {"labels": labels, "annotations": {"team": SECRET, "sidecar.istio.io/inject": "true"}}
        name = f"reviews-{version}"
        api.put(
            "Deployment",
            name,
            "shop",
            metadata={"annotations": {"kubectl.kubernetes.io/last-applied-configuration": f'{{"a": "{SECRET}"}}'}},
            spec={
                "replicas": 2,
                "selector": {"matchLabels": labels},
                "template": {"metadata": metadata, "spec": {"containers": [container]}},
            },
            status={"replicas": 2, "updatedReplicas": 2, "readyReplicas": ready},
        )
        api.put(
            "ReplicaSet",
            f"{name}-a",
            "shop",
            metadata={"labels": labels, **owned("Deployment", name)},
            spec={"replicas": 2, "selector": {"matchLabels": labels}, "template": {"metadata": metadata, "spec": {}}},
            status={"replicas": 2, "readyReplicas": ready},
        )
        for number in range(2):
            pod = f"{name}-a-{number}"
            api.put(
                "Pod",
                pod,
                "shop",
                metadata={"labels": labels, **owned("ReplicaSet", f"{name}-a")},
                spec={"containers": [container, {"name": "istio-proxy", "image": "istio/proxyv2:1.31.1"}]},
                status=READY if number < ready else {},
            )
            targets.append({"targetRef": {"name": pod}, "conditions": {"ready": number < ready}})
    managed = "endpointslice-controller.k8s.io"
    labels = {"kubernetes.io/service-name": "reviews", "endpointslice.kubernetes.io/managed-by": managed}
    api.put("EndpointSlice", "reviews-x", "shop", metadata={"labels": labels}, addressType="IPv4", endpoints=targets)
    subsets = [{"name": name, "labels": {"version": name}} for name in ("v1", "v2")]
    api.put("DestinationRule", "reviews", "shop", spec={"host": "reviews", "subsets": subsets})
    route = [
        {"destination": {"host": "reviews", "subset": name}, "weight": weight}
        for name, weight in (("v1", share), ("v2", 100 - share))
    ]
    first = {"match": [{"headers": {"authorization": {"exact": f"Bearer {SECRET}"}}}], "route": route[1:]}
    first["route"] = [{"destination": {"host": "reviews", "subset": "v2"}}]
    api.put("VirtualService", "reviews", "shop", spec={"hosts": ["reviews"], "http": [first, {"route": route}]})


@dataclass
class Shop:
    """The stand-in, and what the command line does with it."""

    api: Api
    here: Path

    def run(self, *words: str, code: int = 0) -> str:
        ended: Result = CliRunner().invoke(group, [*words], standalone_mode=False)
        if ended.exception:
            assert getattr(ended.exception, "exit_code", None) == code, (ended.exception, ended.output)
            return str(ended.exception)
        assert ended.return_value == code, ended.output
        return ended.output

    def live(self, *words: str, code: int = 0) -> str:
        """A command on what the cluster runs."""
        return self.run(*words, "--target", "cluster", "--context", "lab", "-n", "shop", "--no-apply", code=code)
