"""The retries and the timeout that are in force for a request, instructions to Envoy in its headers included.

Envoy reads the instructions to retry after the route has changed the request's headers, those about times before;
clients' own are removed (proxy/seen.py). Source:
https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter, measured.
"""

from __future__ import annotations

import re
from math import ceil

from meshproof.border import expectation as border
from meshproof.border.grpc import is_grpc
from meshproof.mesh.model.virtual_service import HttpRoute, Retries
from meshproof.mesh.predict.header_effect import effect
from meshproof.mesh.predict.proxy.seen import Seen

# Istio's default: https://istio.io/latest/docs/concepts/traffic-management/#retries.
DEFAULT_ATTEMPTS = 2
STATUS_CODES = "retriable-status-codes"
DEFAULT = ("connect-failure", "refused-stream", "unavailable", "cancelled", STATUS_CODES)
# Which words each of the two headers may have.
HTTP_CONDITIONS = frozenset(
    {
        *("5xx", "gateway-error", "reset", "reset-before-request", "connect-failure", "retriable-4xx"),
        *("refused-stream", STATUS_CODES, "retriable-headers", "envoy-ratelimited", "http3-post-connect-failure"),
    }
)
GRPC_CONDITIONS = frozenset({"cancelled", "deadline-exceeded", "internal", "resource-exhausted", "unavailable"})
WHOLE = re.compile(r"\s*\+?[0-9]{1,9}\s*", re.ASCII)
TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])", re.ASCII)
MILLISECONDS = {"H": 3_600_000.0, "M": 60_000.0, "S": 1000.0, "m": 1.0, "u": 0.001, "n": 0.000_001}


def retries(route: HttpRoute) -> border.Retries | None:
    """What of retries is in force on a route, whose header values are written out; None: Istio's default as it is."""
    own, said = route.retries, _instructions(route)
    instructed = any(name in said for name in ("retry-on", "retry-grpc-on", "max-retries", "retriable-status-codes"))
    if own is None and not instructed:
        return None
    conditions, codes, attempts = _of_policy(own)
    words = [word for word in _words(said.get("retry-on", "")) if word in HTTP_CONDITIONS]
    words += [word for word in _words(said.get("retry-grpc-on", "")) if word in GRPC_CONDITIONS]
    if words and not attempts:
        attempts = 1
    conditions = tuple(dict.fromkeys((*conditions, *words)))
    codes += tuple(int(word) for word in _words(said.get("retriable-status-codes", "")) if WHOLE.fullmatch(word))
    if STATUS_CODES not in conditions:
        codes = ()
    most = said.get("max-retries", "")
    if conditions and WHOLE.fullmatch(most):
        attempts = int(most)
    text = ",".join((*conditions, *map(str, dict.fromkeys(codes)))) if own is None or own.retry_on or instructed else ""
    return border.Retries(
        attempts if conditions or not instructed else 0,
        own.per_try_timeout if own else None,
        text,
        own.location if own else route.location,
        own.back_off if own else None,
        own.ignore_previous_hosts if own else None,
        own.remote_localities if own else False,
    )


def retries_of(own: Retries) -> border.Retries:
    """What a policy alone says, where no route has a say."""
    found = retries(HttpRoute("", (), (), own.location, retries=own))
    assert found is not None
    return found


def _of_policy(own: Retries | None) -> tuple[tuple[str, ...], tuple[int, ...], int]:
    """The conditions, the status codes and the number of tries that the route's own policy asks for."""
    if own is None:
        return DEFAULT, (), DEFAULT_ATTEMPTS
    if not own.attempts:
        return (), (), 0
    if not own.retry_on:
        return DEFAULT, (), own.attempts
    words = [word.strip() for word in own.retry_on.split(",") if word.strip()]
    codes = tuple(int(word) for word in words if WHOLE.fullmatch(word))
    conditions = tuple(word for word in words if not WHOLE.fullmatch(word))
    return (*conditions, *([STATUS_CODES] if codes and STATUS_CODES not in conditions else [])), codes, own.attempts


def _instructions(route: HttpRoute) -> dict[str, str]:
    """The instructions that a route gives by request headers, by their names without `x-envoy-`."""
    stages = [[route.headers.request]]
    drawn = [one for one in route.destinations if one.weight or len(route.destinations) == 1]
    if len(route.destinations) == 1:
        stages = [[route.headers.request, *(one.headers.request for one in drawn)]]
    elif drawn:
        stages = [[drawn[0].headers.request], [route.headers.request]]
    found = effect(stages)
    several: dict[str, list[str]] = {}
    for name, value in (*found.exact, *found.added):
        several.setdefault(name.removeprefix("x-envoy-"), []).append(value)
    return {name: ",".join(values) for name, values in several.items()}


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def timeout(limit: float | None, request: Seen) -> float | None:
    """Seconds that a request may take in all; gRPC says it itself, up to the route's own `limit`."""
    own = limit or None
    if not is_grpc(request.text("content-type")):
        return own
    found = TIMEOUT.fullmatch(request.text("grpc-timeout"))
    asked = ceil(int(found[1]) * MILLISECONDS[found[2]]) / 1000 if found else 0.0
    return min(filter(None, (asked, own)), default=None)
