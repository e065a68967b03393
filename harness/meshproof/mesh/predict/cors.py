"""What the CORS filter adds to answers, and the preflights that it answers itself.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#CorsPolicy.
"""

from __future__ import annotations

from meshproof.mesh.model.virtual_service import CorsPolicy, Headers
from meshproof.mesh.predict.match import string_matches
from meshproof.mesh.predict.proxy.seen import Seen


def allowed_origin(cors: CorsPolicy | None, request: Seen) -> str:
    """The request's Origin where the policy allows it, '' otherwise."""
    origin = request.text("origin")
    if cors is None or not origin:
        return ""
    allowed = any(string_matches(one, "*") or string_matches(one, origin) for one in cors.allow_origins)
    return origin if allowed else ""


def is_preflight(request: Seen) -> bool:
    """Whether the filter takes the request for a preflight."""
    return request.request.method == "OPTIONS" and bool(request.text("access-control-request-method"))


def answers(cors: CorsPolicy | None, origin: str, request: Seen) -> bool:
    """Whether the filter itself answers a request; `origin` is the request's where it is allowed."""
    if cors is None or not is_preflight(request):
        return False
    foreign = cors.answers_unmatched and bool(request.text("origin"))
    return bool(origin) or foreign


def answer_headers(cors: CorsPolicy, origin: str, request: Seen, *, preflight: bool) -> Headers:
    """The headers that the filter puts on an answer to an allowed origin (empty: to one that is not)."""
    headers = [("access-control-allow-origin", origin)] if origin else []
    if cors.allow_credentials:
        headers.append(("access-control-allow-credentials", "true"))
    if cors.expose_headers and origin:
        headers.append(("access-control-expose-headers", ",".join(cors.expose_headers)))
    if preflight:
        if cors.allow_methods:
            headers.append(("access-control-allow-methods", _allowed(cors.allow_methods, request, "method")))
        if cors.allow_headers:
            headers.append(("access-control-allow-headers", _allowed(cors.allow_headers, request, "headers")))
        if cors.max_age is not None:
            headers.append(("access-control-max-age", str(int(cors.max_age))))
    return tuple(headers)


def _allowed(listed: tuple[str, ...], request: Seen, what: str) -> str:
    """What is listed; `*` alone stands for what the preflight asks for."""
    return request.text(f"access-control-request-{what}") if listed == ("*",) else ",".join(listed)
