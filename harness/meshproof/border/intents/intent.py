"""What a person wants of a mesh, in their own words: where a request goes, and what never goes somewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import field
from fractions import Fraction

from meshproof.border.request import Request
from meshproof.border.source import Source
from meshproof.border.verdict import Outcome
from meshproof.errors import Location, UsageError
from meshproof.records import dataclass

NONE = "none"
"""What stands in the place of a mirror, or of a header's value, that there must not be."""

Shares = str | Mapping[str, str | float]


@dataclass(frozen=True, slots=True)
class Intent:
    """What must become of a request, or of each of several; what is not stated may be anything.

    `request` is written as `[METHOD] URL [NAME:VALUE ...]`. `to` has a share for each destination (`{"v1": "95%",
    "v2": "5%"}`; a name alone has all of it), called by its subset, its Service, or `service.namespace/subset`.
    `within` is when an answer comes at the latest, whatever pods do (seconds, or `2s`); `status` what the client gets;
    `header` what a header is for the pod or in the answer (`none`: nothing writes it); `mirror` who gets copies, as
    `to` (`none`: nobody); `path` what the pod is asked for, `redirect` where the answer leads to. `client` sends the
    request (`NAMESPACE/WORKLOAD`, `NAMESPACE` or labels), `gateway` is the Gateway that it enters by; `location` is
    where it is written.
    """

    request: str | Request | Sequence[str | Request]
    to: Shares = ""
    within: str | float | None = None
    status: int | None = None
    header: Mapping[str, str] = field(default_factory=dict)
    mirror: Shares = ""
    path: str = ""
    redirect: str = ""
    name: str = ""
    client: str = ""
    gateway: str = ""
    location: Location | None = None
    rule: Written | None = None

    @property
    def requests(self) -> tuple[str | Request, ...]:
        """Each of its requests, as they are given."""
        return (self.request,) if isinstance(self.request, str | Request) else tuple(self.request)

    def __str__(self) -> str:
        return self.name or ", ".join(map(str, self.requests))


@dataclass(frozen=True, slots=True)
class Written:
    """Parts of a rule as they are to be written, plain data by field; `wanted` False: as they must not be."""

    parts: Mapping[str, object]
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Never:
    """No request reaches a destination, unless it has one of these headers.

    `to` names one or several destinations as in an Intent; `unless` holds conditions of which one suffices, each of
    one or several `name:value`. Mirrors' copies count as well. `client` is who sends (empty: everyone).
    """

    to: str | Sequence[str]
    unless: str | Sequence[str] = ()
    name: str = ""
    client: str = ""
    location: Location | None = None

    @property
    def destinations(self) -> tuple[str, ...]:
        """The names of all that must not be reached."""
        return (self.to,) if isinstance(self.to, str) else tuple(self.to)

    @property
    def exceptions(self) -> tuple[str, ...]:
        """The conditions of which one suffices."""
        return (self.unless,) if isinstance(self.unless, str) else tuple(self.unless)

    @property
    def words(self) -> str:
        """The promise itself."""
        unless = f" unless {' or '.join(self.exceptions)}" if self.exceptions else ""
        return f"never to {' or '.join(self.destinations)}{unless}"

    def __str__(self) -> str:
        return self.name or self.words


@dataclass(frozen=True, slots=True)
class Share:
    """A share as a person writes it: exact, or rounded to the decimals that are written (`33.3%`)."""

    value: Fraction
    slack: Fraction = Fraction(0)

    def holds(self, share: Fraction) -> bool:
        """Whether a specified share is meant."""
        return abs(share - self.value) <= self.slack


PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,6}))? ?%", re.ASCII)
PARTS = re.compile(r"(\d{1,6})/(\d{1,6})", re.ASCII)


def share(written: str | float) -> Share:
    """Read `95%`, `33.3%`, `1/3`, or a number of percent; raises UsageError."""
    text = written if isinstance(written, str) else f"{written:g}%"
    found = None
    if percent := PERCENT.fullmatch(text.strip()):
        digits = percent[2] or ""
        slack = Fraction(1, 2 * 10 ** (len(digits) + 2)) if digits else Fraction(0)
        found = Share(Fraction(int(percent[1] + digits), 10 ** (len(digits) + 2)), slack)
    elif (parts := PARTS.fullmatch(text.strip())) and int(parts[2]):
        found = Share(Fraction(int(parts[1]), int(parts[2])))
    if found is None or found.value > 1:
        raise UsageError(f"{written!r} is no share: write 95%, 33.3% or 1/3")
    return found


def shares(written: Shares) -> dict[str, Share]:
    """The share of each destination; a name alone has all of it, and `none` are none."""
    if isinstance(written, str):
        return {written: Share(Fraction(1))} if written and written != NONE else {}
    return {name: share(value) for name, value in written.items()}


@dataclass(frozen=True, slots=True)
class Case:
    """One request of an intent, as it is decided by prediction.

    `number` is the intent's place among all, `place` the request's among its own, `predicted` what is predicted of the
    request in words, `rule` the rule that takes it, and `sender` who sends it. `depends_on` are the places of what is
    not understood. `timed` tells that a limit of time is stated, `provable` that a proxy can show whether the
    prediction is right.
    """

    number: int
    intent: Intent | Never
    request: Request
    outcome: Outcome
    reason: str
    predicted: str = ""
    rule: Location | None = None
    sender: Source = field(default_factory=lambda: Source(""))
    depends_on: tuple[Location, ...] = ()
    timed: bool = False
    provable: bool = False
    place: int = 0

    @property
    def asked(self) -> str:
        """The request, or the promise."""
        return self.intent.words if isinstance(self.intent, Never) else str(self.request)

    @property
    def title(self) -> str:
        """The name of its intent, or what is asked."""
        return self.intent.name or self.asked
