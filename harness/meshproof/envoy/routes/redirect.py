"""Answers that the proxy itself gives: redirects and direct responses.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRedirect
"""

from __future__ import annotations

from meshproof.envoy.unit import Fields
from meshproof.errors import Location, UsageError
from meshproof.mesh.model.virtual_service import DirectResponse, Redirect

CODES = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}
DEFAULT_PORTS = {"http": 80, "https": 443}
FROM_REQUEST_PORT = "FROM_REQUEST_PORT"


def redirect_port(redirect: Redirect, port: int, tls: bool) -> int | None:
    """The port that stands in the Location header: never a scheme's own."""
    chosen = port if redirect.derive_port == FROM_REQUEST_PORT else redirect.port
    scheme = redirect.scheme or ("https" if tls else "http")
    return None if chosen == DEFAULT_PORTS.get(scheme) else chosen


def redirect_action(redirect: Redirect, port: int, tls: bool, location: Location) -> Fields:
    """Envoy's RedirectAction for requests that came to `port`; UsageError for a code that Istio does not know."""
    if redirect.code not in CODES:
        raise UsageError(f"{location}: redirect code {redirect.code} is not one of {', '.join(map(str, CODES))}")
    action: Fields = {"response_code": CODES[redirect.code]}
    if redirect.authority:
        action["host_redirect"] = redirect.authority
    if redirect.prefix_rewrite:
        action["prefix_rewrite"] = redirect.prefix_rewrite
    elif redirect.uri:
        action["path_redirect"] = redirect.uri
    if redirect.scheme:
        action["scheme_redirect"] = redirect.scheme
    number = redirect_port(redirect, port, tls)
    if number:
        action["port_redirect"] = number
    return action


def direct_response_action(response: DirectResponse) -> Fields:
    return {"status": response.status, **({"body": {"inline_string": response.body}} if response.body else {})}
