"""What stands among the objects of a captured cluster, and is none of its objects.

Kinds of meshproof's own: `CapturedCluster` says that all that the cluster has is here, so that nothing stands in for
what is lacking; each `NotRead` is an exception, and nothing that it may touch is proved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value

API_VERSION, CLUSTER, NOT_READ = "meshproof.dev/v1alpha1", "CapturedCluster", "NotRead"


def cluster(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The document that says of which cluster the others are."""
    return {"apiVersion": API_VERSION, "kind": CLUSTER, "metadata": {"name": "cluster"}, "spec": dict(facts)}


def not_read(name: str, what: str, *, hosts: Sequence[str] = (), gateways: Sequence[str] = ()) -> dict[str, Any]:
    """The document of what could not be read; `what` is a sentence without its full stop.

    It may touch requests for these hosts (names in full, or patterns) and those that enter by these gateways
    (`namespace/name`); where neither is given, every request.
    """
    said: dict[str, Any] = {"what": what}
    said |= {"hosts": list(hosts)} if hosts else {}
    said |= {"gateways": list(gateways)} if gateways else {}
    return {"apiVersion": API_VERSION, "kind": NOT_READ, "metadata": {"name": name}, "spec": said}


def is_own(body: Value) -> bool:
    """Whether a document is of one of the kinds of meshproof's own."""
    version = body.get("apiVersion") if body.is_mapping else None
    return version is not None and version.data == API_VERSION


def is_cluster(resource: Resource) -> bool:
    """Whether it is the document of the cluster itself."""
    return (resource.api_version, resource.kind) == (API_VERSION, CLUSTER)


def why(resource: Resource) -> str:
    """What is said of a NotRead; empty for any other resource."""
    spec = resource.body.get("spec") if (resource.api_version, resource.kind) == (API_VERSION, NOT_READ) else None
    what = spec.get("what") if spec else None
    return f"{what.text()}: not read of the cluster" if what else ""
