"""The path that a backend sees, and where a redirect points.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPRewrite and
#HTTPRedirect; Envoy's prefix_rewrite replaces what the match consumed: the prefix, or the whole path
of an exact or regex match.
"""

from __future__ import annotations

from meshproof.border.request import DEFAULT_PORTS, Request
from meshproof.mesh.model.virtual_service import MatchKind, Redirect, Rewrite, RouteMatch, StringMatch
from meshproof.mesh.predict.match import path_only


def rewritten(rewrite: Rewrite | None, match: RouteMatch | None, path: str) -> str:
    """The path after a rewrite, its query string kept."""
    if rewrite is None:
        return path
    bare = path_only(path)
    rest = path[len(bare) :]
    if rewrite.uri_regex:
        from meshproof.mesh.model.regex import replace_all

        pattern, by = rewrite.uri_regex
        return replace_all(pattern, by, bare) + rest
    if not rewrite.uri:
        return path
    uri = match.uri if match else None
    if uri is not None and uri.kind is MatchKind.PATH_PREFIX and rewrite.uri == "/":
        # The prefix goes, and what follows keeps the slash that it begins with.
        return "/" + bare[len(uri.value) :].removeprefix("/") + rest
    return _replaced(uri, rewrite.uri, bare) + rest


def _replaced(uri: StringMatch | None, by: str, bare: str) -> str:
    """A path with another text for what was matched of it."""
    if uri is None:
        return by + bare[1:]
    if uri.kind in (MatchKind.PREFIX, MatchKind.PATH_PREFIX):
        return by + bare[len(uri.value) :]
    return by


def location(redirect: Redirect, request: Request, match: RouteMatch | None = None) -> str:
    """The Location header of a redirect; `match` is what the request met."""
    scheme = redirect.scheme or request.scheme
    port = redirect.port or (request.port if redirect.derive_port == "FROM_REQUEST_PORT" else None)
    # istiod leaves a scheme's own port out by the listener, not by what the client says of its scheme.
    if port == DEFAULT_PORTS[redirect.scheme or (request.scheme if request.gateway else "http")]:
        port = None
    host = redirect.authority or _host(request, scheme, port is not None)
    path = redirect.uri or request.path
    bare = path_only(request.path)
    query = request.path[len(bare) :]
    if redirect.prefix_rewrite:
        path = _replaced(match.uri if match else None, redirect.prefix_rewrite, bare) + query
    elif redirect.uri and "?" not in redirect.uri:
        path += query
    slash = "" if path.startswith("/") else "/"
    return f"{scheme}://{host}{f':{port}' if port else ''}{slash}{path}"


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
