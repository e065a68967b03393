"""What the filters of an HTTPRoute's rule do, refused where the API server or istiod refuses them.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#httproutefilter; what istiod makes of them:
pilot/pkg/config/kube/gateway/conversion.go.
"""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction

from meshproof.errors import Problem
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.match import name
from meshproof.mesh.build.kubernetes import LARGEST_PORT
from meshproof.mesh.build.rules.headers import VALUE
from meshproof.mesh.build.values.line import one_line
from meshproof.mesh.model.header_format import NotAFormatError, is_taken
from meshproof.mesh.model.virtual_service import HeaderChange, HeaderChanges, Headers, Redirect, Rewrite

FIELDS = {
    "RequestHeaderModifier": "requestHeaderModifier",
    "ResponseHeaderModifier": "responseHeaderModifier",
    "RequestMirror": "requestMirror",
    "RequestRedirect": "requestRedirect",
    "URLRewrite": "urlRewrite",
    "CORS": "cors",
    "ExternalAuth": "externalAuth",
    "ExtensionRef": "extensionRef",
}
REPEATABLE = frozenset({"RequestMirror", "ExtensionRef", "ExternalAuth"})
HEADERS = frozenset({"RequestHeaderModifier", "ResponseHeaderModifier"})
REDIRECT_CODES = (301, 302, 303, 307, 308)
FOUND = 302
PREFIX, FULL = "ReplacePrefixMatch", "ReplaceFullPath"
ANY_PATH = "/.*"
PER_PERCENT = 10_000


def filters(rule: Value, taken: Collection[str]) -> dict[str, list[Value]]:
    """The filters of a rule or of a backend by their types; `taken` are the types that istiod takes there.

    Others are left out, and told by `untaken`.
    """
    found: dict[str, list[Value]] = {}
    for value in rule.list("filters"):
        kind = value.need("type").text()
        for said, field in FIELDS.items():
            if said == kind and value.get(field) is None:
                raise value.problem(f"a filter of type {kind} needs {field}")
            if said != kind and value.get(field) is not None:
                raise value.problem(f"a filter of type {kind} cannot have {field}")
        if kind in found and kind not in REPEATABLE:
            raise value.problem(f"the filter {kind} is given twice")
        found.setdefault(kind, []).append(value.need(FIELDS[kind]))
    if "RequestRedirect" in found and "URLRewrite" in found:
        raise rule.problem("a rule cannot have both RequestRedirect and URLRewrite")
    return {kind: several for kind, several in found.items() if kind in taken}


def untaken(spec: Value, taken: Collection[str]) -> tuple[Problem, ...]:
    """The filters of a route that istiod does not take; `taken` are the types that it takes in a rule.

    Another controller may take them: they are refused where a parent of the route is istiod's.
    """
    several: list[tuple[Value, Collection[str]]] = []
    for rule in spec.list("rules"):
        several += ((one, taken) for one in rule.list("filters"))
        several += ((one, HEADERS) for backend in rule.list("backendRefs") for one in backend.list("filters"))
    found = ((value, value.need("type").text(), kinds) for value, kinds in several)
    return tuple(
        Problem(value.location, f"istiod takes no filter of type {kind} here", "it refuses the whole route for it")
        for value, kind, kinds in found
        if kind not in kinds
    )


def header_changes(found: dict[str, list[Value]]) -> HeaderChanges:
    """The header modifiers; names come out in lower case."""
    request, response = (found.get(f"{side}HeaderModifier", [None])[0] for side in ("Request", "Response"))
    return HeaderChanges(_change(request), _change(response))


def _change(value: Value | None) -> HeaderChange:
    if value is None:
        return HeaderChange()
    removed = tuple(one_line(one).lower() for one in value.list("remove"))
    if "" in removed:
        raise value.need("remove").problem("a header to remove has no name", "Envoy refuses it", by_envoy=True)
    return HeaderChange(_headers(value, "set"), _headers(value, "add"), removed)


