"""A person's own manifests: read, built, and held together as what is specified and what is applied."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import TextIO

from meshproof.border.facts.provenance import Sources
from meshproof.border.request import Tls
from meshproof.border.source import source
from meshproof.border.verdict import Precision
from meshproof.errors import ManifestError, Problem
from meshproof.manifest import Manifests, Notice, load
from meshproof.manifest.kinds import check_kinds
from meshproof.manifest.load import Choice, Progress
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.build.stand_ins.needed import StandingIn
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.predict.gateways.entrances import entered_alike
from meshproof.mesh.requests.clients.sources import parsed
from meshproof.run.verification.applied.unsaid import summary, unsaid
from meshproof.run.verification.specification import Limits, Specification, nothing_more

SERVICE = "Service"
LEAVE_OUT = "leave it out, or verify without --strict"


def specified(
    spec: Sequence[str],
    applied: Sequence[str] = (),
    *,
    namespace: str = "default",
    client: str = "",
    sender: str = "",
    precision: Precision | None = None,
    tls: Tls | None = None,
    probed: bool = True,
    limits: Limits = nothing_more,
    allowed: frozenset[str] = frozenset(),
    strict: bool = False,
    thorough: bool = False,
    hosts: Sequence[str] = (),
    stdin: TextIO | None = None,
    choose: Choice | None = None,
    progress: Progress | None = None,
    contents: Sequence[tuple[str, bytes]] | None = None,
) -> Specification:
    """Read manifests, and what is applied (the same where nothing is named); raises ManifestError and UsageError.

    `client` is the namespace that requests come from (empty: the one of what names none), `sender` names it and its
    pods' labels, as a person writes it. `probed` tells that the target makes the pods and hears from them, so that some
    can stand in for what the manifests refer to and do not hold; `hosts` are those of requests. `strict` refuses
    whatever is not read, not modelled or wrong, but for kinds that are `allowed`, and what would have to stand in.
    `choose` picks the documents that are read, `progress` is told how many have been. `contents` are files by their
    names that are read in place of `spec`. All else is as in Specification.
    """
    wanted, actual, sources = _read(
        spec,
        applied,
        namespace=namespace,
        stdin=stdin,
        strict=strict,
        allowed=allowed,
        stand_ins=probed,
        asked=hosts,
        choose=choose,
        progress=progress,
        contents=contents,
    )
    own = source(client or namespace)
    return Specification(
        tuple(spec),
        wanted,
        actual,
        precision or Precision(),
        parsed(sender, own.namespace, wanted.mesh) if sender else own,
        tls,
        probed,
        limits,
        allowed,
        thorough,
        sources,
    )


def _read(
    spec: Sequence[str],
    applied: Sequence[str],
    *,
    namespace: str,
    stdin: TextIO | None,
    strict: bool,
    allowed: frozenset[str],
    stand_ins: bool,
    asked: Sequence[str],
    choose: Choice | None,
    progress: Progress | None,
    contents: Sequence[tuple[str, bytes]] | None,
) -> tuple[Built, Built, Sources]:
    """What is specified, what is applied (the same where nothing is named), and the files."""
    specified = load(
        spec, stdin=stdin, namespace=namespace, strict=False, choose=choose, progress=progress, contents=contents
    )
    actual = specified
    if applied:
        actual = load(applied, namespace=namespace, strict=False, choose=choose, progress=progress)
    check_kinds(allowed, (specified, actual))
    how = StandingIn(tuple(asked), strict=strict) if stand_ins else None
    found = _built(specified, how)
    other = _built(actual, replace(how, like=found.stood_in) if how and not strict else how) if applied else found
    if applied and how and not strict and (taken := tuple(unsaid(found, other))):
        # What nobody specifies is as it is applied, and stands in as such.
        notice = Notice(taken[0].location, summary(taken), Topic.RUN_ALONE)
        found = _built(replace(specified, resources=(*specified.resources, *taken)), how)
        found = replace(found, stood_in=(*found.stood_in, *taken), notices=(*found.notices, notice))
        other = _built(actual, replace(how, like=tuple(one for one in found.stood_in if one not in taken)))
    if applied and (told := _routing_alone(specified, actual)):
        other = replace(other, notices=(told, *other.notices))
    problems = [*_problems((found, other), allowed), *_unread((specified, actual), allowed)] if strict else []
    if problems:
        raise ManifestError(*dict.fromkeys(problems))
    if applied:
        ours, theirs = found.mesh, other.mesh
        found = replace(found, mesh=entered_alike(ours, theirs))
        other = replace(other, mesh=entered_alike(theirs, ours))
    return found, other, Sources(specified.sources, actual.sources if applied else ())


def _routing_alone(specified: Manifests, applied: Manifests) -> Notice | None:
    """What is said where the Services of what is specified are none of what is applied, which is all that runs."""
    if not applied.resources or not any(one.kind == SERVICE for one in specified.resources):
        return None
    if any(one.kind == SERVICE for one in applied.resources):
        return None
    text = "no Service was found in what is applied: --applied names all that runs, Services and workloads too"
    return Notice(applied.resources[0].location, text)


def _built(manifests: Manifests, how: StandingIn | None) -> Built:
    built = build_all(manifests, standing_in=how)
    return replace(built, notices=tuple(dict.fromkeys((*manifests.notices, *built.notices))))


def _problems(several: Iterable[Built], allowed: frozenset[str]) -> Iterator[Problem]:
    for one in chain.from_iterable(built.mesh.unmodelled for built in several):
        if one.is_wrong or one.kind not in allowed:
            hint = one.needs or ("" if one.is_wrong else LEAVE_OUT)
            yield Problem(one.location, f"{one.subject}: {one.why}", hint)


def _unread(several: Iterable[Manifests], allowed: frozenset[str]) -> Iterator[Problem]:
    """Documents that are not read, though they may decide something."""
    for one in chain.from_iterable(manifests.notices for manifests in several):
        if not one.topic and allowed.isdisjoint(one.message.split()):
            yield Problem(one.location, one.message, LEAVE_OUT)
