"""A person's own manifests: what is specified, what is applied, and what of either is not understood."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property

from meshproof.border.expectation import Expectation
from meshproof.border.facts.provenance import NO_SOURCES, Sources
from meshproof.border.request import Request, Tls
from meshproof.border.source import DEFAULT_CLIENT, Source
from meshproof.border.verdict import Precision
from meshproof.manifest import Notice
from meshproof.mesh.build.assemble import Built
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.connections import unanswered_connections
from meshproof.mutate.meaning import meaning
from meshproof.records import dataclass
from meshproof.run.verification.applied.hosts import elsewhere, unasked
from meshproof.run.verification.applied.unseen import unseen

SERVICE = "Service"
LEAVE_OUT = "leave it out, or verify without --strict"
Limits = Callable[[Mesh], Iterable[Unmodelled]]


def nothing_more(_mesh: Mesh) -> Iterable[Unmodelled]:
    """The limits of a target that carries out all that is modelled."""
    return ()


@dataclass(frozen=True)
class Specification:
    """Manifests, and how they are to be verified.

    `client` sends the requests, `tls` is what it brings to handshakes. `limits` says what of a
    mesh the target does not carry out. Kinds in `allowed` need not be proved. `thorough` leaves nothing out, however
    long it takes. `sources` are the digests of what was read. `called` are the hosts of the Services to which requests
    are guessed that no rule decides (None: all).
    """

    files: tuple[str, ...]
    specified: Built
    applied: Built
    precision: Precision
    client: Source = DEFAULT_CLIENT
    tls: Tls | None = None
    probed: bool = True
    limits: Limits = nothing_more
    allowed: frozenset[str] = frozenset()
    thorough: bool = False
    sources: Sources = NO_SOURCES
    called: frozenset[str] | None = None

    @property
    def mesh(self) -> Mesh:
        """What is specified."""
        return self.specified.mesh

    @cached_property
    def unmodelled(self) -> tuple[Unmodelled, ...]:
        """All that is not understood of either, each once."""
        limits = [one for mesh in self.meshes for one in self.limits(mesh)]
        limits += [] if self.probed else [one for mesh in self.meshes for one in unanswered_connections(mesh)]
        differing = () if self.applied.mesh is self.mesh else self._otherwise
        return tuple(dict.fromkeys((*self.mesh.unmodelled, *self.applied.mesh.unmodelled, *limits, *differing)))

    @property
    def _otherwise(self) -> Iterator[Unmodelled]:
        """What is applied otherwise than specified, and no request shows."""
        yield from unseen(self.mesh, self.applied.mesh)
        yield from unasked(self.mesh, self.applied.mesh, self.client, self.made)

    @property
    def made(self) -> frozenset[tuple[str, str]]:
        """The namespaces and names of what stands in for Services that what is applied does not hold."""
        return frozenset((one.namespace, one.name) for one in self.applied.stood_in if one.kind == SERVICE)

    def changed(self, change: Callable[[Mesh], Mesh]) -> Specification:
        """The same of changed meshes."""
        specified = replace(self.specified, mesh=change(self.specified.mesh))
        same = self.applied.mesh is self.mesh
        applied = specified if same else replace(self.applied, mesh=change(self.applied.mesh))
        return replace(self, specified=specified, applied=applied)

    def is_allowed(self, one: Unmodelled) -> bool:
        """Whether a person said that this need not be proved; what is wrong cannot be allowed."""
        return one.kind in self.allowed and not one.is_wrong

    def expectation(self, request: Request) -> Expectation:
        """What is specified for a request."""
        return predict(self.mesh, request, self.client)

    @property
    def meshes(self) -> tuple[Mesh, ...]:
        """What is specified, and what is applied where that is another one."""
        return (self.mesh,) if self.applied.mesh is self.mesh else (self.mesh, self.applied.mesh)

    def applied_expectation(self, request: Request) -> Expectation:
        """What the applied manifests say of a request."""
        return predict(self.applied.mesh, request, self.client)

    def touching(self, expectation: Expectation) -> tuple[Unmodelled, ...]:
        """What is not understood, of either, and can touch a request, that is not allowed to."""
        found: dict[Unmodelled, None] = {}
        for dependencies in self._dependencies if self.unmodelled else ():
            mesh = dependencies.mesh
            one = expectation if mesh is self.mesh else self.applied_expectation(expectation.request)
            touching = dependencies.touching(facts(mesh, one, self.client))
            found |= dict.fromkeys(part for part in touching if not self.is_allowed(part))
        return (*found, *(undecided(self.mesh, expectation) or self._undecided(expectation)))

    def _undecided(self, expectation: Expectation) -> tuple[Unmodelled, ...]:
        """What of the applied manifests may make another thing of a request, and else makes of it what is specified.

        Where it surely makes another thing of it, requests show that.
        """
        actual = expectation if self.applied.mesh is self.mesh else self.applied_expectation(expectation.request)
        if not actual.undecided or meaning(replace(actual, undecided="")) != meaning(expectation):
            return ()
        return undecided(self.applied.mesh, actual)

    @cached_property
    def _dependencies(self) -> tuple[Dependencies, ...]:
        return tuple(Dependencies(mesh, self.unmodelled) for mesh in self.meshes)


def notices_of(specification: Specification) -> tuple[Notice, ...]:
    """What a reader should know of the manifests."""
    specified, applied = specification.specified, specification.applied
    others = () if applied.mesh is specified.mesh else elsewhere(specified.mesh, applied.mesh)
    return tuple(dict.fromkeys((*specified.notices, *applied.notices, *others)))