def _headers(value: Value, field: str) -> Headers:
    several: dict[str, str] = {}
    for one in value.list(field):
        given = one.need("value")
        if not given.text():
            raise given.problem("a header's value has at least one character", "the API server refuses it")
        if not VALUE.fullmatch(given.text()):
            raise given.problem("a header's value has no control characters", "Envoy refuses them", by_envoy=True)
        try:
            taken = is_taken(given.text())
        except NotAFormatError as error:
            hint = "write %% for a percent sign"
            raise given.problem(f"the value {given.shown} {error}", hint, by_envoy=True) from None
        if not taken:
            raise given.problem(f"the value {given.shown} has an operator that Envoy does not know", by_envoy=True)
        # Of names that differ in case alone the first counts.
        several.setdefault(name(one.need("name")).lower(), given.text())
    return tuple(several.items())


def rewrite(value: Value, findings: Findings) -> Rewrite | None:
    """URLRewrite; None for one that rewrites nothing."""
    host, path = value.get("hostname"), value.get("path")
    authority = host.text() if host else ""
    kind, text = _path(path)
    if kind == PREFIX:
        return Rewrite(text.removesuffix("/") or "/", authority)
    if kind == FULL:
        if not text.startswith("/") or "\\" in text:
            findings.unproved(value.location, f"a path rewritten to {text!r} is not modelled")
        return Rewrite("", authority, (ANY_PATH, text))
    return Rewrite("", authority) if authority else None


def redirect(value: Value) -> Redirect:
    """RequestRedirect; without a port it keeps that of the request, unless it names a scheme."""
    code, port, host = value.get("statusCode"), value.get("port"), value.get("hostname")
    scheme = value.get("scheme")
    number = code.whole() if code else FOUND
    if code and number not in REDIRECT_CODES:
        raise code.problem(f"statusCode must be one of {', '.join(map(str, REDIRECT_CODES))}, not {number}")
    kind, text = _path(value.get("path"))
    return Redirect(
        uri=text if kind == FULL else "",
        authority=host.text() if host else "",
        scheme=scheme.text() if scheme else "",
        port=port.whole(1, LARGEST_PORT) if port else None,
        derive_port="" if port or scheme else "FROM_REQUEST_PORT",
        code=number,
        prefix_rewrite=text if kind == PREFIX else "",
    )


def _path(value: Value | None) -> tuple[str, str]:
    """The type of a path modifier and its text; both empty where there is none."""
    if value is None:
        return "", ""
    kind = value.need("type").text()
    own, other = (
        ("replacePrefixMatch", "replaceFullPath") if kind == PREFIX else ("replaceFullPath", "replacePrefixMatch")
    )
    given = value.fields().get(own)
    if given is None or given.data is None:
        raise value.problem(f"a path modifier of type {kind} needs {own}")
    if value.get(other):
        raise value.problem(f"a path modifier of type {kind} cannot have {other}")
    return kind, one_line(given)


def replaces_prefix(found: dict[str, list[Value]]) -> Value | None:
    """The path modifier among some filters that replaces the matched prefix."""
    for kind in ("RequestRedirect", "URLRewrite"):
        for value in found.get(kind, ()):
            path = value.get("path")
            if path and path.need("type").text() == PREFIX:
                return path
    return None


def mirror_share(value: Value) -> tuple[Fraction, bool]:
    """The share of a RequestMirror, and whether it is drawn from a hundred: where none is given."""
    percent, fraction = value.get("percent"), value.get("fraction")
    if percent and fraction:
        raise value.problem("a mirror has percent or fraction, not both")
    if fraction:
        below = fraction.get("denominator")
        upper, lower = fraction.need("numerator").whole(), below.whole(1) if below else 100
        if upper > lower:
            raise fraction.problem("numerator must not be greater than denominator")
        # In floating point, as istiod reckons, and cut off to millionths.
        return Fraction(int(100 * float(upper) / float(lower) * PER_PERCENT), 10**6), False
    return (Fraction(percent.whole(0, 100), 100), False) if percent else (Fraction(1), True)
