"""A value of a manifest together with the place where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Set
from fractions import Fraction

from meshproof.errors import Location, ManifestError, Problem
from meshproof.manifest.node import NO_KEY, Content, Lines, packed, unpacked
from meshproof.manifest.syntax.duration import UNITS as UNITS
from meshproof.manifest.syntax.duration import seconds

SHOWN_CHARACTERS = 60

Data = Mapping[str, "Value"] | tuple["Value", ...] | str | int | float | bool | None


class Value:
    """One node of a manifest, which nobody changes once it is made.

    `data` is a mapping of Values, a tuple of Values, or a scalar; `name` is how a person would call
    it (`weight`, `hosts[0]`); `key` is where its field name stands; `text_form` is a scalar as
    written. The accessors raise ManifestError at `location` when the value is of another type.

    One that was read (`lines` is given) has the nodes of node.py and offsets into its text instead: the Values
    within it, and the places, are made when they are asked for, since of most documents few are.
    """

    __slots__ = ("_content", "_key", "_lines", "_place", "_text", "name")

    def __init__(
        self,
        data: Data | Content,
        location: Location | int,
        name: str = "",
        key: Location | int | None = None,
        text_form: str | None = "",
        lines: Lines | None = None,
    ) -> None:
        self._content = data
        self._place = location
        self.name = name
        self._key = key
        self._text = text_form
        self._lines = lines

    @property
    def data(self) -> Data:
        content = self._content
        if self._lines is not None:
            if type(content) is bytes or type(content) is dict:
                return self.fields()
            if type(content) is list:
                return self.items()
        return content  # type: ignore[return-value]

    @property
    def location(self) -> Location:
        return self._at(self._place)

    @property
    def key(self) -> Location | None:
        key = self._key
        return None if key is None or key == NO_KEY else self._at(key)

    @property
    def text_form(self) -> str:
        if self._text is not None:
            return self._text
        return self._content if type(self._content) is str else ""

    @property
    def content(self) -> Content | None:
        """The nodes that this holds; None where it was not read, or is nothing."""
        if self._lines is None:
            return None
        return unpacked(self._content) if type(self._content) is bytes else self._content  # type: ignore[return-value]

    def holding(self, data: Data) -> Value:
        """Another value in the same place."""
        return Value(data, self.location, self.name, self.key, self.text_form)

    def written(self, content: Content) -> Value:
        """Other nodes of the same text in the same place."""
        return Value(packed(content), self._place, self.name, self._key, self._text, self._lines)

    def compact(self) -> Value:
        """The same in little space, to be kept for later."""
        return self.written(self._content) if type(self._content) is dict and self._lines is not None else self

    def alone(self, content: Content) -> Value:
        """The same as a document of its own, which has no name."""
        return Value(packed(content), self._place, "", None, None, self._lines)

    def _at(self, place: Location | int) -> Location:
        return self._lines.location(place) if self._lines else place  # type: ignore[arg-type, return-value]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Value):
            return NotImplemented
        same = (self.name, self.location, self.key) == (other.name, other.location, other.key)
        return same and self.data == other.data and self.text_form == other.text_form

    def __hash__(self) -> int:
        return hash((self.location, self.name))

    def __repr__(self) -> str:
        return f"Value(location={self.location!r}, name={self.name!r}, key={self.key!r})"

    def problem(self, message: str, hint: str = "", *, by_envoy: bool = False) -> ManifestError:
        """An error that stands at this value; `by_envoy` as in Problem."""
        return ManifestError(Problem(self.location, message, hint, by_envoy))

    @property
    def shown(self) -> str:
        """The value as an error message quotes it."""
        data = self.data
        if isinstance(data, Mapping):
            return "a mapping"
        if isinstance(data, tuple):
            return "a list"
        if data is None:
            return "nothing"
        text = self.text_form if len(self.text_form) <= SHOWN_CHARACTERS else self.text_form[:SHOWN_CHARACTERS] + "…"
        return repr(text) if isinstance(data, str) else text

    def _must(self, what: str, hint: str = "") -> ManifestError:
        return self.problem(f"{self.name or 'this'} must be {what}, not {self.shown}", hint)

    def fields(self) -> Mapping[str, Value]:
        """The fields of a mapping."""
        content, lines = self._content, self._lines
        if lines is not None:
            if type(content) is bytes:
                content = unpacked(content)
            if type(content) is dict:
                return {
                    name: Value(data, place, name, key, text, lines)
                    for name, (data, place, key, text) in content.items()
                }
        elif isinstance(content, Mapping):
            return content  # type: ignore[return-value]
        raise self._must("a mapping (name: value)")

    def names(self) -> Set[str]:
        """The names of a mapping's fields."""
        content = self.content
        return content.keys() if type(content) is dict else self.fields().keys()

    @property
    def is_mapping(self) -> bool:
        """Whether it has fields."""
        return type(self._content) in (bytes, dict) or isinstance(self._content, Mapping)

    def texts(self) -> dict[str, str]:
        """A mapping of text to text, in which null is an empty one."""
        content = self.content
        if type(content) is dict and all(type(node[0]) is str for node in content.values()):
            return {name: node[0] for name, node in content.items()}
        return {name: "" if one.data is None else one.text() for name, one in self.fields().items()}

    def items(self) -> tuple[Value, ...]:
        """The items of a list."""
        content, lines = self._content, self._lines
        if lines is not None:
            if type(content) is list:
                # One list within another has no name that a person would know it by.
                name = "" if self._key is None or self._key == NO_KEY else self.name
                return tuple(
                    Value(data, place, f"{name}[{at}]", NO_KEY, text, lines)
                    for at, (data, place, _, text) in enumerate(content)
                )
        elif isinstance(content, tuple):
            return content
        raise self._must("a list", "begin each item with '- '")

    def get(self, name: str) -> Value | None:
        """The field of that name; None when it is missing or null, which Kubernetes takes as the same."""
        content, lines = self._content, self._lines
        if lines is not None:
            if type(content) is bytes:
                content = unpacked(content)
            if type(content) is dict:
                node = content.get(name)
                if node is None or node[0] is None:
                    return None
                return Value(node[0], node[1], name, node[2], node[3], lines)
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
        content = self._content
        if type(content) is str:
            return content
        raise self._must("text", "put it in quotes" if isinstance(content, int | float) else "")

    def whole(self, low: int = 0, high: int = 2**31 - 1) -> int:
        """A whole number within [low, high]; 90.0, 080 and 1e+06 are whole numbers once they are JSON."""
        number = self._content
        if isinstance(number, float) and number.is_integer():
            number = int(number)
        if isinstance(number, bool) or not isinstance(number, int):
            raise self._must("a whole number", "write digits without quotes")
        if not low <= number <= high:
            raise self._must(f"between {low} and {high}")
        return number

    def flag(self) -> bool:
        """A boolean."""
        if not isinstance(self._content, bool):
            raise self._must("true or false", "without quotes")
        return self._content

    def number(self) -> Fraction:
        """A finite number, exactly as written."""
        number = self._content
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise self._must("a number", "write it without quotes")
        if number in (float("inf"), float("-inf")) or number != number:
            raise self._must("a finite number")
        if isinstance(number, int):
            return Fraction(number)
        try:
            return Fraction(self.text_form.replace("_", ""))
        except ValueError:
            return Fraction(number)

    def percent(self) -> Fraction:
        """A percentage as a fraction of one."""
        number = self.number()
        if not 0 <= number <= 100:
            raise self._must("between 0 and 100")
        return number / 100

    def duration(self, *, zero: bool = False) -> float:
        """A duration as Go reads it (1h, 3m, 1.5s, 100ms, .5s), in seconds; Istio refuses 0s but for a few fields."""
        hint = "Istio writes durations as 1h, 3m, 1.5s or 100ms"
        found = seconds(self._content) if isinstance(self._content, str) else None
        if found is None:
            raise self._must("a duration", hint)
        if zero and found == 0:
            return 0.0
        if found * 1000 < 1 or (found * 1000).denominator != 1:
            raise self._must("a duration of whole milliseconds, at least 1ms", hint)
        return float(found)
