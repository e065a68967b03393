"""How Istio reads the names in its resources.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#Destination, and
istiod's own resolution (pilot/pkg/model/config.go).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from meshproof.manifest.value import Value
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN
from meshproof.mesh.model.virtual_service import MESH_GATEWAY

LABEL = r"[A-Za-z0-9](?:[-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
# A dot may end the name, and its last part is no number where there are several.
NUMBERS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
HOST = re.compile(rf"(?=.{{1,255}}$)(?!.*\.[0-9]+$)(?:\*|(?:\*-?)?{LABEL})(?:\.{LABEL})*\.?")
ADDRESS = re.compile(r"[0-9.]+|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")


def host(value: Value, namespace: str, *, as_written: bool = False) -> str:
    """A host name, in lower case; a name without a dot is a Service of the resource's own namespace.

    Where istiod looks a name up `as_written`, one with capitals is no Service's: those have none; nor is an address.
    """
    text = value.text()
    if ADDRESS.fullmatch(text) and not as_written:
        return text
    if not HOST.fullmatch(text):
        hint = "a Service's name, a domain name, or a domain name that begins with *"
        raise value.problem(f"{value.name} {value.shown} is not a host name", hint)
    name = text if as_written else text.lower()
    # Most hosts are named by many objects.
    return sys.intern(name if "." in name or name == "*" else f"{name}.{namespace}.{CLUSTER_DOMAIN}")


def gateway(text: str, namespace: str) -> str:
    """A gateway as `mesh` or `namespace/name`; older manifests write name.namespace.svc.cluster.local."""
    if text == MESH_GATEWAY:
        return text
    if "/" in text:
        own, _, name = text.partition("/")
        return f"{namespace if own == '.' else own}/{name}"
    if "." in text:
        name, own = text.split(".")[:2]
        return f"{own}/{name}"
    return f"{namespace}/{text}"


def covers(pattern: str, name: str) -> bool:
    """Whether a host pattern (`*`, `*.example.com` or a plain name) covers a name or a narrower pattern."""
    if not pattern.startswith("*"):
        return pattern == name
    return len(name) >= len(pattern) and name.removeprefix("*").endswith(pattern[1:])


def overlap(one: str, other: str) -> bool:
    """Whether two names or patterns have a name in common."""
    return covers(one, other) or covers(other, one)


def specificity(pattern: str) -> tuple[bool, int]:
    """The order in which Envoy prefers domains that match: a plain name first, then the longest suffix."""
    return not pattern.startswith("*"), len(pattern)


def parents(name: str) -> Iterator[str]:
    """The names above a name, the longest first: `b.c` and `c` of `a.b.c`."""
    while "." in name.rstrip("."):
        name = name.partition(".")[2]
        yield name
