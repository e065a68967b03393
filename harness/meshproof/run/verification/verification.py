"""A person's own manifests: what is sent, which checks hold it, and what of it is not proved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TextIO

from meshproof.border.coverage import Coverage
from meshproof.border.expectation import Expectation
from meshproof.border.request import Request, Tls
from meshproof.border.verdict import Precision
from meshproof.errors import Location
from meshproof.inspection import Inspection
from meshproof.judge.coverage.coverage import examinations
from meshproof.manifest import Notice
from meshproof.mesh.requests.addresses import entering, from_namespace
from meshproof.mesh.requests.answerable import why_unanswered
from meshproof.mesh.requests.samples import sample_requests
from meshproof.run.prepare import NAMESPACE, Prepared
from meshproof.run.verification.boundaries import boundary_expectations, prepare_boundaries
from meshproof.run.verification.coverage import coverage, partition
from meshproof.run.verification.resilience import prepare_resilience
from meshproof.run.verification.samples import prepare_samples
from meshproof.run.verification.specification import Limits, Specification, nothing_more, notices_of, read


@dataclass(frozen=True, slots=True)
class Verification:
    """What is driven for a person's manifests, each None where there is nothing of its kind, and how much it proves."""

    samples: Prepared | None
    boundaries: Prepared | None
    resilience: Prepared | None
    coverage: Coverage
    notices: tuple[Notice, ...]

    @property
    def driven(self) -> tuple[Prepared, ...]:
        """The loads, the samples first."""
        return tuple(one for one in (self.samples, self.boundaries, self.resilience) if one)

    @property
    def inspection(self) -> Inspection[Coverage]:
        """The verdict about what cannot be proved."""
        return Inspection(
            "coverage",
            "Each request depends only on what is understood, and each rule has a request that shows it.",
            Coverage,
            examinations(self.coverage),
            given=self.coverage,
        )


def prepare_verification(
    spec: Sequence[str],
    applied: Sequence[str],
    requests: Sequence[Request],
    precision: Precision,
    *,
    namespace: str = NAMESPACE,
    client: str = "",
    labels: Mapping[str, str] | None = None,
    probed: bool = True,
    proxyless: bool = True,
    tls: Tls | None = None,
    limits: Limits | None = None,
    allowed: frozenset[str] = frozenset(),
    strict: bool = False,
    stdin: TextIO | None = None,
) -> Verification:
    """One's own YAML: expectations from `spec`, the mesh running `applied` (the same when empty).

    `client` is the namespace that requests come from (empty: the one of what names none, as short names are in any
    case), `labels` those of the workload that sends them. Where workloads are not `probed` nobody counts a mirror's
    copies, and who answers is known to the client's own proxy alone; `proxyless` pods have no sidecar. `tls` is what
    the client brings to a gateway's handshake. `limits` says what the target does not carry out, `allowed` which
    kinds need not be proved; `strict` raises ManifestError for both.
    """
    specified, actual = read(spec, applied, namespace=namespace, stdin=stdin, strict=strict)
    specification = Specification(
        tuple(spec),
        specified,
        actual,
        precision,
        client or namespace,
        labels or {},
        tls,
        probed,
        limits or nothing_more,
        allowed,
    )
    return verification_of(specification, requests, namespace, proxyless=proxyless)


def verification_of(
    specification: Specification, requests: Sequence[Request], namespace: str, *, proxyless: bool = True
) -> Verification:
    """The same, of what has been read; `namespace` is that of the Services that short names mean."""
    mesh, own, tls, probed = specification.mesh, specification.namespace, specification.tls, specification.probed
    named = tuple(entering(mesh, from_namespace(mesh, one, namespace, own), tls) for one in requests)
    unreached: dict[Location, str] = {}
    notices: tuple[Notice, ...] = notices_of(specification)
    if named:
        chosen = [specification.expectation(one) for one in dict.fromkeys(named)]
        unanswered = [(one, why) for one in chosen if (why := why_unanswered(mesh, one, own))]
    else:
        guessed, told = sample_requests(mesh, namespace=own, tls=tls)
        chosen = [specification.expectation(one) for one in guessed]
        unreached = {one.location: one.message for one in told}
        unanswered = []
    hopeless = {id(one) for one, _ in unanswered}
    provable, touched = partition(specification, [one for one in chosen if id(one) not in hopeless])
    # Whoever names requests wants these and no others.
    probes, bounds = ([], ()) if named else boundary_expectations(specification)
    probed_provable, probed_touched = partition(specification, probes)
    samples = prepare_samples(specification, provable, notices)
    resilience, untold = prepare_resilience(specification, samples.plan, proxyless=proxyless) if samples else (None, ())
    if samples is not None and probed:
        samples = replace(samples, notices=(*samples.notices, *untold))
    found = coverage(specification, provable, (*touched, *probed_touched), unreached, named=bool(named))
    found = replace(found, unanswered=tuple(_unanswered(unanswered)), left_out=tuple(map(str, bounds)))
    return Verification(samples, prepare_boundaries(specification, probed_provable), resilience, found, notices)


def _unanswered(several: Sequence[tuple[Expectation, str]]) -> Iterator[tuple[str, str]]:
    for one, why in several:
        yield str(one.request), why
