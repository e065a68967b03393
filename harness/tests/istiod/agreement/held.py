"""One case held against istiod's answers: what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import forms
from forms import led_to
from meshproof.border.request import Request
from meshproof.envoy.unsupported import unsupported
from meshproof.errors import MeshproofError
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.predict.visibility import is_unexported
from meshproof.mesh.requests.samples import sample_requests
from sides import Sides, is_ours, surroundings
from ways import ANYWHERE, ways_in

Json = dict[str, Any]


class Outcome(StrEnum):
    SAME = "the same"
    TOLD = "different, and told as not proved"
    SILENT = "silently different"
    OURS_ONLY = "refused by meshproof alone"
    THEIRS_ONLY = "refused by istiod alone"
    BROKEN = "istiod gave no answer"


@dataclass(slots=True)
class Held:
    """`differences` are (proxy, what, ours, istiod's); `refusals` objects that one of the two refuses, and why."""

    sides: Sides
    ours_refused: Mapping[str, str] = field(default_factory=dict)
    theirs_refused: Mapping[str, str] = field(default_factory=dict)
    differences: list[tuple[str, str, Any, Any]] = field(default_factory=list)
    silent: list[tuple[str, str, Any, Any]] = field(default_factory=list)
    failed: str = ""

    @property
    def outcomes(self) -> frozenset[Outcome]:
        found = set()
        if self.failed:
            return frozenset({Outcome.BROKEN})
        if self.ours_refused.keys() - self.theirs_refused.keys():
            found.add(Outcome.OURS_ONLY)
        if self.theirs_refused.keys() - self.ours_refused.keys():
            found.add(Outcome.THEIRS_ONLY)
        if self.silent:
            found.add(Outcome.SILENT)
        elif self.differences:
            found.add(Outcome.TOLD)
        return frozenset(found or {Outcome.SAME})


# Nobody but the API server examines these, and names; beside istiod's code here stands none.
UNEXAMINED = frozenset({"Service", "Pod", "Deployment", "StatefulSet", "DaemonSet", "Ingress"})
NAME = "is not lower-case letters"
# What istiod says of these stands in their status.
IN_STATUS = frozenset({"HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"})


def refusals(sides: Sides, answer: Json) -> tuple[dict[str, str], dict[str, str]]:
    """What each of the two refuses, by `Kind namespace/name`.

    What meshproof does not read is no refusal of istiod's alone, since it is told; what the API server alone refuses
    is none of meshproof's alone.
    """
    theirs = {key.partition(" ")[2]: why for key, why in answer.get("refused", {}).items()}
    ours = {one.subject: f"{one.location.line}: {one.why}" for one in sides.built.mesh.unmodelled if one.refused}
    told = {one.subject for one in sides.built.mesh.unmodelled if not one.refused}
    unexamined = {
        name: why for name, why in ours.items() if name.split()[0] in UNEXAMINED or (NAME in why and name not in theirs)
    }
    both = {name: why for name, why in theirs.items() if name in told}
    return ours | both, theirs | unexamined


def differences(sides: Sides, answer: Json) -> Iterator[tuple[str, str, Any, Any]]:
    """What differs of each proxy's configuration."""
    around = surroundings(sides)
    for name in sides.proxies:
        theirs = answer["proxies"][name]
        try:
            ours = sides.ours(name)
        except MeshproofError as error:
            yield name, "all", str(error), None
            continue
        both = ours, theirs
        met = frozenset(led_to(*(each for one in both for each in (one["listeners"], one["routes"]))))
        clusters = [
            {key: one for key, one in forms.clusters(several["clusters"], around).items() if key in met}
            for several in both
        ]
        yield from _each(name, "cluster ", *clusters)
        # Hosts that istiod leaves to Envoy to look up have no endpoints in its answer.
        wanted = {one["name"] for one in theirs["clusters"] if one.get("type") == "EDS"} & clusters[0].keys()
        yield from _each(name, "endpoints ", *(forms.endpoints(one["endpoints"], wanted, around) for one in both))
        own, other = (ways_in(name, one["listeners"], one["routes"], around) for one in both)
        for place in sorted({*own, *other}):
            if not is_ours(place):
                yield from _place(name, place, own, other)


def _each(proxy: str, what: str, ours: Json, theirs: Json) -> Iterator[tuple[str, str, Any, Any]]:
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name) and not is_ours(name):
            yield proxy, what + name, ours.get(name), theirs.get(name)


