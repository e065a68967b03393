"""One case held against istiod's answers: what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import forms
from meshproof.border.request import Request
from meshproof.errors import MeshproofError
from meshproof.mesh.coverage.dependencies import Dependencies, facts, undecided
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.samples import sample_requests
from sides import Sides, hosts, is_ours

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


def refusals(sides: Sides, answer: Json) -> tuple[dict[str, str], dict[str, str]]:
    """What each of the two refuses, by `Kind namespace/name`."""
    theirs = {key.partition(" ")[2]: why for key, why in answer.get("refused", {}).items()}
    ours = {one.subject: f"{one.location.line}: {one.why}" for one in sides.built.mesh.unmodelled if one.refused}
    return ours, theirs


def differences(sides: Sides, answer: Json) -> Iterator[tuple[str, str, Any, Any]]:
    """What differs of each proxy's configuration."""
    names = hosts(sides.cluster)
    for name in sides.proxies:
        theirs = answer["proxies"][name]
        try:
            ours = sides.ours(name)
        except MeshproofError as error:
            yield name, "all", str(error), None
            continue
        yield from _each(name, "cluster ", forms.clusters(ours["clusters"]), forms.clusters(theirs["clusters"]))
        wanted = {one["name"] for one in theirs["clusters"] if one.get("type") == "EDS"}
        pods = [
            {key: value for key, value in forms.endpoints(several).items() if key in wanted}
            for several in (ours["endpoints"], theirs["endpoints"])
        ]
        yield from _each(name, "endpoints ", *pods)
        own, other = (forms.ways_in(one["listeners"], one["routes"], names) for one in (ours, theirs))
        for place in sorted({*own, *other}):
            if is_ours(place):
                continue
            yield from _place(name, place, own.get(place), other.get(place))


def _each(proxy: str, what: str, ours: Json, theirs: Json) -> Iterator[tuple[str, str, Any, Any]]:
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name) and not is_ours(name):
            yield proxy, what + name, ours.get(name), theirs.get(name)


def _place(proxy: str, place: str, ours: Any, theirs: Any) -> Iterator[tuple[str, str, Any, Any]]:
    """Chains by the names that they are for, and their routes by domain."""
    if ours is None or theirs is None:
        several = ours if theirs is None else theirs
        if several and any(_chain_domains(one) or "clusters" in one for one in several):
            yield proxy, f"listener {place}", ours, theirs
        return
    own, other = ({repr(one["names"]): one for one in several} for several in (ours, theirs))
    for names in sorted({*own, *other}):
        one, two = own.get(names), other.get(names)
        if one is None or two is None or "http" not in one or "http" not in two:
            if one != two:
                yield proxy, f"chain {place} {names}", one, two
            continue
        if one["tls"] != two["tls"]:
            yield proxy, f"TLS {place} {names}", one["tls"], two["tls"]
        mine, yours = _chain_domains(one), _chain_domains(two)
        for domain in sorted({*mine, *yours}):
            if mine.get(domain) != yours.get(domain) and not is_ours(domain):
                yield proxy, f"domain {place} {names} {domain}", mine.get(domain), yours.get(domain)


def _chain_domains(chain: Json) -> Json:
    return {key: value for key, value in chain.get("http", {}).get("domains", {}).items() if not is_ours(key)}


def held(sides: Sides, answer: Json) -> Held:
    found = Held(sides, *refusals(sides, answer), failed=answer.get("failed", ""))
    if not found.failed:
        found.differences = list(differences(sides, answer))
        found.silent = silent(sides, found.differences) if found.differences else []
    return found


def silent(sides: Sides, several: list[tuple[str, str, Any, Any]]) -> list[tuple[str, str, Any, Any]]:
    """Those of the differences that some request meets which would be held for proved."""
    mesh = sides.built.mesh
    if not mesh.unmodelled:
        return several
    dependencies = Dependencies(mesh, mesh.unmodelled)
    client = sides.proxies["client"]

    def is_told(request: Request) -> bool:
        expectation = predict(mesh, request, namespace=client.namespace, labels=client.labels)
        known = facts(mesh, expectation, client.namespace, client.labels)
        return bool(dependencies.touching(known) or undecided(mesh, expectation))

    requests = list(sample_requests(mesh, namespace=client.namespace, labels=client.labels)[0])
    return [one for one in several if not all(map(is_told, _meeting(one, requests)))]


def _meeting(difference: tuple[str, str, Any, Any], requests: list[Request]) -> list[Request]:
    """Requests that may meet a difference: those of its host, its cluster, or its port."""
    proxy, what, *_ = difference
    words = what.split()
    if words[0] in ("cluster", "endpoints"):
        _, port, _, host = words[1].split("|")
        return [Request("GET", host, int(port))]
    if words[0] == "all":
        return requests
    place, _, port = words[1].rpartition(":")
    entering = proxy != "client"
    domain = words[-1] if words[0] == "domain" else place
    near = [one for one in requests if bool(one.gateway) == entering and one.port == int(port)]
    near = [one for one in near if _same(domain, one.domain)] or near
    if not near and not entering and "*" not in domain:
        near = [Request("GET", domain, int(port))]
    return near or requests


def _same(pattern: str, name: str) -> bool:
    return pattern == name or (pattern.startswith("*") and name.endswith(pattern[1:]))
