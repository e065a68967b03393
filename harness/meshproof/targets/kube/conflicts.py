"""Hosts that somebody else's Istio resources claim already: found before anything is applied.

Where two of a kind claim one host, which of them holds is not defined (Istio merges some, drops others):
https://istio.io/latest/docs/ops/common-problems/network-issues/
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from meshproof.errors import Location
from meshproof.records import dataclass
from meshproof.targets.kube import ownership
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.concurrent import gather_all
from meshproof.targets.kube.objects import Json
from meshproof.targets.kube.wanted import Wanted

Claim = tuple[str, frozenset[str], str]
ROUTING = ("VirtualService", "DestinationRule", "Gateway", "ServiceEntry")


@dataclass(frozen=True, slots=True)
class Conflict:
    """A host of an object that is wanted, which another one of the same kind claims too."""

    kind: str
    host: str
    name: str
    other: str
    location: Location | None

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.kind} {self.name}: {self.host} is claimed by {self.kind} {self.other} already"


async def find(
    cluster: Cluster, objects: Sequence[Wanted], run: str, *, kinds: Collection[str] = ROUTING
) -> Sequence[Conflict]:
    """The conflicts of these objects with those of others, anywhere in the cluster."""
    conflicts: list[Conflict] = []
    chosen = [one for one in objects if one.key[0] in kinds]
    kinds_served = []
    for kind, group in sorted({(one.key[0], str(one.body["apiVersion"]).rpartition("/")[0]) for one in chosen}):
        if served := await cluster.objects.served(group, kind):
            kinds_served.append((served[0], kind))
    lists = await gather_all([cluster.objects.list(*one) for one in kinds_served])
    for (_, kind), listed in zip(kinds_served, lists, strict=True):
        others = [body for body in listed if not ownership.owned(body, run)]
        mine = [one for one in chosen if one.key[0] == kind]
        conflicts += [conflict for one in mine for body in others for conflict in between(one, body)]
    return conflicts


def claims(body: Json) -> frozenset[Claim]:
    """What an object claims, each with its kind; none for one that routes nothing."""
    if body["kind"] not in ROUTING:
        return frozenset()
    return frozenset((str(body["kind"]), scope, host) for scope, host in _claims(body))


def between(mine: Wanted, other: Json) -> Iterator[Conflict]:
    """The hosts that an object to be applied claims, and another one of its kind too."""
    kind, namespace, name = mine.key
    metadata = other["metadata"]
    other_name = f"{metadata.get('namespace', '')}/{metadata['name']}"
    if other_name == f"{namespace}/{name}":
        return
    theirs = list(_claims(other))
    location = mine.source.location if mine.source else None
    for scope, host in _claims(mine.body):
        if any(scope & foreign and _overlap(host, claimed) for foreign, claimed in theirs):
            yield Conflict(kind, host, f"{namespace}/{name}", other_name, location)


def _claims(body: Json) -> Iterator[tuple[frozenset[str], str]]:
    """Each host that an object claims, and where: `mesh`, the gateways by name, or the ports of gateway pods."""
    kind, spec = body["kind"], body.get("spec") or {}
    namespace = str(body["metadata"].get("namespace", ""))
    seen = ["mesh"] if set(spec.get("exportTo") or ["*"]) != {"."} else [f"mesh of {namespace}"]
    if kind == "DestinationRule":
        yield frozenset(seen), _resolved(str(spec.get("host", "")), namespace)
    elif kind == "Gateway":
        selector = ",".join(f"{key}={value}" for key, value in sorted((spec.get("selector") or {}).items()))
        for server in spec.get("servers") or ():
            scope = frozenset({f"port {(server.get('port') or {}).get('number')} of {selector}"})
            yield from ((scope, str(host).rpartition("/")[2]) for host in server.get("hosts") or ())
    else:
        gateways = [_gateway(str(name), namespace) for name in spec.get("gateways") or ["mesh"]]
        scopes = frozenset(seen if "mesh" in gateways else ()) | {name for name in gateways if name != "mesh"}
        yield from ((scopes, _resolved(str(host), namespace)) for host in spec.get("hosts") or ())


def _gateway(name: str, namespace: str) -> str:
    return name if name == "mesh" or "/" in name else f"{namespace}/{name}"


def _resolved(host: str, namespace: str) -> str:
    """A short name is one of the object's own namespace."""
    return host if "." in host or "*" in host or not host else f"{host}.{namespace}.svc.cluster.local"


def _overlap(one: str, other: str) -> bool:
    """Whether two hosts, either of which may begin with a wildcard, have a name in common."""
    if one.startswith("*") and other.startswith("*"):
        return one[1:].endswith(other[1:]) or other[1:].endswith(one[1:])
    if one.startswith("*"):
        return other.endswith(one[1:])
    return one.endswith(other[1:]) if other.startswith("*") else one == other
