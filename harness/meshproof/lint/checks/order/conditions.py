"""Conditions that no request can meet, and rewrites that leave a broken path."""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.folder import Folder, distinct
from meshproof.mesh.model.virtual_service import HttpRoute, MatchKind, RouteMatch, VirtualService
from meshproof.mesh.predict.rewrite import rewritten
from meshproof.mesh.requests.addresses import ports_of
from meshproof.mesh.requests.pattern import begins, needs, parse

PATTERN = re.compile(r"[/.)\]]\*|\.\+|\(\?|\(\.|\([^)]*\||\[[^\]]*\]|\\|\$$")
"""What a path that is compared letter by letter hardly has, and patterns do."""


def _entries(folder: Folder) -> Iterator[tuple[VirtualService, HttpRoute, RouteMatch]]:
    for one in folder.mesh.virtual_services:
        if not one.gateway_api:
            yield from ((one, route, match) for route in one.http for match in route.matches)


def paths(folder: Folder) -> Iterator[Found]:
    """Paths that no request has: without a slash in front, or with what is no part of a path."""
    yield from _patterns(folder)
    for _, _, match in _entries(folder):
        uri = match.uri
        if uri is None or uri.kind not in (MatchKind.EXACT, MatchKind.PREFIX) or not uri.value:
            continue
        if not uri.value.startswith("/") and not (uri.kind is MatchKind.EXACT and uri.value == "*"):
            yield Found(uri.location, f"every path begins with a slash, and {uri.value!r} does not")
        elif mark := next((one for one in "?#" if one in uri.value), ""):
            fix = "Match queryParams beside the path." if mark == "?" else "Leave the fragment out."
            yield Found(
                uri.location, f"the path is matched without what follows a {mark}: {uri.value!r} fits none", fix=fix
            )


def _patterns(folder: Folder) -> Iterator[Found]:
    """Patterns that match no path, and texts that look like patterns and are none."""
    for match in (match for one in folder.mesh.virtual_services for route in one.http for match in route.matches):
        uri = match.uri
        if uri is None or not uri.value:
            continue
        if uri.kind is not MatchKind.REGEX:
            if uri.value.startswith("/") and PATTERN.search(uri.value):
                told = f"{uri.value!r} is compared letter by letter: it is no pattern here"
                yield Found(uri.location, told, fix="Leave the pattern out, or match it as a regular expression.")
            continue
        pattern = parse(uri.value)
        if needs(pattern, b"?"):
            told = f"the path is matched without what follows a ?, and the regex {uri.value!r} asks for one"
            yield Found(uri.location, told, fix="Match queryParams beside the path.")
        elif not begins(pattern, b"/*"):
            told = f"a regex is for the whole path, every path begins with a slash, and {uri.value!r} takes none"
            yield Found(uri.location, told)


def strangers(folder: Folder) -> Iterator[Found]:
    """Entries for a gateway or a port that the VirtualService does not have."""
    for one, _, match in _entries(folder):
        if match.gateways and set(match.gateways).isdisjoint(one.gateways):
            named = distinct(match.gateways)
            yield Found(match.location, f"it is for requests by {named}, and the VirtualService is not bound to that")
            continue
        met = [name for name in one.gateways if not match.gateways or name in match.gateways]
        ports = ports_of(folder.mesh, one, met)
        if match.port is not None and ports and match.port not in ports:
            shown = distinct(str(port) for port in sorted(ports))
            yield Found(match.location, f"it is for port {match.port}, and requests come by port {shown} alone")


def slashes(folder: Folder) -> Iterator[Found]:
    """Prefixes whose replacement doubles a slash, or loses one."""
    for _, route, match in _entries(folder):
        uri, rewrite = match.uri, route.rewrite
        if uri is None or uri.kind is not MatchKind.PREFIX or rewrite is None or not rewrite.uri:
            continue
        asked = f"{uri.value.rstrip('/')}/item"
        found = rewritten(rewrite, match, asked)
        if "//" in found or not found.endswith("/item"):
            fix = f"End both with a slash: prefix {uri.value.rstrip('/')}/ and rewrite {rewrite.uri.rstrip('/')}/."
            yield Found(uri.location, f"{asked} is rewritten to {found}", fix=fix)


CHECKS = (
    Check("MP033", Severity.WARNING, "A condition on the path fits no request", "Correct the path.", paths),
    Check(
        "MP034",
        Severity.WARNING,
        "An entry is for a gateway or a port by which no request comes",
        "Bind the VirtualService to that gateway, or correct the entry.",
        strangers,
    ),
    Check(
        "MP035",
        Severity.WARNING,
        "A rewrite doubles or loses a slash",
        "End both the prefix and the rewrite with a slash.",
        slashes,
    ),
)
