"""The requests that a promise is held against."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from meshproof.border.expectation import Expectation
from meshproof.border.request import Request, connection
from meshproof.errors import Location
from meshproof.intents.destinations import names
from meshproof.intents.view import View
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.mesh.model.virtual_service import Destination, HttpRoute, TcpRoute, VirtualService
from meshproof.mesh.predict.connections.within import PROTOCOLS
from meshproof.mesh.predict.covering import is_hidden
from meshproof.mesh.requests.addresses import short_name
from meshproof.mesh.requests.clients.apart import requests_about, told_apart
from meshproof.mesh.requests.clients.sources import MOST_CLIENTS, others
from meshproof.mesh.requests.probes import probes
from meshproof.mesh.requests.samples import sample_requests
from meshproof.records import dataclass

# Probes of a whole folder; where it has more, those of the rules that matter are taken.
MOST = 20_000


@dataclass(frozen=True, slots=True)
class Asked:
    """All requests of one client, with what is predicted of each and what of it is not understood.

    `among` names the rules that they are about (None: all); `left_out` is how many probes, and `clients` how many
    further clients, were too many. `unshown` are the rules that no request of this client was found for.
    """

    view: View
    expectations: tuple[tuple[Expectation, tuple[Unmodelled, ...]], ...]
    among: frozenset[Location] | None = None
    left_out: int = 0
    clients: int = 0
    unshown: tuple[Location, ...] = ()


def asked(view: View, *, thorough: bool = False, alone: bool = False) -> tuple[Asked, ...]:
    """The samples and boundary probes of a client and, unless it is `alone`, of all that rules tell apart from it."""
    rules = {} if alone else others(view.mesh, view.client)
    apart = {} if alone else told_apart([view.mesh], view.client)
    clients = list(dict.fromkeys((*rules, *apart)))
    found = replace(_of(view, None, thorough=thorough), clients=max(0, len(clients) - MOST_CLIENTS))
    further = []
    for one in clients[:MOST_CLIENTS]:
        own = _of(replace(view, client=one), rules.get(one, frozenset()), thorough=thorough)
        shown = [expectation.request for expectation, _ in found.expectations]
        about = requests_about(view.mesh, view.client, apart.get(one, ()), shown)
        known = {expectation.request for expectation, _ in own.expectations}
        new = _predicted(own.view, [request for request in about if request not in known])
        further.append(replace(own, expectations=(*own.expectations, *new)))
    return found, *further


def _of(view: View, among: frozenset[Location] | None, *, thorough: bool) -> Asked:
    client = view.client
    samples, told = sample_requests(view.mesh, client, tls=view.tls, among=among)
    found, left = _probes(view, view.mesh, among, None if thorough else MOST)
    unshown = tuple(one.location for one in told if one.topic == Topic.NOT_SHOWN)
    return Asked(view, _predicted(view, (*samples, *found)), among, left, unshown=unshown)


def _probes(
    view: View, mesh: Mesh, among: frozenset[Location] | None, most: int | None
) -> tuple[Sequence[Request], int]:
    client = view.client
    found = probes(mesh, client, tls=view.tls, among=among, most=most)
    return found.requests, sum(number for _, number in found.left_out)


def _predicted(view: View, requests: Sequence[Request]) -> tuple[tuple[Expectation, tuple[Unmodelled, ...]], ...]:
    return tuple((one, view.touching(one)) for one in map(view.expectation, dict.fromkeys(requests)))


def pods(mesh: Mesh, destinations: Sequence[str]) -> Iterator[str]:
    """The workloads behind everything that is called so."""
    for service in mesh.services:
        if not names(service.called, service.host).isdisjoint(destinations):
            yield from (one.key for one in mesh.behind(service))
    for rule in mesh.destination_rules:
        for subset in rule.subsets:
            called = f"{rule.host.removesuffix(f'.{CLUSTER_DOMAIN}')}/{subset.name}"
            if not names(called, rule.host).isdisjoint(destinations):
                behind = mesh.selected(rule.host)
                yield from (one.key for one in behind if subset.labels.items() <= one.labels.items())


def about(one: Asked, destinations: Sequence[str], forbidden: Collection[str]) -> Asked:
    """The same with requests that call what is forbidden by its own name.

    Where probes were too many, they are those of the VirtualServices that lead there: no other rule can.
    """
    view, mesh = one.view, one.view.mesh
    further = list(_direct(view, destinations, forbidden))
    left = one.left_out
    if left:
        leading = tuple(vs for vs in mesh.virtual_services if _leads(mesh, vs, destinations, forbidden))
        found, left = _probes(view, replace(mesh, virtual_services=leading), one.among, MOST)
        further += found
    known = {expectation.request for expectation, _ in one.expectations}
    new = _predicted(view, [request for request in further if request not in known])
    return replace(one, expectations=(*one.expectations, *new), left_out=left)


def _direct(view: View, destinations: Sequence[str], forbidden: Collection[str]) -> Iterator[Request]:
    for service in view.mesh.services:
        called = not names(service.called, service.host).isdisjoint(destinations)
        if not (called or any(one.key in forbidden for one in view.mesh.behind(service))):
            continue
        host = short_name(service, view.client.namespace)
        for port in service.ports:
            if port.is_http:
                yield Request("GET", host, port.number)
            elif port.protocol in PROTOCOLS:
                yield connection(host, port.number)


def unshown(several: Sequence[Asked], destinations: Sequence[str], forbidden: Collection[str]) -> Location | None:
    """The first rule that may lead to what is forbidden, and that no request of all was found for; None without one."""
    mesh, lacking = several[0].view.mesh, {*several[0].unshown}
    if lacking:
        lacking -= {expectation.route for one in several for expectation, _ in one.expectations if expectation.route}
    for owner in mesh.virtual_services if lacking else ():
        lists: tuple[Sequence[HttpRoute | TcpRoute], ...] = (owner.http, owner.tls, owner.tcp)
        for rules in lists:
            for at, rule in enumerate(rules):
                hidden = not owner.gateway_api and is_hidden(rule, rules[:at])
                if rule.location in lacking and not hidden and _may_lead(mesh, rule, destinations, forbidden):
                    return rule.location
    return None


def _leads(mesh: Mesh, one: VirtualService, destinations: Sequence[str], forbidden: Collection[str]) -> bool:
    """Whether a rule of a VirtualService may lead, or copy, to what is forbidden."""
    return any(_may_lead(mesh, rule, destinations, forbidden) for rule in one.rules)


def _may_lead(mesh: Mesh, rule: HttpRoute | TcpRoute, destinations: Sequence[str], forbidden: Collection[str]) -> bool:
    for target in rule.aims:
        called = target.host.removesuffix(f".{CLUSTER_DOMAIN}") + (f"/{target.subset}" if target.subset else "")
        if not names(called, target.host).isdisjoint(destinations):
            return True
        if any(each.key in forbidden for each in _behind(mesh, target)):
            return True
    return False


def _behind(mesh: Mesh, target: Destination) -> Iterator[Workload]:
    """The workloads of a destination by whichever DestinationRule defines its subset."""
    rules = (one for one in mesh.destination_rules if one.host == target.host) if target.subset else ()
    wanted = [subset.labels for rule in rules for subset in rule.subsets if subset.name == target.subset]
    for one in mesh.selected(target.host):
        if not target.subset or any(labels.items() <= one.labels.items() for labels in wanted):
            yield one
