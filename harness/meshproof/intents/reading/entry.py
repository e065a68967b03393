"""One entry of a file of intents."""

from __future__ import annotations

from collections.abc import Mapping

from meshproof.border.intents.intent import NONE, Intent, Never, Shares, share
from meshproof.border.request import parse
from meshproof.errors import UsageError
from meshproof.intents.conditions import condition
from meshproof.intents.reading.fields import Fields, text, texts
from meshproof.intents.stated import EXPECTED, STATUSES
from meshproof.manifest.value import Value

FIELDS = ("name", "request", "from", "gateway", "expect", "never")
NEVER = ("to", "unless")


def entry(value: Value) -> Intent | Never:
    """An intent, or what must never be; raises ManifestError."""
    if not value.is_mapping:
        raise value.problem(f"an intent must be a mapping (request: …, expect: …), not {value.shown}")
    fields = Fields(value, "an intent")
    fields.only(FIELDS)
    found = _never(value, fields) if "never" in fields else _intent(value, fields)
    fields.end()
    return found


def _intent(value: Value, fields: Fields) -> Intent:
    if "request" not in fields and not fields.problems:
        hint = "write request: 'GET http://HOST/' with expect, or never: {to: NAME}"
        raise value.problem("this intent has no request", hint)
    if "expect" not in fields and not fields.problems:
        raise value.problem("this intent expects nothing", f"expect has {', '.join(EXPECTED)}")
    requests = fields.take("request", _requests, ())
    expected = fields.take("expect", _expected, Intent(""))
    return Intent(
        requests,
        expected.to,
        expected.within,
        expected.status,
        expected.header,
        expected.mirror,
        expected.path,
        expected.redirect,
        name=fields.take("name", text, ""),
        client=fields.take("from", text, ""),
        gateway=fields.take("gateway", text, ""),
        location=value.location,
    )


def _requests(value: Value) -> tuple[str, ...]:
    several = value.items() if isinstance(value.data, tuple) else (value,)
    for one in several:
        try:
            parse(text(one))
        except UsageError as error:
            raise one.problem(str(error)) from None
    return texts(value)


def _expected(value: Value) -> Intent:
    fields = Fields(value, "expect")
    fields.only(EXPECTED)
    found = Intent(
        "",
        fields.take("to", _shares, ""),
        fields.take("within", _duration, None),
        fields.take("status", lambda one: one.whole(*STATUSES), None),
        fields.take("header", _headers, {}),
        fields.take("mirror", _shares, ""),
        fields.take("path", text, ""),
        fields.take("redirect", text, ""),
    )
    fields.end()
    if not any(name in fields for name in EXPECTED):
        raise value.problem("expect states nothing", f"it has {', '.join(EXPECTED)}")
    return found


def _duration(value: Value) -> float:
    return value.duration()


def _shares(value: Value) -> Shares:
    if not value.is_mapping:
        return text(value)
    found = {name: _share(one) for name, one in value.fields().items()}
    if not found:
        raise value.problem(f"{value.name} names no destination", "write NAME: 100%")
    return found


def _share(value: Value) -> str:
    written = value.text_form if isinstance(value.data, str | int | float) else ""
    if not isinstance(value.data, str):
        raise value.problem(f"{value.name} must be a share, not {value.shown}", f"write {written or '95'}%")
    try:
        share(written)
    except UsageError as error:
        raise value.problem(f"{value.name}: {error}") from None
    return written


def _headers(value: Value) -> Mapping[str, str]:
    if not value.fields():
        raise value.problem("header names none", "write NAME: VALUE")
    return {name.lower(): _header(one) for name, one in value.fields().items()}


def _header(value: Value) -> str:
    if value.data is None:
        return NONE
    if isinstance(value.data, bool | int | float):
        hint = f'write "{value.text_form}"'
        raise value.problem(f"{value.name} must be text, not {value.shown}", hint)
    return value.text()


def _never(value: Value, fields: Fields) -> Never:
    for name in ("request", "expect", "gateway"):
        if name in fields:
            where = value.need(name)
            raise where.problem(f"never is held against all requests, so {name} means nothing beside it")

    def forbidden(one: Value) -> tuple[tuple[str, ...], tuple[str, ...]]:
        inner = Fields(one, "never")
        inner.only(NEVER)
        if "to" not in inner and not inner.problems:
            raise one.problem("never names no destination", "write never: {to: NAME}")
        found = inner.take("to", texts, ()), inner.take("unless", _conditions, ())
        inner.end()
        return found

    to, unless = fields.take("never", forbidden, ((), ()))
    named, client = fields.take("name", text, ""), fields.take("from", text, "")
    return Never(to, unless, named, client, value.location)


def _conditions(value: Value) -> tuple[str, ...]:
    found = texts(value)
    several = value.items() if isinstance(value.data, tuple) else (value,)
    for one, written in zip(several, found, strict=True):
        try:
            condition(written)
        except UsageError as error:
            raise one.problem(str(error)) from None
    return found
