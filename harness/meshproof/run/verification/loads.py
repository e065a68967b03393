"""The loads of one client: samples, probes of its rules' boundaries, timeouts and retries, and hashed choices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from meshproof.border.expectation import Expectation
from meshproof.border.source import Source
from meshproof.manifest import Notice
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.run.prepare import Prepared
from meshproof.run.verification.boundaries import changed, prepare_boundaries
from meshproof.run.verification.clients import Sent, source_of
from meshproof.run.verification.coverage import partition
from meshproof.run.verification.hashed_requests import prepare_hashed
from meshproof.run.verification.resilience import prepare_resilience
from meshproof.run.verification.samples import prepare_samples
from meshproof.run.verification.specification import Specification


@dataclass(frozen=True, slots=True)
class Loads:
    """What is driven for one client, and how much of what it sends can be proved.

    `driven` are the samples, the boundaries, resilience, and hashed choices.
    """

    specification: Specification
    driven: tuple[Prepared | None, Prepared | None, Prepared | None, Prepared | None]
    provable: tuple[Expectation, ...]
    touched: tuple[tuple[Expectation, tuple[Unmodelled, ...]], ...]

    @property
    def client(self) -> Source:
        """Who sends it."""
        return source_of(self.specification)


def loads(sent: Sent, notices: Sequence[Notice], *, proxyless: bool) -> Loads:
    """The loads of one of several clients."""
    specification = sent.specification
    provable, touched = partition(specification, sent.samples)
    # What the rules of these change is held whether or not their boundaries are probed.
    probes = {one.request: one for one in (*sent.probes, *changed(specification, provable))}
    probed, probed_touched = partition(specification, probes.values())
    samples = prepare_samples(specification, provable, notices)
    resilience, untold = prepare_resilience(specification, samples.plan, proxyless=proxyless) if samples else (None, ())
    hashed, unshown = prepare_hashed(specification, provable)
    if samples is not None:
        told = (*(untold if specification.probed else ()), *unshown)
        samples = replace(samples, notices=(*samples.notices, *told))
    driven = samples, prepare_boundaries(specification, probed), resilience, hashed
    return Loads(specification, driven, tuple(provable), (*touched, *probed_touched))
