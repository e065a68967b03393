"""Where two meshes differ in what their configuration says of connections, and no request shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Unmodelled

CONFIG, NEEDS = "meshConfig", "correct one of the two"
# How connections are made, kept and told apart, and whose certificates count.
FIELDS = (
    *("connectTimeout", "tcpKeepalive", "protocolDetectionTimeout"),
    *("enableAutoMtls", "meshMTLS", "trustDomain", "trustDomainAliases"),
)
DEFAULTS = {"connectTimeout": "10s", "enableAutoMtls": True, "trustDomain": "cluster.local"}


def configured_otherwise(specified: Mesh, applied: Mesh) -> Iterator[Unmodelled]:
    """Each such field that one of the two says, and the other says otherwise or leaves out."""
    place = applied.config.location or specified.config.location
    wanted, actual = _said(specified), _said(applied)
    for name in FIELDS if place else ():
        ours, theirs = (one.get(name, DEFAULTS.get(name)) for one in (actual, wanted))
        if place and ours != theirs:
            why = f"{name} {_shown(ours)} is applied, and {_shown(theirs)} is specified: no request shows it"
            yield Unmodelled(CONFIG, CONFIG, place, why, (), NEEDS)


def _said(mesh: Mesh) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(mesh.config.given or "{}")
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}


def _shown(value: object) -> str:
    return "none" if value is None else value if isinstance(value, str) else json.dumps(value)
