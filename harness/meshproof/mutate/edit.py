"""Edits of frozen Value trees: every edit gives a new tree, and what is new stands where the old stood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from meshproof.manifest.value import Value

Path = tuple[str | int, ...]


def spots(value: Value, pattern: str) -> Iterator[tuple[Path, Value]]:
    """Where a pattern such as `spec.http[].route[].weight` leads to; `*` is any field, `[]` any item.

    What is missing or null leads nowhere.
    """
    yield from _follow(value, pattern.replace("[]", ".[]").split(".") if pattern else [])


def _follow(value: Value, words: list[str]) -> Iterator[tuple[Path, Value]]:
    if not words:
        if value.data is not None:
            yield (), value
        return
    word, *rest = words
    steps: Iterator[tuple[str | int, Value]]
    if word == "[]":
        steps = iter(enumerate(value.data)) if isinstance(value.data, tuple) else iter(())
    elif not isinstance(value.data, Mapping):
        return
    elif word == "*":
        steps = iter(value.data.items())
    else:
        steps = iter([(word, value.data[word])] if word in value.data else [])
    for step, inner in steps:
        for path, found in _follow(inner, rest):
            yield (step, *path), found


def put(value: Value, path: Path, new: Value) -> Value:
    """The tree with `new` at `path`; its last field may be a new one."""
    if not path:
        return new
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        items = list(value.items())
        items[step] = put(items[step], rest, new)
        return _with(value, tuple(items))
    fields = dict(value.fields())
    fields[step] = put(fields[step], rest, new) if rest else new
    return _with(value, fields)


def without(value: Value, *paths: Path) -> Value:
    """The tree without what stands at each of `paths`; one that leads nowhere changes nothing."""
    for path in paths:
        value = _without(value, path)
    return value


def _without(value: Value, path: Path) -> Value:
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        items = list(value.items())
        items[step : step + 1] = [_without(items[step], rest)] if rest else []
        return _with(value, tuple(items))
    fields = dict(value.fields())
    if step not in fields:
        return value
    if rest:
        fields[step] = _without(fields[step], rest)
    else:
        del fields[step]
    return _with(value, fields)


def fresh(data: Any, like: Value) -> Value:
    """Plain data (mappings, lists, scalars, Values among them) as a Value that stands where `like` does."""
    if isinstance(data, Value):
        return data
    if isinstance(data, Mapping):
        return Value({name: fresh(item, like) for name, item in data.items()}, like.location, like.name, like.key)
    if isinstance(data, list | tuple):
        return Value(tuple(fresh(item, like) for item in data), like.location, like.name, like.key)
    text = str(data).lower() if isinstance(data, bool) else str(data)
    return Value(data, like.location, like.name, like.key, text)


def plain(value: Value) -> Any:
    """A tree as plain data, without places."""
    if isinstance(value.data, Mapping):
        return {name: plain(item) for name, item in value.data.items()}
    return [plain(item) for item in value.data] if isinstance(value.data, tuple) else value.data


def _with(value: Value, data: Mapping[str, Value] | tuple[Value, ...]) -> Value:
    return Value(data, value.location, value.name, value.key, value.text_form)
