"""Records with what must not be shown replaced in every text, before any handler gets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar

Record = TypeVar("Record")


def redacted(record: Record, hide: Callable[[str], str]) -> Record:
    """The same record, with `hide` applied to each text in it, however deep it stands."""
    replaced: Any = _hidden(record, hide)
    return replaced  # type: ignore[no-any-return]


def _hidden(value: Any, hide: Callable[[str], str]) -> Any:
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {_hidden(key, hide): _hidden(one, hide) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_hidden(one, hide) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _hidden(getattr(value, one.name), hide) for one in fields(value)})
    return value
