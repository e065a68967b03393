"""The resources that stand in, as manifests: a cluster and a kept run get them as they get all others."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from meshproof.errors import Location
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.model.kubernetes import Labels, Service, ServicePort

IMAGE = "meshproof.dev/stand-in"
MARK = "meshproof.dev/stand-in"


def service(namespace: str, name: str, ports: Sequence[ServicePort], selector: Labels, where: Location) -> Resource:
    """A Service."""
    listed = [{"name": one.name, "port": one.number, "targetPort": one.target} for one in ports]
    return _resource("v1", "Service", namespace, name, {"spec": {"selector": dict(selector), "ports": listed}}, where)


def deployment(
    namespace: str, name: str, labels: Labels, ports: Sequence[tuple[str, int]], where: Location
) -> Resource:
    """A Deployment of one pod; `ports` are (name, number) of its container."""
    listed = [{"containerPort": number, **({"name": named} if named else {})} for named, number in ports]
    template = {
        "metadata": {"labels": dict(labels)},
        "spec": {"containers": [{"name": "stand-in", "image": IMAGE, "ports": listed}]},
    }
    spec = {"replicas": 1, "selector": {"matchLabels": dict(labels)}, "template": template}
    return _resource("apps/v1", "Deployment", namespace, name, {"spec": spec}, where)


def secret(namespace: str, name: str, data: Mapping[str, bytes], where: Location) -> Resource:
    """A Secret."""
    encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
    return _resource("v1", "Secret", namespace, name, {"type": "Opaque", "data": encoded}, where)


def gateway(namespace: str, name: str, served: Sequence[Mapping[str, Any]], api: str, where: Location) -> Resource:
    """A Gateway, of Istio or of an API group, with its servers or listeners; its pods are no other Gateway's."""
    if api:
        fields = {"gatewayClassName": "istio", "listeners": list(served)}
        return _resource(f"{api}/v1", "Gateway", namespace, name, {"spec": fields}, where)
    spec: dict[str, Any] = {"selector": {MARK: f"{namespace}.{name}"}, "servers": list(served)}
    return _resource("networking.istio.io/v1", "Gateway", namespace, name, {"spec": spec}, where)


def destination_rule(service: Service, subsets: Mapping[str, Labels], where: Location) -> Resource:
    """A DestinationRule that defines subsets by their labels."""
    listed = [{"name": name, "labels": dict(labels)} for name, labels in subsets.items()]
    spec = {"host": service.host, "subsets": listed}
    return _resource(
        "networking.istio.io/v1", "DestinationRule", service.namespace, service.name, {"spec": spec}, where
    )


def _resource(
    version: str, kind: str, namespace: str, name: str, fields: Mapping[str, Any], where: Location
) -> Resource:
    metadata = {"name": name, "namespace": namespace, "annotations": {MARK: "true"}}
    body = {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}
    return Resource(kind, version, namespace, name, value(body, where))


def value(data: Any, where: Location, name: str = "") -> Value:
    """Plain data as a Value, all of which stands at one place."""
    if isinstance(data, Mapping):
        return Value({key: value(one, where, key) for key, one in data.items()}, where, name, where)
    if isinstance(data, list):
        return Value(tuple(value(one, where, f"{name}[{at}]") for at, one in enumerate(data)), where, name, where)
    return Value(data, where, name, where, str(data))
