"""Records with what must not be shown replaced in every text, before any handler gets them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from meshproof.redaction.credentials import is_credential
from meshproof.redaction.patterns import HIDDEN

Record = TypeVar("Record")
# Most of what a record holds.
BARE = frozenset({int, float, bool, type(None)})


def redacted(record: Record, hide: Callable[[str], str]) -> Record:
    """The same record, with `hide` applied to each text in it, however deep it stands."""
    replaced: Any = _hidden(record, hide)
    return replaced  # type: ignore[no-any-return]


def _beside(name: Any, value: Any, hide: Callable[[str], str]) -> Any:
    """The value of this name: as a whole where that is the name of a credential."""
    if isinstance(name, str) and isinstance(value, str) and is_credential(name):
        return HIDDEN
    return _hidden(value, hide)


def _hidden(value: Any, hide: Callable[[str], str]) -> Any:
    if type(value) in BARE:
        return value
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, Mapping):
        return {_hidden(key, hide): _beside(key, one, hide) for key, one in value.items()}
    if isinstance(value, tuple) and len(value) == 2:
        # A header, maybe.
        return _hidden(value[0], hide), _beside(*value, hide)
    if isinstance(value, list | tuple):
        return type(value)(_hidden(one, hide) for one in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{one.name: _hidden(getattr(value, one.name), hide) for one in fields(value)})
    return value
