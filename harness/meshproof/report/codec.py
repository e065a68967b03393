"""Events as lines of JSON and back.

A line is one object: `event` names the type, the rest are its fields. Readers are lenient towards
the future (unknown fields and events are passed over) and strict towards damage (ValueError).
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from meshproof.bounded import DEEPEST, read_json
from meshproof.report.events import Event

# JSON's numbers are those of ECMAScript to most readers; no count of a run comes near.
LARGEST_NUMBER = 2**53
EVENTS: dict[str, Any] = {kind.__name__: kind for kind in get_args(Event)}


def to_json(event: Event) -> str:
    """One line of ASCII JSON without its line end; a float that is no number becomes null."""
    return json.dumps({"event": type(event).__name__, **plain(event)}, allow_nan=False, separators=(",", ":"))


def from_json(line: str | bytes) -> Event | None:
    """Read a line of `to_json`; None for an event of a later version. Raises ValueError."""
    data = read_json(line, deepest=DEEPEST)
    if not isinstance(data, dict) or not isinstance(data.get("event"), str):
        raise ValueError("not an event")
    kind = EVENTS.get(data.pop("event"))
    return None if kind is None else _record(data, kind)


def plain(value: Any) -> Any:
    """Plain JSON data of a record, its fields by name."""
    if dataclasses.is_dataclass(value):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (str, int)):
        return value
    return str(value)


Reader = Callable[[Any], Any]


def _record(data: Any, kind: Any) -> Any:
    if not isinstance(data, dict):
        raise ValueError(f"{kind.__name__} is not an object")
    readers = _fields(kind)
    known = {}
    for name, value in data.items():
        if name in readers:
            try:
                known[name] = readers[name](value)
            except ValueError as error:
                raise ValueError(f"{kind.__name__}.{name}: {error}") from None
    try:
        return kind(**known)
    except TypeError as error:
        raise ValueError(str(error)) from None


@cache
def _fields(kind: type) -> dict[str, Reader]:
    return {name: _reader(hint) for name, hint in get_type_hints(kind).items()}


@cache
def _reader(hint: Any) -> Reader:
    """What reads a plain value as the type that a field is declared with, or raises ValueError."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return lambda value: value
    if origin in (Union, UnionType):
        other = _reader(next(one for one in inner if one is not NoneType))
        return lambda value: None if value is None else other(value)
    if origin is tuple:
        return _tuple(hint, tuple(map(_reader, (one for one in inner if one is not Ellipsis))), inner[-1] is Ellipsis)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        entry = _reader(inner[1])
        return _one_of(hint, dict, lambda value: {key: entry(item) for key, item in value.items()})
    if dataclasses.is_dataclass(hint):
        return lambda value: _record(value, hint)
    if hint is float:
        return _float
    if hint is int:
        return _whole
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    return _one_of(hint, hint, lambda value: value)


def _one_of(hint: Any, kind: type, read: Reader) -> Reader:
    def reader(value: Any) -> Any:
        if type(value) is not kind:
            raise _wrong(value, hint)
        return read(value)

    return reader


def _tuple(hint: Any, readers: tuple[Reader, ...], alike: bool) -> Reader:
    def reader(value: Any) -> Any:
        if type(value) is not list or not (alike or len(value) == len(readers)):
            raise _wrong(value, hint)
        several = readers * len(value) if alike else readers
        return tuple([read(one) for read, one in zip(several, value, strict=True)])

    return reader


def _float(value: Any) -> float:
    if value is None:
        return math.nan
    if type(value) is float and math.isfinite(value):
        return value
    return float(_whole(value))


def _whole(value: Any) -> int:
    if value in (math.inf, -math.inf):
        raise ValueError("a number too large")
    if type(value) is not int:
        raise _wrong(value, int)
    if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
        raise ValueError("a number too large")
    return value


def _wrong(value: Any, hint: Any) -> ValueError:
    return ValueError(f"{str(value)[:80]!r} is not {getattr(hint, '__name__', hint)}")
