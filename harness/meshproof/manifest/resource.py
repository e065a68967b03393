"""What a load of manifests yields: resources, and notices of what was not taken into account."""

from __future__ import annotations

from meshproof.border.facts.provenance import Digest
from meshproof.errors import Location, Problem
from meshproof.manifest.value import Value
from meshproof.records import dataclass

# The topic of a notice that a document is of a kind which decides no request, as is usual.
NO_PART = "a kind that decides no request"
# The topic of a notice that an object is given several times, each time the same.
AGAIN = "given again"
# The topic of a notice of what stands beside the files that were named.
BESIDE = "not named"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person should know about a manifest, though it is no error; `topic` is what kind of thing."""

    location: Location
    message: str
    topic: str = ""

    def __str__(self) -> str:
        return f"{self.location}: {self.message}"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a kind that meshproof reads; `body` is the whole of it."""

    kind: str
    api_version: str
    namespace: str
    name: str
    body: Value

    @property
    def location(self) -> Location:
        """Where the resource begins."""
        return self.body.location

    @property
    def identity(self) -> tuple[str, str, str]:
        """What no two resources share: kind with its API group, namespace, name."""
        return f"{self.kind}.{self.api_version.rpartition('/')[0]}", self.namespace, self.name

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that a cluster would not take, or that cannot be read.

    `resource` is None where not even its kind and name are known; `words` are those of its text then, and `digest`
    tells two such texts apart. `first` is where an object of the same kind and name stands, if that is what is wrong.
    An `overlay` may change whatever else is read.
    """

    location: Location
    problems: tuple[Problem, ...]
    resource: Resource | None = None
    words: frozenset[str] = frozenset()
    digest: str = ""
    first: Location | None = None
    overlay: bool = False


@dataclass(frozen=True, slots=True)
class Patch:
    """What a kustomization changes of the resources of a kind and a name (empty: of all); nothing of it is applied.

    They stand `within` these files and folders (none: wherever), and are of a `namespace` (None: of any). One for a
    label is for what has its `key` somewhere, and one that is `waking` for workloads without pods, which get some.
    """

    location: Location
    kind: str
    name: str
    within: tuple[str, ...] = ()
    namespace: str | None = None
    key: str = ""
    waking: bool = False


@dataclass(frozen=True, slots=True)
class Manifests:
    """Everything of one load, in the order of the files.

    `foreign` are resources of kinds that decide where requests go and are not modelled; `sources` are the files.
    `others` are documents that are no resources, and that resources may be made from (a kustomization, values of a
    chart), each with a digest of what it says; `patches` are those of kustomizations. `complete` tells that they are
    all that a cluster has.
    """

    resources: tuple[Resource, ...]
    notices: tuple[Notice, ...] = ()
    foreign: tuple[Resource, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    sources: tuple[Digest, ...] = ()
    others: tuple[tuple[Notice, str], ...] = ()
    complete: bool = False
    patches: tuple[Patch, ...] = ()


def merge(base: Manifests, changes: Manifests) -> Manifests:
    """`base` with the resources of `changes` put in the place of those of the same kind, namespace and name.

    What is new comes last, as an apply to a running mesh would have it; notices are those of both.
    """
    replaced = {resource.identity: resource for resource in changes.resources}
    kept = tuple(replaced.pop(resource.identity, resource) for resource in base.resources)
    notices = dict.fromkeys(base.notices + changes.notices)
    foreign = {resource.identity: resource for resource in base.foreign + changes.foreign}
    return Manifests(
        kept + tuple(replaced.values()),
        tuple(notices),
        tuple(foreign.values()),
        base.refusals + changes.refusals,
        tuple(dict.fromkeys(base.sources + changes.sources)),
        base.others + changes.others,
        base.complete or changes.complete,
        base.patches + changes.patches,
    )
