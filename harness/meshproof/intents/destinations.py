"""The names by which intents call destinations."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN
from meshproof.mesh.model.mesh import Mesh


def names(destination: str, host: str) -> frozenset[str]:
    """All names of a destination that predictions call `service.namespace[/subset]`; `host` is its name in full."""
    whole, slash, subset = destination.partition("/")
    own = {host, whole} | ({whole.partition(".")[0]} if host.endswith(f".{CLUSTER_DOMAIN}") else set())
    found = own | {f"{one}/{subset}" for one in own} if slash else own
    return frozenset(found | ({subset} if slash else set()))


def unknown(mesh: Mesh, name: str) -> str:
    """Why nothing is called so, with what may have been meant; empty where something is."""
    known = mesh.once(("intents", "names"), lambda: frozenset(_known(mesh)))
    if name in known:
        return ""
    close = get_close_matches(name, sorted(known), 1)
    return f"nothing here is called {name}" + (f": did you mean {close[0]}?" if close else "")


def _known(mesh: Mesh) -> Iterator[str]:
    for service in mesh.services:
        yield from names(service.called, service.host)
    for rule in mesh.destination_rules:
        for subset in rule.subsets:
            yield from names(f"{rule.host.removesuffix(f'.{CLUSTER_DOMAIN}')}/{subset.name}", rule.host)
