"""Gateways by another mesh's names: a request meets pods, whichever of their Gateways it is said to enter by."""

from __future__ import annotations

from dataclasses import replace

from meshproof.mesh.model.mesh import Mesh


def entered_alike(mesh: Mesh, other: Mesh) -> Mesh:
    """The mesh with Gateways that only the other one has, where its own are for the same pods: without servers.

    So servers that another object holds, be it that one was divided into two, are found by either name.
    """
    several = [
        replace(one, servers=())
        for one in other.gateways
        if mesh.gateway(one.key) is None and any(own.may_share_pods(one) for own in mesh.gateways)
    ]
    return replace(mesh, gateways=(*mesh.gateways, *several)) if several else mesh
