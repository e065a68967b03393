"""A value of a manifest together with the place where it stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from meshproof.errors import Location, ManifestError, Problem
from meshproof.manifest.syntax.duration import UNITS as UNITS
from meshproof.manifest.syntax.duration import seconds

SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Value:
    """One node of a manifest.

    `data` is a mapping of Values, a tuple of Values, or a scalar; `name` is how a person would call
    it (`weight`, `hosts[0]`); `key` is where its field name stands; `text_form` is a scalar as
    written. The accessors raise ManifestError at `location` when the value is of another type.
    """

    data: Mapping[str, Value] | tuple[Value, ...] | str | int | float | bool | None = field(repr=False)
    location: Location
    name: str = ""
    key: Location | None = None
    text_form: str = field(default="", repr=False)

    def problem(self, message: str, hint: str = "") -> ManifestError:
        """An error that stands at this value."""
        return ManifestError(Problem(self.location, message, hint))

    @property
    def shown(self) -> str:
        """The value as an error message quotes it."""
        if isinstance(self.data, Mapping):
            return "a mapping"
        if isinstance(self.data, tuple):
            return "a list"
        if self.data is None:
            return "nothing"
        text = self.text_form if len(self.text_form) <= SHOWN_CHARACTERS else self.text_form[:SHOWN_CHARACTERS] + "…"
        return repr(text) if isinstance(self.data, str) else text

    def _must(self, what: str, hint: str = "") -> ManifestError:
        return self.problem(f"{self.name or 'this'} must be {what}, not {self.shown}", hint)

    def fields(self) -> Mapping[str, Value]:
        """The fields of a mapping."""
        if not isinstance(self.data, Mapping):
            raise self._must("a mapping (name: value)")
        return self.data

    def items(self) -> tuple[Value, ...]:
        """The items of a list."""
        if not isinstance(self.data, tuple):
            raise self._must("a list", "begin each item with '- '")
        return self.data

    def get(self, name: str) -> Value | None:
        """The field of that name; None when it is missing or null, which Kubernetes takes as the same."""
        found = self.fields().get(name)
        return None if found is None or found.data is None else found

    def need(self, name: str, hint: str = "") -> Value:
        """The field of that name, which must be there."""
        found = self.get(name)
        if found is None:
            raise self.problem(f"{self.name or 'this'} has no {name}", hint)
        return found

    def list(self, name: str) -> tuple[Value, ...]:
        """The items of a list field, none when it is missing."""
        found = self.get(name)
        return found.items() if found else ()

    def text(self) -> str:
        """A string."""
        if not isinstance(self.data, str):
            raise self._must("text", "put it in quotes" if isinstance(self.data, int | float) else "")
        return self.data

    def whole(self, low: int = 0, high: int = 2**31 - 1) -> int:
        """A whole number within [low, high]; 90.0, 080 and 1e+06 are whole numbers once they are JSON."""
        number = self.data
        if isinstance(number, float) and number.is_integer():
            number = int(number)
        if isinstance(number, bool) or not isinstance(number, int):
            raise self._must("a whole number", "write digits without quotes")
        if not low <= number <= high:
            raise self._must(f"between {low} and {high}")
        return number

    def flag(self) -> bool:
        """A boolean."""
        if not isinstance(self.data, bool):
            raise self._must("true or false", "without quotes")
        return self.data

    def number(self) -> Fraction:
        """A finite number, exactly as written."""
        if isinstance(self.data, bool) or not isinstance(self.data, int | float):
            raise self._must("a number", "write it without quotes")
        if self.data in (float("inf"), float("-inf")) or self.data != self.data:
            raise self._must("a finite number")
        if isinstance(self.data, int):
            return Fraction(self.data)
        try:
            return Fraction(self.text_form.replace("_", ""))
        except ValueError:
            return Fraction(self.data)

    def percent(self) -> Fraction:
        """A percentage as a fraction of one."""
        number = self.number()
        if not 0 <= number <= 100:
            raise self._must("between 0 and 100")
        return number / 100

    def duration(self, *, zero: bool = False) -> float:
        """A duration as Go reads it (1h, 3m, 1.5s, 100ms, .5s), in seconds; Istio refuses 0s but for a few fields."""
        hint = "Istio writes durations as 1h, 3m, 1.5s or 100ms"
        found = seconds(self.data) if isinstance(self.data, str) else None
        if found is None:
            raise self._must("a duration", hint)
        if zero and found == 0:
            return 0.0
        if found * 1000 < 1 or (found * 1000).denominator != 1:
            raise self._must("a duration of whole milliseconds, at least 1ms", hint)
        return float(found)
