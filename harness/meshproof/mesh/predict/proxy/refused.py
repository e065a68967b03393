"""Requests that a proxy answers itself before any rule is looked at."""

from __future__ import annotations

from meshproof.border.request import Request
from meshproof.mesh.model.path import is_readable
from meshproof.mesh.predict.proxy.seen import FORWARDED_PROTO, UPGRADES, Seen
from meshproof.mesh.predict.proxy.sent import head_bytes, sent_headers
from meshproof.records import dataclass

BAD_REQUEST, FORBIDDEN, NOT_FOUND, TOO_LARGE = 400, 403, 404, 431
# What Envoy's HTTP/1 parser knows. CONNECT it knows too, but for a host alone, never for a path.
METHODS = frozenset(
    {
        *("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "QUERY", "PROPFIND", "PROPPATCH"),
        *("MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "SEARCH", "BIND", "REBIND", "UNBIND", "ACL", "REPORT"),
        *("MKACTIVITY", "CHECKOUT", "MERGE", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "PURGE", "MKCALENDAR"),
        *("LINK", "UNLINK", "SOURCE"),
    }
)
NO_SUCH_PATH = "no proxy takes such a path"
MOST_HEADERS = 100
MOST_BYTES = 60 << 10
# An id of the load generator has about so many bytes.
ID_BYTES = 24


@dataclass(frozen=True, slots=True)
class Refusal:
    """`status` is answered, by Envoy's parser where it is `raw`: as to any client, whatever it speaks."""

    status: int
    why: str
    raw: bool = False


def unread(request: Request) -> Refusal | None:
    """Why Envoy's parser does not take a request."""
    if request.method not in METHODS:
        return Refusal(BAD_REQUEST, f"Envoy knows no method {request.method}", raw=True)
    if not is_readable(request.path):
        return Refusal(BAD_REQUEST, NO_SUCH_PATH, raw=True)
    # The client's own id is one more.
    number = len(sent_headers(request)) + 1
    if number > MOST_HEADERS:
        return Refusal(TOO_LARGE, f"it has {number} headers, and Envoy takes {MOST_HEADERS}", raw=True)
    if head_bytes(request, ID_BYTES) > MOST_BYTES:
        return Refusal(TOO_LARGE, f"its head is longer than the {MOST_BYTES} bytes that Envoy takes", raw=True)
    return None


def refused_by_route(found: Seen) -> Refusal | None:
    """Why a proxy refuses a request for which it has a route."""
    if found.upgrade and found.upgrade not in UPGRADES:
        return Refusal(FORBIDDEN, "Istio's proxies change to no protocol but websocket")
    return None


def refusal(path: str | None, found: Seen) -> Refusal | None:
    """Why a proxy looks at no rule for a request; `path` is None where it cannot be normalised."""
    request = found.request
    if path is None:
        return Refusal(BAD_REQUEST, NO_SUCH_PATH)
    if request.method == "QUERY" and not found.text("content-type"):
        return Refusal(BAD_REQUEST, "Envoy takes no QUERY without a content-type")
    if found.headers[FORWARDED_PROTO] == ("",):
        return Refusal(NOT_FOUND, "an x-forwarded-proto without a value leaves it without a scheme")
    return None
