"""What intents of Python state: those of a file are held to the same while it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from meshproof.border.intents.intent import Intent, Never
from meshproof.border.request import Request
from meshproof.errors import UsageError

EXPECTED = ("to", "within", "status", "header", "mirror", "path", "redirect")
TEXTS = ("path", "redirect", "name", "client", "gateway")
STATUSES = (100, 599)


def refuse_unstated(intents: Iterable[object]) -> None:
    """Raise UsageError for an intent that would hold whatever a mesh does, and for a field of another kind."""
    for one in intents:
        if not isinstance(one, Intent | Never):
            raise UsageError(f"{one!r:.100} is no intent: write Intent(…) or Never(…)")
        for wrong in _of_intent(one) if isinstance(one, Intent) else _of_promise(one):
            raise UsageError(f"{type(one).__name__}({_called(one)}): {wrong}")


def _called(one: Intent | Never) -> str:
    return repr(one.name or (one.request if isinstance(one, Intent) else one.to))[:100]


def _of_intent(one: Intent) -> Iterator[str]:
    if not _is_one_or_several(one.request, (str, Request)):
        yield "request must be a request, or a list of some"
    for name in ("to", "mirror"):
        value = getattr(one, name)
        if not isinstance(value, str | Mapping):
            yield f"{name} must be a name, or a share for each name, as {{'v1': '95%', 'v2': '5%'}}"
        if isinstance(value, Mapping) and not value:
            yield f"{name} names no destination"
    if not isinstance(one.header, Mapping) or not all(isinstance(value, str) for value in one.header.values()):
        yield "header must be a value for each name, as {'x-tenant': 'acme'}"
    least, most = STATUSES
    whole = isinstance(one.status, int) and not isinstance(one.status, bool)
    if one.status is not None and not (whole and least <= int(one.status) <= most):
        yield f"status must be a whole number between {least} and {most}, not {one.status!r:.100}"
    if one.within is not None and not isinstance(one.within, str | int | float):
        yield "within must be a time, as '2s'"
    yield from _no_texts(one, TEXTS)
    if not any(getattr(one, name) not in (None, "", {}) for name in (*EXPECTED, "rule")):
        yield f"it expects nothing: it has {', '.join(EXPECTED)}"


def _of_promise(one: Never) -> Iterator[str]:
    if not _is_one_or_several(one.to, (str,)):
        yield "to must be a name, or a list of some"
    if one.unless != () and not _is_one_or_several(one.unless, (str,)):
        yield "unless must be a condition as 'x-beta:yes', or a list of some"
    yield from _no_texts(one, ("name", "client"))


def _is_one_or_several(value: object, kinds: tuple[type, ...]) -> bool:
    several = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
    return bool(several) and all(isinstance(one, kinds) and one != "" for one in several)


def _no_texts(one: Intent | Never, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        if not isinstance(getattr(one, name), str):
            yield f"{name} must be text"
