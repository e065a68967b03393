"""Files of istio-config-validator: `testCases` with `request`, `wantMatch` and parts of a rule.

A request is each combination of authority, method and uri. What stands there of a rule (`route`, `redirect`,
`rewrite`, `fault`, `headers`, `delegate`) is held against the rule that takes it, as it is written.
https://github.com/getyourguide/istio-config-validator/blob/main/docs/test-cases.md
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from meshproof.border.intents.intent import Intent, Never, Written
from meshproof.border.request import Request
from meshproof.errors import ManifestError, Problem
from meshproof.intents.reading.fields import SHOWN, Fields, text
from meshproof.intents.written import plain
from meshproof.manifest.value import Value

CASES = "testCases"
PARTS = ("route", "redirect", "rewrite", "fault", "headers", "delegate")
FIELDS = ("description", "wantMatch", "request", *PARTS)
REQUEST = ("authority", "method", "uri", "headers")
MOST_REQUESTS = 10_000
HTTP_PORT = 80
PORT = r"6553[0-5]|655[0-2][0-9]|65[0-4][0-9]{2}|6[0-4][0-9]{3}|[1-5][0-9]{4}|[0-9]{1,4}"
HOST = re.compile(rf"[A-Za-z0-9._-]+(:({PORT}))?")
METHOD = re.compile(r"[A-Za-z]+")
PATH = re.compile(r"[!-~]+")
NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
ONE_LINE = re.compile(r"[^\r\n\0]*")


def is_one(body: Value) -> bool:
    """Whether a document is one of theirs."""
    return body.is_mapping and body.get(CASES) is not None


def read(body: Value, found: list[Intent | Never], problems: list[Problem]) -> None:
    """Add the cases of a document, and its mistakes."""
    try:
        fields = Fields(body, "the file")
        fields.only((CASES,))
        problems += fields.problems
        for case in body.list(CASES):
            try:
                found.append(_case(case))
            except ManifestError as error:
                problems += error.problems
    except ManifestError as error:
        problems += error.problems


def _case(value: Value) -> Intent:
    fields = Fields(value, "a test case")
    fields.only(FIELDS)
    requests = fields.take("request", _requests, ())
    if "request" not in fields and not fields.problems:
        raise value.problem("this test case has no request")
    parts = {name: plain(value.need(name)) for name in PARTS if name in fields}
    if not parts and not fields.problems:
        raise value.problem("this test case asserts nothing", f"it has {', '.join(PARTS)}")
    wanted = fields.take("wantMatch", lambda one: one.flag(), False)
    name = fields.take("description", text, "")
    fields.end()
    return Intent(requests, name=name, location=value.location, rule=Written(parts, wanted))


def _requests(value: Value) -> tuple[Request, ...]:
    fields = Fields(value, "request")
    fields.only(REQUEST)
    hosts = fields.take("authority", lambda one: _texts(one, HOST), ())
    methods = fields.take("method", lambda one: _texts(one, METHOD), ())
    paths = fields.take("uri", lambda one: _texts(one, PATH), ())
    none: Mapping[str, str] = {}
    headers = fields.take("headers", _headers, none)
    for name in REQUEST[:3]:
        if name not in fields:
            fields.problems.append(Problem(value.location, f"the request has no {name}", f"write {name}: [...]"))
    fields.end()
    if len(hosts) * len(methods) * len(paths) > MOST_REQUESTS:
        raise value.problem(f"these are more than {MOST_REQUESTS:,} requests", "write several test cases")
    pairs = tuple((name.lower(), one) for name, one in headers.items())
    return tuple(_combined(hosts, methods, paths, pairs))


def _texts(value: Value, shape: re.Pattern[str]) -> tuple[str, ...]:
    if not value.items():
        raise value.problem(f"{value.name} is empty", f"write {value.name}: [...]")
    for one in value.items():
        if not shape.fullmatch(text(one)):
            raise one.problem(f"{one.shown} cannot stand in a request as {value.name}")
    return tuple(one.text() for one in value.items())


def _headers(value: Value) -> Mapping[str, str]:
    found = value.texts()
    for name, one in value.fields().items():
        if not NAME.fullmatch(name) or not ONE_LINE.fullmatch(found[name]):
            raise one.problem(f"{name[:SHOWN]!r} and its value are no header")
    return found


def _combined(
    hosts: tuple[str, ...], methods: tuple[str, ...], paths: tuple[str, ...], headers: tuple[tuple[str, str], ...]
) -> Iterator[Request]:
    for path in paths:
        # The tool cuts the query off, and knows no condition on it: here a rule may have one.
        own = path.partition("#")[0]
        for host in hosts:
            name, colon, port = host.partition(":")
            number = int(port) if colon else HTTP_PORT
            for method in methods:
                yield Request(method.upper(), name, number, own if own.startswith("/") else f"/{own}", headers)
