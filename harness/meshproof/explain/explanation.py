"""What is said of one request, as data: texts are made of it elsewhere (render/)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from meshproof.border.expectation import Expectation
from meshproof.border.source import Source
from meshproof.errors import Location
from meshproof.mesh.predict.match import Miss
from meshproof.records import dataclass

TAKEN, MISSED, NOT_FOR, SHADOWED, AFTER, UNKNOWN = "taken", "missed", "not for", "shadowed", "after", "unknown"


@dataclass(frozen=True, slots=True)
class Object:
    """What has a part in it: `what` it is (`VirtualService shop/reviews`), where (None: no manifest has it)."""

    what: str
    location: Location | None
    says: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a rule in the order in which they are tried, and what came of it.

    `outcome`: `taken`; `missed` by the first condition that is not met; `not for` this client, by one on the client;
    `shadowed` by an entry that takes everything; `after` the one that takes the request; `unknown` where nobody can
    tell. `owner` is the object that has the rule, `match` where the entry's own conditions stand (None: it has none),
    `delegated_by` the object that has them where that is another one.
    """

    owner: str
    rule: Location
    match: Location | None
    outcome: str
    name: str = ""
    miss: Miss | None = None
    by: Location | None = None
    why: str = ""
    delegated_by: str = ""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value in force: `origin` says whose it is (`default`, `port 80 of DestinationRule shop/a`), and where.

    `counts` False: it is written, and something else is in force in its place, by `origin`'s reason.
    """

    name: str
    value: str
    origin: str
    location: Location | None = None
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Pods:
    """The pods of one workload behind a destination."""

    workload: str
    kind: str
    replicas: int
    location: Location


@dataclass(frozen=True, slots=True)
class Destination:
    """A destination with its odds; `note` says why it cannot answer. `mirror`: it gets copies."""

    name: str
    share: float
    port: int
    location: Location
    pods: tuple[Pods, ...]
    settings: tuple[Setting, ...]
    note: str = ""
    mirror: bool = False
    subset: Object | None = None
    by_hash: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What becomes of a request, and why.

    `unanswered` says why nobody answers it, with what may have been meant. `way` are the objects that it passes, in
    order; `effects` what is done to it; `beside` objects that might have had a say and have none, with the reason;
    `unmodelled` what it depends on and is not understood, so that all of this may be otherwise. `notices` are about
    objects that are named in it, `elsewhere` about others.
    """

    expectation: Expectation
    source: Source
    unanswered: str
    way: tuple[Object, ...]
    entries: tuple[Entry, ...]
    destinations: tuple[Destination, ...]
    effects: tuple[Setting, ...]
    beside: tuple[Object, ...]
    unmodelled: tuple[Object, ...]
    notices: tuple[Object, ...] = ()
    elsewhere: tuple[Object, ...] = ()

    @property
    def places(self) -> Iterator[Location]:
        """All places that are named in it, but for those of notices."""
        objects = (*self.way, *self.beside, *self.unmodelled)
        settings = (*self.effects, *chain.from_iterable(one.settings for one in self.destinations))
        pods = chain.from_iterable(one.pods for one in self.destinations)
        placed: tuple[Object | Setting | Pods | Destination, ...] = (*objects, *settings, *pods, *self.destinations)
        yield from (one.location for one in placed if one.location)
        yield from (one.rule for one in self.entries)

    @property
    def certain(self) -> bool:
        """Whether somebody answers the request, and all that decides it is understood."""
        return not self.unanswered and not self.unmodelled
