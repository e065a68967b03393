"""A person's own manifests: what is sent, which checks hold it, and what of it is not proved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TextIO

from meshproof.border.coverage import Coverage
from meshproof.border.expectation import Expectation
from meshproof.border.facts.provenance import NO_SOURCES, Sources
from meshproof.border.request import Request, Tls
from meshproof.border.source import Source
from meshproof.border.verdict import Precision
from meshproof.errors import Location, MeshproofError
from meshproof.inspection import Inspection
from meshproof.judge.coverage.coverage import examinations
from meshproof.manifest import Notice
from meshproof.manifest.load import Progress
from meshproof.manifest.source import STDIN
from meshproof.mesh.coverage.asked import asked
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.requests.addresses import entering, from_namespace
from meshproof.mesh.requests.answerable import suffices, why_unanswered
from meshproof.mesh.requests.clients.sources import kept_from
from meshproof.records import dataclass
from meshproof.run.prepare import NAMESPACE, Prepared
from meshproof.run.verification.breakers.loads import prepare_breakers
from meshproof.run.verification.breakers.policies import places
from meshproof.run.verification.clients.guessed import Guessed, Sent, guessed, named_after
from meshproof.run.verification.coverage import coverage
from meshproof.run.verification.error_rates import sharing
from meshproof.run.verification.loads import Loads, loads
from meshproof.run.verification.reading import specified
from meshproof.run.verification.specification import Limits, Specification, nothing_more, notices_of

# So many objects that a cluster would refuse are told beside a request that nothing answers.
SERVICE = "Service"
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Verification:
    """What is driven for a person's manifests, each None where there is nothing of its kind, and how much it proves."""

    samples: Prepared | None
    boundaries: Prepared | None
    resilience: Prepared | None
    coverage: Coverage
    notices: tuple[Notice, ...]
    others: tuple[Prepared, ...] = ()
    sources: Sources = NO_SOURCES

    @property
    def driven(self) -> tuple[Prepared, ...]:
        """The loads, the samples first; `others` are those of further clients, and those that prove policies."""
        return (*(one for one in (self.samples, self.boundaries, self.resilience) if one), *self.others)

    @property
    def work(self) -> tuple[Prepared | Inspection[Any], ...]:
        """All that is carried out for it."""
        return (self.inspection, *self.driven)

    @property
    def inspection(self) -> Inspection[Coverage]:
        """The verdict about what cannot be proved."""
        return Inspection(
            "coverage",
            "Each request depends only on what is understood, and each rule has a request that shows it.",
            Coverage,
            examinations(self.coverage),
            given=self.coverage,
            # The samples tell them, where there are any.
            notices=() if self.samples else tuple((str(one.location), one.message) for one in self.notices),
        )


def prepare_verification(
    spec: Sequence[str],
    applied: Sequence[str],
    requests: Sequence[Request],
    precision: Precision,
    *,
    namespace: str = NAMESPACE,
    client: str = "",
    probed: bool = True,
    proxyless: bool = True,
    tls: Tls | None = None,
    limits: Limits = nothing_more,
    allowed: frozenset[str] = frozenset(),
    strict: bool = False,
    stdin: TextIO | None = None,
    sender: str = "",
    any_client: bool = False,
    thorough: bool = False,
    progress: Progress | None = None,
) -> Verification:
    """One's own YAML: expectations from `spec`, the mesh running `applied` (the same when empty).

    How they are read is said of `specified`. Where workloads are not `probed` nobody counts a mirror's copies, and who
    answers is known to the client's own proxy alone; `proxyless` pods have no sidecar. With `any_client` the target can
    send requests as any client: those that rules are for send theirs, and only those documents are read that named
    requests can meet, as long as something answers them.
    """

    read = partial(
        specified,
        spec,
        applied,
        namespace=namespace,
        client=client,
        sender=sender,
        precision=precision,
        tls=tls,
        probed=probed,
        limits=limits,
        allowed=allowed,
        strict=strict,
        thorough=thorough,
        hosts=[one.host for one in requests],
        stdin=stdin,
        progress=progress,
    )
    specification = None
    if requests and any_client and not strict and STDIN not in spec:
        specification = _of_what_is_asked(read, requests, namespace, sender)
    specification = specification or read()
    return verification_of(
        specification, requests, namespace, proxyless=proxyless, any_client=any_client, chosen=bool(sender)
    )


