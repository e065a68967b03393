"""Many features in one mesh: each HTTP rule has a host of its own, each traffic policy a Service."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]

LAST = {"route": [{"destination": {"host": "a"}}]}


def read(path: Path) -> list[Json]:
    """JSON lines, packed with gzip."""
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]


def resource(kind: str, name: str, spec: Json) -> Json:
    version = {"Service": "v1", "Deployment": "apps/v1"}.get(kind, "networking.istio.io/v1")
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def ruled(rules: Sequence[Json]) -> list[Json]:
    """A VirtualService for each rule, for `rN.example.com` within the mesh and at the gateway `front`."""
    return [
        resource(
            "VirtualService",
            f"r{number}",
            {"hosts": [f"r{number}.example.com"], "gateways": ["mesh", "front"], "http": [rule, LAST]},
        )
        for number, rule in enumerate(rules)
    ]


def governed(policies: Sequence[Json]) -> list[Json]:
    """A Service `pN` with a pod and a DestinationRule for each policy; a policy has `ports` and the rule's `spec`."""
    found = []
    for number, one in enumerate(policies):
        name = f"p{number}"
        labels = {"app": name, "version": "v1"}
        opened = {"name": "c", "image": "x", "ports": [{"containerPort": 8080}]}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [opened]}}
        found += [
            resource("Service", name, {"selector": {"app": name}, "ports": one["ports"]}),
            resource("Deployment", f"{name}-v1", {"selector": {"matchLabels": labels}, "template": template}),
            resource("DestinationRule", name, {"host": name, **one["spec"]}),
        ]
    return found
