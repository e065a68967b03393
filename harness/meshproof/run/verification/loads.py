"""The loads of one client: its samples, the probes of its rules' boundaries, and their timeouts and retries."""

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
from meshproof.run.verification.resilience import prepare_resilience
from meshproof.run.verification.samples import prepare_samples
from meshproof.run.verification.specification import Specification


@dataclass(frozen=True, slots=True)
class Loads:
    """What is driven for one client (samples, boundaries, resilience), and how much of what it sends can be proved."""

    specification: Specification
    driven: tuple[Prepared | None, Prepared | None, Prepared | None]
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
    if samples is not None and specification.probed:
        samples = replace(samples, notices=(*samples.notices, *untold))
    driven = samples, prepare_boundaries(specification, probed), resilience
    return Loads(specification, driven, tuple(provable), (*touched, *probed_touched))