def _of_what_is_asked(
    read: Callable[..., Specification], requests: Sequence[Request], namespace: str, sender: str
) -> Specification | None:
    """What is specified by the documents that these requests can meet; None where the others may matter, too."""
    try:
        found = read(choose=asked(requests, sender))
    except MeshproofError:
        return None
    mesh, client = found.mesh, found.client.namespace
    called = (entering(mesh, from_namespace(mesh, one, namespace, client), found.tls) for one in requests)
    return found if suffices(found.specified, map(found.expectation, called), client) else None


def verification_of(
    specification: Specification,
    requests: Sequence[Request],
    namespace: str,
    *,
    proxyless: bool = True,
    any_client: bool = False,
    chosen: bool = False,
) -> Verification:
    """The same, of what has been read; `namespace` is that of the Services that short names mean.

    `chosen` tells that a person said who sends the requests.
    """
    mesh, client = specification.mesh, specification.client
    notices: tuple[Notice, ...] = notices_of(specification)
    unanswered: list[tuple[Expectation, str]] = []
    if requests:
        called = (from_namespace(mesh, one, namespace, client.namespace) for one in requests)
        named = tuple(entering(mesh, one, specification.tls) for one in called)
        wanted = [specification.expectation(one) for one in dict.fromkeys(named)]
        unanswered = [(one, why) for one in wanted if (why := why_unanswered(mesh, one, client.namespace))]
        hopeless = {id(one) for one, _ in unanswered}
        # Whoever names requests wants these and no others.
        sent = Guessed((Sent(specification, [one for one in wanted if id(one) not in hopeless], []),), {}, {}, ())
        notices += () if chosen else tuple(_for_others(mesh, named, client))
    else:
        sent = guessed(specification, any_client=any_client, chosen=chosen)
        notices += tuple(Notice(rule, why) for rule, why in sent.elsewhere.items())
    several: list[Loads] = []
    shown: set[Location] = set()
    for at, one in enumerate(sent.by_client):
        several.append(loads(one, () if at else notices, proxyless=proxyless, earlier=frozenset(shown)))
        shown.update(places(several[-1].provable))
    provable = [one for each in several for one in each.provable]
    touched = [one for each in several for one in each.touched]
    found = coverage(specification, provable, touched, sent.unreached, named=bool(requests))
    breakers = prepare_breakers(((each.specification, each.provable) for each in several), proxyless=proxyless)
    found = replace(
        found,
        unanswered=tuple(_unanswered(specification, unanswered)),
        left_out=sent.left_out,
        unproved=(*breakers.unproved, *(one for each in several for one in each.unproved)),
    )
    more = [named_after(load, one.client) for one in several[1:] for load in one.driven if load]
    samples, boundaries, resilience, *others = sharing([*several[0].driven, *more, *breakers.driven])
    further = tuple(filter(None, others))
    return Verification(samples, boundaries, resilience, found, notices, further, specification.sources)


def _for_others(mesh: Mesh, named: Sequence[Request], client: Source) -> Iterator[Notice]:
    """Rules that a named request may have been meant for, and that are for other clients than the one that sends it."""
    for request in named:
        if rule := kept_from(mesh, request, client):
            text = f"this rule is for other clients than {client}, which sends {request}: say who sends it with --from"
            yield Notice(rule, text)


def _unanswered(specification: Specification, several: Sequence[tuple[Expectation, str]]) -> Iterator[tuple[str, str]]:
    """Each request with the reason, and with what is refused or not understood and may be what was to answer it."""
    for one, why in several:
        parts = [part for part in specification.touching(one) if part.refused or part.kind == SERVICE]
        more = (
            f"{part.location}: {part.subject}{' counts for nothing here' if part.refused else ''}: {part.why}"
            for part in parts[:MOST_NAMED]
        )
        yield str(one.request), "; ".join((why, *more))
