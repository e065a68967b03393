"""The values of a request by whose hash its pod is chosen, as its client's proxy sees them."""

from __future__ import annotations

from urllib.parse import urlsplit

from meshproof.border.expectation import Arm, Expectation
from meshproof.border.request import HashKey

Values = tuple[str | None, ...]


def key_of(expectation: Expectation, arm: Arm) -> Values | None:
    """The value of each of a destination's hash keys, None for one that the request lacks.

    None in all where the request has no key, or where a proxy writes it: any pod may get it then. The route changes
    headers before they are hashed.
    """
    keys = arm.hashed_by.keys if arm.hashed_by else ()
    values: list[str | None] = []
    for one in keys:
        if _is_rewritten(one, expectation, arm):
            return None
        value = _value(one, expectation, arm)
        if value is None and one.ttl is not None:
            # The proxy gives it a cookie, whose value is its connection's.
            return None
        values.append(value)
    return tuple(values) if any(value is not None for value in values) else None


def given_cookies(expectation: Expectation, arm: Arm) -> tuple[HashKey, ...]:
    """The cookies that the proxy gives to the client of a request: those with a ttl that it does not have.

    None to one that asks for another protocol, unless it is a whole handshake: Envoy answers itself with the status of
    a pod that does not change it.
    """
    if asks_to_change(expectation) and not expectation.request.is_handshake:
        return ()
    answered = arm.response_headers
    changed = {name for name, _ in (*answered.exact, *answered.untold)} | {*answered.absent}
    keys = arm.hashed_by.keys if arm.hashed_by and "set-cookie" not in changed else ()
    return tuple(one for one in keys if one.ttl is not None and _value(one, expectation, arm) is None)


def asks_to_change(expectation: Expectation) -> bool:
    """Whether a request asks for another protocol."""
    return any(name.lower() == "upgrade" for name, _ in expectation.request.headers)


def is_given(key: HashKey, header: str) -> bool:
    """Whether a header Set-Cookie gives this cookie, for as long and for the path that are specified."""
    pair, *attributes = [part.strip() for part in header.split(";")]
    said = {name.lower(): value for name, _, value in (part.partition("=") for part in attributes)}
    lasts = said.get("max-age") == (str(int(key.ttl)) if key.ttl else None)
    return pair.partition("=")[0] == key.name and lasts and said.get("path", "") == key.path


def _is_rewritten(key: HashKey, expectation: Expectation, arm: Arm) -> bool:
    name = "cookie" if key.kind == "cookie" else key.name
    return key.kind in ("header", "cookie") and name in {*expectation.dropped, *dict(arm.request_headers.untold)}


def _value(key: HashKey, expectation: Expectation, arm: Arm) -> str | None:
    match key.kind:
        case "source IP":
            return ""
        case "query parameter":
            pairs = (part.partition("=") for part in urlsplit(expectation.request.path).query.split("&"))
            return next((value for name, _, value in pairs if name == key.name), None)
        case "cookie":
            several = (pair.strip().partition("=") for pair in (_header("cookie", expectation, arm) or "").split(";"))
            return next((value.strip('"') for name, _, value in several if name == key.name), None)
        case _:
            if key.name.startswith(":") or key.name == "host":
                # A part of the request itself: each request is a key of its own.
                return str(expectation.request)
            return _header(key.name, expectation, arm)


def _header(name: str, expectation: Expectation, arm: Arm) -> str | None:
    """The values of a header after the route has changed it."""
    changes = arm.request_headers
    written = [value for own, value in changes.exact if own == name]
    if not written and name not in changes.absent:
        written = [value for own, value in expectation.request.headers if own.lower() == name]
        written += [value for own, value in changes.added if own == name]
    return (";" if name == "cookie" else ",").join(written) if written else None
