"""The path that a backend sees, and where a redirect points.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRewrite and
#HTTPRedirect; Envoy's prefix_rewrite replaces what the match consumed: the prefix, or the whole path
of an exact or regex match.
"""

from __future__ import annotations

from meshproof.border.request import DEFAULT_PORTS, Request
from meshproof.mesh.model.regex import replace_all
from meshproof.mesh.model.virtual_service import MatchKind, Redirect, Rewrite, RouteMatch
from meshproof.mesh.predict.match import path_only


def rewritten(rewrite: Rewrite | None, match: RouteMatch | None, path: str) -> str:
    """The path after a rewrite, its query string kept."""
    if rewrite is None:
        return path
    bare = path_only(path)
    rest = path[len(bare) :]
    if rewrite.uri_regex:
        pattern, by = rewrite.uri_regex
        return replace_all(pattern, by, bare) + rest
    if not rewrite.uri:
        return path
    uri = match.uri if match else None
    if uri is None:
        return rewrite.uri + bare[1:] + rest
    if uri.kind is MatchKind.PREFIX:
        return rewrite.uri + bare[len(uri.value) :] + rest
    return rewrite.uri + rest


def location(redirect: Redirect, request: Request) -> str:
    """The Location header of a redirect."""
    scheme = redirect.scheme or request.scheme
    port = redirect.port or (request.port if redirect.derive_port == "FROM_REQUEST_PORT" else None)
    if port == DEFAULT_PORTS[scheme]:
        port = None
    host = redirect.authority or _host(request, scheme, port is not None)
    path = redirect.uri or request.path
    query = request.path[len(path_only(request.path)) :]
    if redirect.uri and "?" not in redirect.uri:
        path += query
    return f"{scheme}://{host}{f':{port}' if port else ''}{path}"


def https(request: Request) -> str:
    """Where a server with httpsRedirect points: whatever the Host header says, its port included."""
    return f"https://{request.authority}{request.path}"


def _host(request: Request, scheme: str, other_port: bool) -> str:
    """The Host header, without its port where another one is set, or where it was the other scheme's own."""
    name, _, port = request.authority.rpartition(":")
    if not name or not port.isdigit():
        return request.authority
    own = scheme != request.scheme and int(port) == DEFAULT_PORTS[request.scheme]
    return name if other_port or own else request.authority
