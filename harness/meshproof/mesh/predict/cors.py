"""What the CORS filter adds to answers, and the preflights that it answers itself.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#CorsPolicy.
"""

from __future__ import annotations

from meshproof.border.request import Request
from meshproof.mesh.model.virtual_service import CorsPolicy, Headers
from meshproof.mesh.predict.match import header_values, string_matches


def allowed_origin(cors: CorsPolicy | None, request: Request) -> str:
    """The request's Origin where the policy allows it, '' otherwise."""
    origin = ",".join(header_values(request).get("origin", ()))
    if cors is None or not origin:
        return ""
    allowed = any(string_matches(one, "*") or string_matches(one, origin) for one in cors.allow_origins)
    return origin if allowed else ""


def is_preflight(request: Request) -> bool:
    """Whether the filter takes the request for a preflight."""
    return request.method == "OPTIONS" and bool(
        "".join(header_values(request).get("access-control-request-method", ()))
    )


def answer_headers(cors: CorsPolicy, origin: str, request: Request, *, preflight: bool) -> Headers:
    """The headers that the filter puts on an answer to an allowed origin."""
    headers = [("access-control-allow-origin", origin)]
    if cors.allow_credentials:
        headers.append(("access-control-allow-credentials", "true"))
    if cors.expose_headers:
        headers.append(("access-control-expose-headers", ",".join(cors.expose_headers)))
    if preflight:
        if cors.allow_methods:
            headers.append(("access-control-allow-methods", _allowed(cors.allow_methods, request, "method")))
        if cors.allow_headers:
            headers.append(("access-control-allow-headers", _allowed(cors.allow_headers, request, "headers")))
        if cors.max_age is not None:
            headers.append(("access-control-max-age", str(int(cors.max_age))))
    return tuple(headers)


def _allowed(listed: tuple[str, ...], request: Request, what: str) -> str:
    """What is listed; `*` alone stands for what the preflight asks for."""
    asked = header_values(request).get(f"access-control-request-{what}", ())
    return ",".join(asked) if listed == ("*",) else ",".join(listed)
