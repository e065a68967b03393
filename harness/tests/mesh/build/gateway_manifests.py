"""Texts of Gateways and HTTPRoutes of the Gateway API, and the mesh that is built of them."""

from __future__ import annotations

import io

from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all

SERVICES = "".join(
    f"""\
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80}}]}}
---
"""
    for name, namespace in (("web", "shop"), ("far", "bank"))
)
FROM_ALL = "allowedRoutes: {namespaces: {from: All}}"
HTTP = f"name: http, port: 80, protocol: HTTP, {FROM_ALL}"
ATTACHED = "{name: public, namespace: infra}"


def gateway(*listeners: str, more: str = "", name: str = "public", namespace: str = "infra") -> str:
    head = f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  gatewayClassName: istio
  {more}
  listeners:
"""
    return (head if "gatewayClassName" not in more else head.replace("  gatewayClassName: istio\n", "")) + "".join(
        f"  - {{{one}}}\n" for one in listeners
    )


def route(
    *, hosts: str = "", parent: str = ATTACHED, namespace: str = "shop", name: str = "r", to: str = "name: web"
) -> str:
    return f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  hostnames: [{hosts}]
  parentRefs: [{parent}]
  rules: [{{backendRefs: [{{{to}, port: 80}}]}}]
"""


def grant(*, to: str = "far", source: str = "shop", kind: str = "HTTPRoute") -> str:
    return f"""\
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {{name: g, namespace: bank}}
spec:
  from: [{{group: gateway.networking.k8s.io, kind: {kind}, namespace: {source}}}]
  to: [{{group: "", kind: Service, name: {to}}}]
"""


def built(*several: str):
    text = SERVICES + "---\n".join(several)
    return build_all(load(["-"], stdin=io.StringIO(text), strict=False))


def attached(*several: str) -> set[tuple[str, str]]:
    """(gateway, host) of every VirtualService."""
    return {(way, host) for one in built(*several).mesh.virtual_services for way in one.gateways for host in one.hosts}
