"""How much of a folder a run can prove, and on what the rest depends."""

from __future__ import annotations

from meshproof.errors import Location
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Dependence:
    """Something that is not understood, and the requests and rules that are not proved for it.

    `allowed` tells that a person named its kind as one that need not be proved.
    """

    kind: str
    subject: str
    location: Location
    why: str
    needs: str = ""
    refused: bool = False
    allowed: bool = False
    requests: tuple[str, ...] = ()
    rules: tuple[Location, ...] = ()


@dataclass(frozen=True, slots=True)
class Unproved:
    """A policy that no load proves, and the object that states it, its `subject`.

    `connectionPool` or `outlierDetection` of a `destination`; or `timeout`, `retries` or `mirror` of a rule, where the
    request that shows it stands in the destination's place; or `headers` of a rule, where its subject does. `allowed`
    tells that a person named its kind as one that need not be proved.
    """

    kind: str
    subject: str
    location: Location
    destination: str
    why: str
    allowed: bool = False


@dataclass(frozen=True, slots=True)
class Coverage:
    """The rules of a specification with the requests that are sent to show each, and what cannot be shown.

    `rules` maps each rule's place to those requests, none where nothing is sent for it; `unreached` says of
    a rule without requests why there are none, `unanswered` of a request that a person named why nothing can
    answer it, `left_out` how many probes about each rule (or the host or server at that place) were too many to be
    sent, and `unproved` which policies are not proved, and why. `unruled` are requests that no rule decides,
    `objects` is the number of resources that decide requests, or may: those of `dependences` are among them.
    """

    rules: tuple[tuple[Location, tuple[str, ...]], ...]
    requests: int
    objects: int
    dependences: tuple[Dependence, ...] = ()
    unreached: tuple[tuple[Location, str], ...] = ()
    unanswered: tuple[tuple[str, str], ...] = ()
    left_out: tuple[tuple[Location, int], ...] = ()
    unproved: tuple[Unproved, ...] = ()
    named: bool = False
    unruled: tuple[str, ...] = ()
