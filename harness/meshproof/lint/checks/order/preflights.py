"""Rules with CORS that no browser's preflight meets: it is an OPTIONS, and has none of the page's own headers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.folder import Folder
from meshproof.mesh.model.virtual_service import HttpRoute, MatchKind, RouteMatch, StringMatch, VirtualService
from meshproof.mesh.predict.covering import covers
from meshproof.mesh.predict.match import string_matches

PREFLIGHT = "OPTIONS"
# What a browser or a proxy may have written: https://fetch.spec.whatwg.org/#cors-preflight-fetch.
WRITTEN = frozenset({"origin", "host", "user-agent", "referer", "via", "connection", "forwarded"})
BEGINNINGS = (":", "accept", "access-control-request-", "sec-", "x-forwarded-", "x-request-id", "x-envoy-")
Entry = tuple[HttpRoute, RouteMatch | None]


def unmet(folder: Folder) -> Iterator[Found]:
    """Rules with CORS none of whose entries takes a preflight, where it meets no other rule with CORS."""
    for one in folder.mesh.virtual_services:
        several: list[Entry] = [(route, match) for route in one.http for match in route.matches or (None,)]
        for route in one.http:
            if route.cors is None or route.redirect or route.direct_response or not route.matches:
                continue
            whys = [_lacking(match) for match in route.matches]
            if all(whys) and not _is_answered(one, several, route.matches[0]):
                text = f"no browser's preflight meets this rule: it has {whys[0]}, so it is answered without this CORS"
                yield Found(route.location, text)


def _lacking(match: RouteMatch) -> str:
    """What a preflight has otherwise than an entry asks for; empty where it may meet it."""
    method = match.method or dict(match.headers).get(":method")
    if method and not string_matches(method, PREFLIGHT):
        return f"the method {PREFLIGHT}"
    own = (name for name, _ in match.headers if name not in WRITTEN and not name.startswith(BEGINNINGS))
    name = next(own, "")
    return f"no header {name}" if name else ""


def _is_answered(one: VirtualService, several: Sequence[Entry], match: RouteMatch) -> bool:
    """Whether the preflight of what an entry takes is answered by another rule's CORS, or may be."""
    asked = StringMatch(MatchKind.EXACT, PREFLIGHT, match.location)
    narrow = replace(match, method=asked, headers=())
    taking = [(route, wide) for route, wide in several if wide is None or not _lacking(wide)]
    # HTTPRoutes have another order than that of their rules.
    ending = next((at for at, (_, wide) in enumerate(taking) if covers(wide, narrow) and not one.gateway_api), None)
    until = len(taking) if ending is None else ending + 1
    return any(route.cors is not None for route, _ in taking[:until])


CHECKS = (
    Check(
        "MP036",
        Severity.WARNING,
        "A rule with CORS meets no preflight",
        "Give the same `corsPolicy` to a rule that takes OPTIONS of that path without these headers.",
        unmet,
    ),
)