def _place(proxy: str, place: str, own: Json, other: Json) -> Iterator[tuple[str, str, Any, Any]]:
    """Chains by the names that they are for, and their routes by domain."""
    ours, theirs = own.get(place), other.get(place)
    if ours is None or theirs is None:
        several = ours if theirs is None else theirs
        if several and any(_chain_domains(one) or "clusters" in one for one in several):
            yield proxy, f"listener {place}", ours, theirs
        return
    by_names, by_their_names = ({repr(one["names"]): one for one in several} for several in (ours, theirs))
    for names in sorted({*by_names, *by_their_names}):
        one, two = by_names.get(names), by_their_names.get(names)
        if one is None or two is None or "http" not in one or "http" not in two:
            if one != two:
                yield proxy, f"chain {place} {names}", one, two
            continue
        if one["tls"] != two["tls"]:
            yield proxy, f"TLS {place} {names}", one["tls"], two["tls"]
        mine, yours = _chain_domains(one), _chain_domains(two)
        for domain in sorted({*mine, *yours}):
            # Who calls a host that has an address of its own on that port meets that.
            called = place.replace(ANYWHERE, domain, 1)
            elsewhere = called != place and called in own and called in other
            # A domain for whatever no other one takes that has no routes answers 404, as none does.
            own_domain, other_domain = (
                None if domain == ANYWHERE and not one.get(domain) else one.get(domain) for one in (mine, yours)
            )
            if own_domain != other_domain and not is_ours(domain) and not elsewhere:
                yield proxy, f"domain {place} {names} {domain}", own_domain, other_domain


def _chain_domains(chain: Json) -> Json:
    return {key: value for key, value in chain.get("http", {}).get("domains", {}).items() if not is_ours(key)}


def held(sides: Sides, answer: Json) -> Held:
    found = Held(sides, *refusals(sides, answer), failed=answer.get("failed", ""))
    if not found.failed:
        found.differences = list(differences(sides, answer))
        if not found.differences:
            found.theirs_refused = {**found.theirs_refused, **left_out(found)}
        found.silent = silent(sides, found.differences) if found.differences else []
    return found


def left_out(found: Held) -> dict[str, str]:
    """What istiod takes no notice of, which it tells in an object's status alone: its configuration is as without."""
    return {
        name: "left out of the configuration"
        for name in found.ours_refused
        if name not in found.theirs_refused and name.split()[0] in IN_STATUS
    }


def silent(sides: Sides, several: list[tuple[str, str, Any, Any]]) -> list[tuple[str, str, Any, Any]]:
    """Those of the differences that some request meets which would be held for proved."""
    mesh = sides.built.mesh
    dependencies = Dependencies(mesh, (*mesh.unmodelled, *unsupported(mesh)))
    client = sides.proxies["client"]

    def is_told(request: Request) -> bool:
        expectation = predict(mesh, request, client)
        known = facts(mesh, expectation, client)
        return bool(dependencies.touching(known) or undecided(mesh, expectation))

    try:
        requests = list(sample_requests(mesh, client)[0])
    except MeshproofError:
        # It says so, and proves nothing at all.
        return []
    return [one for one in several if not all(map(is_told, _meeting(sides, one, requests)))]


def _meeting(sides: Sides, difference: tuple[str, str, Any, Any], requests: list[Request]) -> list[Request]:
    """Requests that may meet a difference: those of its proxy that are for its hosts, its cluster, or its port."""
    mesh = sides.built.mesh
    proxy, what, *both = difference
    served = {one.key for one in mesh.gateways if _serves(sides, proxy, one)}
    entering = proxy != "client"
    own = [one for one in requests if (one.gateway in served if entering else not one.gateway)]
    words = what.split()
    if words[0] in ("cluster", "endpoints"):
        _, port, _, host = words[1].split("|", 3)
        direct = Request("GET", _some(host), int(port))
        leading = [one for one in own if _leads(sides, one, host, int(port))]
        # What nobody sees, and what rules lead away from, is met by rules that lead there alone.
        hidden = mesh.services_of(host) and is_unexported(mesh, host, sides.proxies["client"].namespace)
        away = hidden or entering or not _leads(sides, direct, host, int(port))
        return leading if away and leading else [direct]
    if words[0] == "all":
        return requests
    place, _, port = words[1].rpartition(":")
    domains = {words[-1]} if words[0] == "domain" else {place}
    if words[0] == "listener" and place == ANYWHERE:
        domains = {name for side in both for one in side or () for name in _chain_domains(one)} or domains
    near = [one for one in own if one.port == int(port)]
    found = [one for one in near if any(_same(domain, one.domain) for domain in domains)]
    opened = [one for one in mesh.gateways if any(server.port == int(port) for server in one.servers)]
    ways = [one.key for one in opened if one.key in served]
    for domain in domains if not found else ():
        found += [Request("GET", _some(domain), int(port), gateway=way) for way in (ways if entering else [""])]
    return found or near or requests


def _leads(sides: Sides, request: Request, host: str, port: int) -> bool:
    client = sides.proxies["client"]
    expectation = predict(sides.built.mesh, request, client)
    return any((one.host, one.port) == (host, port) for one in expectation.arms)


def _serves(sides: Sides, proxy: str, gateway: Gateway) -> bool:
    """Whether a proxy is one of a Gateway's pods."""
    namespace, labels = sides.built.mesh.pods_of(gateway)
    own = sides.proxies[proxy]
    return (own.namespace, dict(own.labels)) == (namespace, dict(labels))


def _some(pattern: str) -> str:
    """A name that a pattern covers."""
    return pattern.replace("*", "any", 1).rstrip(".")


def _same(pattern: str, name: str) -> bool:
    return pattern == name or (pattern.startswith("*") and name.endswith(pattern[1:]))
