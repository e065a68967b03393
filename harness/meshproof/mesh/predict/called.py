"""Which Service a client means by a name.

Sources: https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/, and for hosts that are patterns
https://istio.io/latest/docs/reference/config/networking/service-entry/#ServiceEntry (hosts).
"""

from __future__ import annotations

from meshproof.border.request import Request
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import parents
from meshproof.mesh.predict import visibility

# name.namespace.svc.cluster.local
FULL_NAME_DOTS = 4


def service_of(mesh: Mesh, host: str, namespace: str) -> Service | None:
    """The Service that a client of a namespace means by a name, and sees: one of that name, else of a pattern."""
    return named(mesh, host, namespace) or visibility.pattern(mesh, host.lower().removesuffix("."), namespace)


def named(mesh: Mesh, host: str, namespace: str) -> Service | None:
    """The Service that has a name, or that the name in full, which may end with a dot, means."""
    name = host.lower()
    whole = (
        name.removesuffix("."),
        f"{name}.cluster.local",
        f"{name}.{CLUSTER_DOMAIN}",
        f"{name}.{namespace}.{CLUSTER_DOMAIN}",
    )
    known = None
    for one in whole:
        if one.count(".") == FULL_NAME_DOTS and (known := visibility.service(mesh, one, namespace)):
            break
    if known is None and (alias := visibility.alias(mesh, name, namespace)):
        known = visibility.service(mesh, mesh.stands_for(alias.host), namespace)
    # A ServiceEntry may have any host, and no other names for it but its address.
    at = next((one.host for one in mesh.services_at(name)), whole[0])
    return known or visibility.service(mesh, at, namespace)


def asked_service(mesh: Mesh, request: Request, namespace: str) -> Service | None:
    """The Service that a request within the mesh asks for: by its Host header, unless its address alone decides.

    A port that does not say what it carries has a listener at its Service's address, for whatever Host header.
    """
    called, domain = addressed(mesh, request, namespace), request.domain
    if domain == request.host.lower():
        return called
    if called and any(called.is_apart(one) and one.number == request.port for one in called.ports):
        return called
    return service_of(mesh, domain, namespace) or above(mesh, domain, namespace)


def addressed(mesh: Mesh, request: Request, namespace: str) -> Service | None:
    """The Service that a request within the mesh is sent to, by its own address or by that of one of its pods."""
    return service_of(mesh, request.host, namespace) or above(mesh, request.host, namespace)


def above(mesh: Mesh, name: str, namespace: str) -> Service | None:
    """The headless Service below which a name stands, as its pods' names do."""
    several = (named(mesh, rest, namespace) for rest in parents(name.lower()))
    return next((one for one in several if one and one.headless), None)
