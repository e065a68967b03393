"""Flagger's Canaries: whose routing their controller makes, and writes weights into while it rolls out.

https://docs.flagger.app/usage/how-it-works#canary-service
"""

from __future__ import annotations

from meshproof.manifest.resource import Resource
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN
from meshproof.mesh.model.unmodelled import Asked, Called, Touches


def touched(resource: Resource) -> tuple[Touches, ...]:
    """What is asked of the Service that it has, and of the further hosts of its VirtualService."""
    spec = resource.body.get("spec")
    aim, service = (spec.get(name) if spec else None for name in ("targetRef", "service"))
    named = (one.get("name") for one in (service, aim) if one)
    name = next((one.text() for one in named if one), resource.name)
    called = Called((f"{name}.{resource.namespace}.{CLUSTER_DOMAIN}",))
    hosts = tuple(one.text().lower() for one in (service.list("hosts") if service else ()))
    return (called, Asked(hosts)) if hosts else (called,)
