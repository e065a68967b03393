"""The fields of an intent, each read by itself, so that one mistake hides no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from difflib import get_close_matches
from typing import TypeVar

from meshproof.errors import ManifestError, Problem, UsageError
from meshproof.manifest.value import Value
from meshproof.records import dataclass

Read = TypeVar("Read")
Other = TypeVar("Other")
SHOWN = 60


@dataclass(slots=True)
class Fields:
    """The fields of one mapping; `what` is how a message calls it."""

    value: Value
    what: str
    problems: list[Problem] = field(default_factory=list)
    _fields: Mapping[str, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._fields = self.value.fields()

    def only(self, known: Iterable[str]) -> None:
        """Report every field that is none of these."""
        names = tuple(known)
        for name, one in self._fields.items():
            if name not in names:
                close = get_close_matches(name.lower(), names, 1)
                hint = f"did you mean {close[0]}?" if close else f"fields here: {', '.join(names)}"
                place = one.key or one.location
                self.problems.append(Problem(place, f"{self.what} has no field {name[:SHOWN]!r}", hint))

    def __contains__(self, name: str) -> bool:
        return self.value.get(name) is not None

    def take(self, name: str, read: Callable[[Value], Read], default: Other) -> Read | Other:
        """A field as `read` reads it, the default where it is missing or wrong."""
        found = self.value.get(name)
        if found is None:
            return default
        try:
            return read(found)
        except ManifestError as error:
            self.problems += error.problems
        except UsageError as error:
            self.problems.append(Problem(found.location, f"{name}: {error}"))
        return default

    def end(self) -> None:
        """Raise ManifestError with all that is wrong."""
        if self.problems:
            raise ManifestError(*self.problems)


def text(value: Value) -> str:
    """Text that is not empty."""
    found = value.text()
    if not found.strip():
        raise value.problem(f"{value.name} is empty")
    return found


def texts(value: Value) -> tuple[str, ...]:
    """One text or a list of them."""
    if not isinstance(value.data, tuple):
        return (text(value),)
    if not value.items():
        raise value.problem(f"{value.name} is empty")
    return tuple(text(one) for one in value.items())
