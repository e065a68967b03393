"""A check and what it finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum

from meshproof.errors import Location
from meshproof.lint.folder import Folder
from meshproof.records import dataclass


class Severity(StrEnum):
    """`error` is surely not what was meant, `warning` most likely not, `info` worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """The worst is 0."""
        return tuple(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Found:
    """One place where a check finds something; `other` is a second place that the message names.

    `fix` says what to do in one sentence, where the check's own sentence is too general.
    """

    location: Location
    message: str
    other: Location | None = None
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that is looked for: `istio` are the codes of `istioctl analyze` for the same (none: it has none)."""

    code: str
    severity: Severity
    title: str
    fix: str
    find: Callable[[Folder], Iterable[Found]]
    istio: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, with all that a reader is told of it."""

    check: Check
    location: Location
    message: str
    fix: str
    other: Location | None = None

    @property
    def code(self) -> str:
        return self.check.code

    @property
    def severity(self) -> Severity:
        return self.check.severity
