"""The rules that stand for a request, in the order in which they are tried, and what came of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from meshproof.explain.context import Context
from meshproof.explain.explanation import AFTER, MISSED, NOT_FOR, SHADOWED, TAKEN, UNKNOWN, Entry
from meshproof.explain.manifests import Written
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.path import normalized
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, HttpRoute, VirtualService
from meshproof.mesh.predict.entries import Considered, Rule, considered, tried
from meshproof.mesh.predict.match import Client, missed
from meshproof.mesh.predict.mesh_table import Table
from meshproof.mesh.predict.proxy.seen import seen
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Trace:
    """The entries with what came of each, the rule that takes the request, and whose rules these are."""

    entries: tuple[Entry, ...] = ()
    taken: Rule | None = None
    virtual_services: tuple[VirtualService, ...] = ()


def trace(context: Context, table: Table) -> Trace:
    """The trace of a request by HTTP whose rules are in `table`; nothing where it is answered before any is tried."""
    mesh, expectation, written, words = context.mesh, context.expectation, context.written, context.words
    rules = table.rules or ()
    own = _owners(mesh, rules)
    # What a policy decides comes before all routing.
    by_another = expectation.route is not None and all(rule.route.location != expectation.route for rule in rules)
    if not rules or not expectation.looked_at or by_another:
        return Trace(virtual_services=own)
    request = context.request
    changed = seen(request, normalized(request.path, mesh.config.path_normalization) or "", certified=table.certified)
    outcomes: dict[int, Entry] = {}
    taken: Rule | None = None
    for rule, met in tried(rules, changed):
        entry = _entry(rule, written, MISSED if met is False else UNKNOWN if met is None else TAKEN)
        if met is not True:
            entry = replace(entry, miss=missed(rule.match, changed))
        if rule.route.missing:
            missing = rule.route.missing
            why = words("its delegate {name} is unknown or refused, so istiod leaves the rule out", name=missing)
            entry = replace(entry, outcome=MISSED, why=why)
        elif met is not False:
            taken = rule
        outcomes[id(rule)] = entry
    by = taken.route.location if taken else None
    standing = {_key(rule): outcomes.get(id(rule)) or replace(_entry(rule, written, AFTER), by=by) for rule in rules}
    return Trace(tuple(_in_order(standing, own, context)), taken, own)


def _in_order(
    standing: dict[tuple[int, int], Entry], own: Sequence[VirtualService], context: Context
) -> Iterator[Entry]:
    """The entries that stand, and those that do not where one VirtualService has them all; else these at the end."""
    several = [one for each in own for one in considered(each, _as_bound(each, context.client))]
    if len(own) == 1:
        for one in several:
            yield standing.get(_key(one.rule)) or _left_out(one, context.written)
        return
    yield from standing.values()
    yield from (_left_out(one, context.written) for one in several if _key(one.rule) not in standing)


def _left_out(one: Considered, written: Written) -> Entry:
    if one.kept_from:
        return replace(_entry(one.rule, written, NOT_FOR), miss=one.kept_from)
    by = one.shadowed.route.location if one.shadowed else None
    return replace(_entry(one.rule, written, SHADOWED), by=by)


def _entry(rule: Rule, written: Written, outcome: str) -> Entry:
    route: HttpRoute = rule.route
    place = rule.match.location if rule.match else None
    own = written.called(route.location)
    conditions = written.called(place) if place else own
    by = conditions if conditions != own else ""
    return Entry(own, route.location, place, outcome, route.name, delegated_by=by)


def _key(rule: Rule) -> tuple[int, int]:
    return id(rule.route), id(rule.match)


def _owners(mesh: Mesh, rules: Iterable[Rule]) -> tuple[VirtualService, ...]:
    """The VirtualServices that have these rules, in the order in which they count."""
    routes = {id(rule.route): at for at, rule in enumerate(rules)}
    found = []
    for one in mesh.virtual_services:
        places = [routes[id(route)] for route in one.http if id(route) in routes]
        found += [(min(places), one)] if places else []
    return tuple(one for _, one in sorted(found, key=lambda pair: pair[0]))


def _as_bound(virtual_service: VirtualService, client: Client) -> Client:
    """The client as the rules of a VirtualService see it, which may be bound to another Gateway of the same pods."""
    own = virtual_service.gateways
    if client.gateway in own or client.gateway == MESH_GATEWAY:
        return client
    there = next((one for one in own if one != MESH_GATEWAY), client.gateway)
    return replace(client, gateway=there)
