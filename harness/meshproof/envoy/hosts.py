"""Host names with wildcards, as Istio compares them (istio/istio pkg/config/host)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN


def is_wildcard(host: str) -> bool:
    return host.startswith("*")


def covers(wide: str, narrow: str) -> bool:
    """True when every name of `narrow` is one of `wide`: `*.foo.com` covers `a.foo.com` and `*.b.foo.com`."""
    if not is_wildcard(wide):
        return wide == narrow
    if is_wildcard(narrow):
        return len(wide) <= len(narrow) and narrow[1:].endswith(wide[1:])
    return len(narrow) >= len(wide) and narrow.endswith(wide[1:])


def matches(pattern: str, host: str) -> bool:
    """True when the two have a name in common."""
    return covers(pattern, host) or covers(host, pattern)


def specificity(host: str) -> tuple[bool, int]:
    """Greater for the more specific host: an exact name before any wildcard, then the longer one."""
    return not is_wildcard(host), len(host)


def intersection(server: Iterable[str], service: Iterable[str]) -> tuple[str, ...]:
    """The hosts that a Gateway server and a VirtualService share, the narrower name of each pair."""
    found: dict[str, None] = {}
    others = tuple(service)
    for one in server:
        for other in others:
            if covers(other, one):
                found[one] = None
            elif covers(one, other):
                found[other] = None
    return tuple(found)


@lru_cache(maxsize=1 << 15)
def domains(host: str, namespace: str) -> tuple[str, ...]:
    """The names by which a client in `namespace` calls a service; only one of a namespace has shorter ones."""
    qualified = host.removesuffix(f".{CLUSTER_DOMAIN}")
    name, _, place = qualified.partition(".")
    if qualified == host or not place:
        return host, f"{host}."
    short = [name] if namespace == place else []
    return host, f"{host}.", *short, f"{qualified}.{CLUSTER_DOMAIN.partition('.')[0]}", qualified
