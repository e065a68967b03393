"""Inputs drawn at random: real ones with a few odd places, since what is all noise is refused at its first byte."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

ODD_NUMBERS = [0, -1, 1, 2**31, 2**53, 2**53 + 1, 2**64, 10**400, 1e308, -1e308, 5e-324, float("inf"), float("nan")]
ODD_TEXTS = ["", " ", "\0", "\x1b[31m", "\ud800", "é", "..", "/", "a" * 5000, "-1", "~nobody/x", "http://[", "null"]
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(ODD_NUMBERS),
    st.sampled_from(ODD_TEXTS),
    st.integers(-10, 10**6),
    st.text(max_size=20),
)
ANY = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=8,
)


def nested(depth: int) -> Any:
    """A list that is so deep."""
    found: Any = []
    for _ in range(depth):
        found = [found]
    return found


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each value within plain data."""
    yield path
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inner:
        yield from places(value, (*path, key))


def put(data: Any, path: Sequence[Any], value: Any) -> Any:
    """The same data with another value in one place."""
    if not path:
        return value
    key, *rest = path
    if isinstance(data, dict) and key in data:
        return {**data, key: put(data[key], rest, value)}
    if isinstance(data, list) and isinstance(key, int) and key < len(data):
        return [*data[:key], put(data[key], rest, value), *data[key + 1 :]]
    return data


@st.composite
def altered(draw: st.DrawFn, data: Any, odd: st.SearchStrategy[Any] = ANY) -> Any:
    """Plain data with up to three of its values replaced."""
    for _ in range(draw(st.integers(1, 3))):
        data = put(data, draw(st.sampled_from(list(places(data)))), draw(odd))
    return data


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes of which some are changed, left out, doubled, or cut off."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["flip", "cut", "drop", "put", "double", "digits"]))
        size = draw(st.integers(1, 16))
        if kind == "flip":
            data = data[:at] + draw(st.binary(min_size=size, max_size=size)) + data[at + size :]
        elif kind == "cut":
            data = data[:at]
        elif kind == "drop":
            data = data[:at] + data[at + size :]
        elif kind == "put":
            data = data[:at] + draw(st.binary(max_size=size)) + data[at:]
        elif kind == "double":
            data = data[: at + size] + data[at:]
        else:
            data = data[:at] + draw(st.sampled_from([b"-1", b"999999999999", b"0", b"\xff\xff\xff\xff"])) + data[at:]
    return data
