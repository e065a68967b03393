"""httpbin (https://httpbin.org) and go-httpbin, the part of them that Istio's tasks use."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from typing import Any

from meshproof.workload.message import Reply, Request, pairs

DELAY_CAP = 10.0
BYTES_CAP = 100 * 1024
READING = ("GET", "HEAD", "OPTIONS")
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# Headers of framing and identity stay the server's own, whatever /response-headers is asked for.
OWN_HEADERS = {
    "content-length",
    "transfer-encoding",
    "connection",
    "x-meshproof-pod",
    "x-meshproof-workload",
    "x-meshproof-unknown",
}


def behaviour(*, lists: bool) -> Callable[[Request], Reply]:
    """`lists`: header and query values are lists, as go-httpbin shows them."""
    # So that nobody takes what the sample does not know for a failure of the mesh.
    unknown = ("x-meshproof-unknown", "go-httpbin" if lists else "httpbin")

    def answer(request: Request) -> Reply:
        first, _, rest = request.path.lstrip("/").partition("/")
        endpoint = ENDPOINTS.get(first)
        if endpoint is None or (bool(rest) != endpoint.argument and first != "anything"):
            return as_json(404, {"status_code": 404, "error": "Not Found"}, (unknown,))
        if endpoint.methods and request.method not in endpoint.methods:
            return Reply(405, b"Method Not Allowed\n", headers=(("allow", ", ".join(endpoint.methods)), unknown))
        return endpoint.answer(request, rest, lists)

    return answer


def as_json(status: int, value: Any, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    return Reply(status, json.dumps(value, indent=2, sort_keys=True).encode() + b"\n", "application/json", headers)


def index(_request: Request, _rest: str, _lists: bool) -> Reply:
    return Reply(200, b"<!DOCTYPE html><title>httpbin</title><h1>httpbin</h1>\n", "text/html; charset=utf-8")


def described(request: Request, _rest: str, lists: bool) -> Reply:
    """/get, /post, /put, /delete, /patch and /anything."""
    seen: dict[str, Any] = {
        "args": gathered(request.query(), lists),
        "headers": shown(request, lists),
        "origin": origin(request),
        "url": f"{scheme(request)}://{request.authority}{request.target}",
    }
    if request.path.startswith("/anything") or lists:
        seen["method"] = request.method
    if request.method not in READING or request.path.startswith("/anything"):
        text = request.body.decode("utf-8", "replace")
        kind = request.fields().get("content-type", [""])[0].partition(";")[0].strip().lower()
        is_form = kind == "application/x-www-form-urlencoded"
        try:
            parsed = json.loads(text) if text else None
        except (ValueError, RecursionError):
            parsed = None
        seen |= {"data": "" if is_form else text, "files": {}, "json": parsed}
        seen["form"] = gathered(pairs(text), lists) if is_form else {}
    return as_json(200, seen)


def headers(request: Request, _rest: str, lists: bool) -> Reply:
    return as_json(200, {"headers": shown(request, lists)})


def ip(request: Request, _rest: str, _lists: bool) -> Reply:
    return as_json(200, {"origin": origin(request)})


def user_agent(request: Request, _rest: str, _lists: bool) -> Reply:
    return as_json(200, {"user-agent": ", ".join(request.fields().get("user-agent", []))})


def status(_request: Request, rest: str, _lists: bool) -> Reply:
    try:
        code = int(rest) if rest.isascii() else 0
    except ValueError:
        code = 0
    if not 200 <= code <= 599:
        return Reply(400, b"Invalid status code\n")
    moved = (("location", "/redirect/1"),) if code in (301, 302, 303, 305, 307) else ()
    return Reply(code, headers=moved)


def delay(request: Request, rest: str, lists: bool) -> Reply:
    try:
        seconds = float(rest.removesuffix("s"))
    except ValueError:
        return Reply(400, b"Invalid duration\n")
    reply = described(request, rest, lists)
    # The comparison is written so that NaN gives no delay.
    reply.delay = min(seconds, DELAY_CAP) if seconds > 0 else 0.0
    return reply


def random_bytes(_request: Request, rest: str, _lists: bool) -> Reply:
    if not (rest.isascii() and rest.isdigit() and len(rest) <= 9):
        return Reply(400, b"Invalid number of bytes\n")
    return Reply(200, os.urandom(min(int(rest), BYTES_CAP)), "application/octet-stream")


def response_headers(request: Request, _rest: str, lists: bool) -> Reply:
    wanted = request.query()
    for name, value in wanted:
        if not TOKEN.fullmatch(name) or any(ord(c) < 32 or ord(c) == 127 for c in value):
            return Reply(400, b"Invalid header\n")
    own = tuple((name, value) for name, value in wanted if name.lower() not in OWN_HEADERS)
    return as_json(200, gathered(wanted, lists), own)


def gathered(values: list[tuple[str, str]], lists: bool) -> dict[str, Any]:
    found: dict[str, list[str]] = {}
    for name, value in values:
        found.setdefault(name, []).append(value)
    return {name: several if lists or len(several) > 1 else several[0] for name, several in found.items()}


def shown(request: Request, lists: bool) -> dict[str, Any]:
    fields = {"-".join(map(str.capitalize, name.split("-"))): values for name, values in request.fields().items()}
    return {name: values if lists else ",".join(values) for name, values in fields.items()}


def origin(request: Request) -> str:
    return ", ".join(request.fields().get("x-forwarded-for", [request.peer]))


def scheme(request: Request) -> str:
    return "https" if request.fields().get("x-forwarded-proto") == ["https"] else "http"


class Endpoint:
    """`methods` empty: any; `argument`: something must follow the first segment of the path."""

    __slots__ = ("answer", "argument", "methods")

    def __init__(self, answer: Callable[[Request, str, bool], Reply], *methods: str, argument: bool = False) -> None:
        self.answer = answer
        self.methods = methods
        self.argument = argument


ENDPOINTS = {
    "": Endpoint(index, *READING),
    "get": Endpoint(described, *READING),
    "post": Endpoint(described, "POST", "OPTIONS"),
    "put": Endpoint(described, "PUT", "OPTIONS"),
    "delete": Endpoint(described, "DELETE", "OPTIONS"),
    "patch": Endpoint(described, "PATCH", "OPTIONS"),
    "anything": Endpoint(described),
    "headers": Endpoint(headers, *READING),
    "ip": Endpoint(ip, *READING),
    "user-agent": Endpoint(user_agent, *READING),
    "status": Endpoint(status, argument=True),
    "delay": Endpoint(delay, argument=True),
    "bytes": Endpoint(random_bytes, *READING, argument=True),
    "response-headers": Endpoint(response_headers, "GET", "HEAD", "POST", "OPTIONS"),
}
