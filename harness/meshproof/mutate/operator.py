"""A mutation operator: one way in which a manifest can be wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from meshproof.errors import Location, ManifestError
from meshproof.manifest.plain import plain
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.model import names
from meshproof.mesh.model.index import grouped
from meshproof.mutate.edit import Path, put, spots, without
from meshproof.records import dataclass
from meshproof.redaction.quoting import redact_quoting

PARTS = {
    "http": "rule",
    "tcp": "TCP rule",
    "tls": "TLS rule",
    "rules": "rule",
    "subsets": "subset",
    "servers": "server",
    "listeners": "listener",
    "endpoints": "endpoint",
}
# To a rule, a subset, a server: whether a value below it is a credential follows from the names between.
AROUND = 3


@dataclass(frozen=True, slots=True)
class Edit:
    """What takes the place of a value (None: nothing does); `at` is where, when that is not the value's own place."""

    what: str
    new: Value | None
    at: Location | None = None


@dataclass(frozen=True)
class Around:
    """All resources that are in force with one that is made wrong, found by what operators look for."""

    resources: tuple[Resource, ...]

    def of_kind(self, kind: str) -> tuple[Resource, ...]:
        return self._by_kind.get(kind, ())

    def subsets(self, host: str) -> tuple[str, ...]:
        """The names of all subsets of a fully qualified host."""
        return self._subsets.get(host, ())

    @cached_property
    def _by_kind(self) -> dict[str, tuple[Resource, ...]]:
        return grouped((one.kind, one) for one in self.resources)

    @cached_property
    def _subsets(self) -> dict[str, tuple[str, ...]]:
        return grouped(pair for rule in self.of_kind("DestinationRule") for pair in _subsets(rule))


def _subsets(rule: Resource) -> Iterator[tuple[str, str]]:
    """Each subset of a DestinationRule with the host; of one that a cluster would refuse those before what is wrong."""
    try:
        spec = rule.body.need("spec")
        host = names.host(spec.need("host"), rule.namespace)
        for subset in spec.list("subsets"):
            yield host, subset.need("name").text()
    except ManifestError:
        return


@dataclass(frozen=True, slots=True)
class Spot:
    """A value that an operator may change: where it stands in its resource, and all resources around it."""

    value: Value
    path: Path
    resource: Resource
    around: Around


@dataclass(frozen=True, slots=True)
class Mutant:
    """One resource made wrong in one place: `resource` takes the place of `original` (None: it is dropped).

    `path` leads to the value that was changed.
    """

    operator: str
    location: Location
    what: str
    original: Resource
    resource: Resource | None
    path: Path = ()

    @property
    def part(self) -> str:
        """What was made wrong, as a person would name it: a resource, or a rule, subset, server or listener of one."""
        names = [step for step in self.path[:2] if isinstance(step, str)]
        holder, number = names[-1] if names else "", self.path[2] if len(self.path) > 2 else None
        if holder in PARTS and isinstance(number, int):
            return f"{self.original}, {PARTS[holder]} {number + 1}"
        return str(self.original)

    @property
    def told(self) -> str:
        """What is changed, without credentials."""
        around = self.original.body
        for step in self.path[:AROUND]:
            inner = around.items()[step] if isinstance(step, int) else around.get(step)
            if inner is None:
                break
            around = inner
        return redact_quoting(self.what, plain(around))

    def apply(self, resources: Sequence[Resource]) -> tuple[Resource, ...]:
        """The resources with the mutant among them."""
        changed = [self.resource if one.identity == self.original.identity else one for one in resources]
        return tuple(one for one in changed if one is not None)


@dataclass(frozen=True, slots=True)
class Operator:
    """One way to be wrong: `change` gives the edits of each value that one of `patterns` leads to.

    The empty pattern is the whole resource.
    """

    name: str
    kind: str
    patterns: tuple[str, ...]
    change: Callable[[Spot], Iterator[Edit]]

    def mutants(self, resource: Resource, around: Around) -> Iterator[Mutant]:
        """The mutants of one resource."""
        if resource.kind != self.kind:
            return
        for pattern in self.patterns:
            for path, value in spots(resource.body, pattern):
                for edit in self._edits(Spot(value, path, resource, around)):
                    where = edit.at or (value.key if edit.new is None else None) or value.location
                    yield Mutant(self.name, where, edit.what, resource, _edited(resource, path, edit.new), path)

    def _edits(self, spot: Spot) -> Iterator[Edit]:
        try:
            yield from self.change(spot)
        except ManifestError:
            # A value that a cluster would refuse is wrong already.
            return


def _edited(resource: Resource, path: Path, new: Value | None) -> Resource | None:
    if new is not None:
        return replace(resource, body=put(resource.body, path, new))
    return replace(resource, body=without(resource.body, path)) if path else None
