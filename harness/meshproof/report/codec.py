"""Events as lines of JSON and back.

A line is one object: `event` names the type, the rest are its fields. Readers are lenient towards
the future (unknown fields and events are passed over) and strict towards damage (ValueError).
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from meshproof.report.events import Event

EVENTS: dict[str, Any] = {kind.__name__: kind for kind in get_args(Event)}


def to_json(event: Event) -> str:
    """One line of ASCII JSON without its line end; a float that is no number becomes null."""
    return json.dumps({"event": type(event).__name__, **plain(event)}, allow_nan=False, separators=(",", ":"))


def from_json(line: str | bytes) -> Event | None:
    """Read a line of `to_json`; None for an event of a later version. Raises ValueError."""
    try:
        data = json.loads(line)
    except RecursionError:
        raise ValueError("nested too deeply") from None
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


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _record(data: Any, kind: Any) -> Any:
    if not isinstance(data, dict):
        raise ValueError(f"{kind.__name__} is not an object")
    hints = _hints(kind)
    known = {}
    for name, value in data.items():
        if name in hints:
            try:
                known[name] = _read(value, hints[name])
            except ValueError as error:
                raise ValueError(f"{kind.__name__}.{name}: {error}") from None
    try:
        return kind(**known)
    except TypeError as error:
        raise ValueError(str(error)) from None


def _read(value: Any, hint: Any) -> Any:
    """`value` as the type that a field is declared with; raises ValueError."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any:
        return value
    if origin in (Union, UnionType):
        if value is None and NoneType in inner:
            return None
        return _read(value, next(one for one in inner if one is not NoneType))
    if origin is tuple and isinstance(value, list):
        kinds = (inner[0],) * len(value) if inner[-1] is Ellipsis else inner
        if len(kinds) == len(value):
            return tuple(map(_read, value, kinds))
    elif isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(value, dict):
        return {key: _read(item, inner[1]) for key, item in value.items()}
    elif dataclasses.is_dataclass(hint):
        return _record(value, hint)
    elif hint is float and value is None:
        return math.nan
    elif hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value)
    elif isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint(value)
    elif isinstance(hint, type) and type(value) is hint:
        return value
    raise ValueError(f"{str(value)[:80]!r} is not {getattr(hint, '__name__', hint)}")


def _number(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise ValueError("a number too large") from None
