"""Hosts that what is applied has and nothing specifies: Services, ServiceEntries, and other names of either.

Each port of them is called, as that of a Service is that no rule decides for: what answers there may have taken the
host from what is specified, or open it. What no request shows is told. Those of namespaces in which nothing is
specified are somebody else's: they are noted, and not called.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from meshproof.border.request import Request
from meshproof.border.source import Source
from meshproof.manifest import Notice
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.kubernetes import Service, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Called, Unmodelled
from meshproof.mesh.model.virtual_service import VirtualService
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import short_name
from meshproof.mesh.requests.clients.unruled import calls
from meshproof.mutate.meaning import meaning

NEEDS = "correct one of the two"
Names = Collection[tuple[str, str]]


def asked(specified: Mesh, applied: Mesh, client: Source, stood_in: Names) -> Iterator[Request]:
    """What a client sends to such hosts that is answered otherwise than specified.

    Whose namespace and name are among those `stood_in` was made for what refers to it, and is no object of anybody's.
    """
    for _, _, several in _opened(specified, applied, client, stood_in):
        yield from several or ()


def elsewhere(specified: Mesh, applied: Mesh) -> Iterator[Notice]:
    """What is said of those in namespaces in which nothing is specified."""
    own = _namespaces(specified)
    others = [one for one in applied.services if one.namespace not in own and not specified.services_of(one.host)]
    if others:
        places = ", ".join(sorted({one.namespace for one in others}))
        many = f"{len(others)} hosts are" if len(others) > 1 else "a host is"
        text = f"{many} applied in namespaces in which nothing is specified, and not called: {places}"
        yield Notice(others[0].location, text)


def unasked(specified: Mesh, applied: Mesh, client: Source, stood_in: Names) -> Iterator[Unmodelled]:
    """Those that no request of a client shows, with the line of what is applied."""
    for one, why, several in _opened(specified, applied, client, stood_in):
        if not several:
            kind = "ServiceEntry" if one.hostname else "Service"
            name = f"{kind} for {one.host}" if one.hostname else f"{kind} {one.namespace}/{one.name}"
            yield Unmodelled(kind, name, one.location, why, (Called((one.host,)),), NEEDS)


def _opened(
    specified: Mesh, applied: Mesh, client: Source, stood_in: Names
) -> Iterator[tuple[Service, str, tuple[Request, ...]]]:
    """Each with why nothing shows it, and what does; none of whose requests nothing changes for."""
    own = _namespaces(specified)
    for one in (*applied.services, *applied.aliases):
        if specified.services_of(one.host) or specified.alias(one.host):
            there = [each for each in specified.services_of(one.host) if one.hostname and each.hostname]
            if there and all(each.namespace != one.namespace for each in there):
                beside = f"{one.host} is applied in namespace {one.namespace} too, beside {there[0].namespace}"
                yield one, f"{beside}, and not specified there: no request shows which clients it takes", ()
            continue
        if one.namespace not in own or (one.namespace, one.name) in stood_in or _is_entered(applied, one):
            continue
        why = f"{one.called} is applied, and nothing of that name is specified"
        if one.alias_of:
            meant = visibility.service(applied, applied.stands_for(one.host), client.namespace)
        else:
            meant = visibility.service(applied, one.host, client.namespace)
        if meant is None or (not one.alias_of and meant is not one):
            yield one, f"{why}: clients in {client.namespace} do not call it", ()
            continue
        called = [replace(each, host=short_name(one, client.namespace)) for each in calls(applied, meant, client)]
        pairs = [(each, predict(specified, each, client), predict(applied, each, client)) for each in called]
        changed = [(each, actual) for each, wanted, actual in pairs if meaning(wanted) != meaning(actual)]
        if changed or not called:
            shown = tuple(each for each, actual in changed if not actual.undecided and actual.arms)
            yield one, f"{why}: no request shows what answers there", shown


def _namespaces(specified: Mesh) -> frozenset[str]:
    """Those in which anything is specified."""
    several: tuple[Iterable[Service | Workload | VirtualService | Gateway], ...] = (
        *(specified.services, specified.aliases, specified.workloads),
        *(specified.virtual_services, specified.gateways),
    )
    return frozenset(one.namespace for each in several for one in each)


def _is_entered(mesh: Mesh, service: Service) -> bool:
    """Whether all its pods are those of Gateways, which are entered by their hosts."""
    entered = {pod.key for gateway in mesh.gateways for pod in mesh.serving(gateway)}
    pods = mesh.selected(service.host)
    return bool(pods) and entered.issuperset(pod.key for pod in pods)
