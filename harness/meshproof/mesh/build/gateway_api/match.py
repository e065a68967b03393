"""The conditions of an HTTPRoute's rule, refused where the API server refuses them.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#httproutematch and the published CRD; what istiod makes of
them: pilot/pkg/config/kube/gateway/conversion.go.
"""

from __future__ import annotations

import re

from meshproof.manifest.value import Value
from meshproof.mesh.build.values.regex import envoy_regex
from meshproof.mesh.model.virtual_service import MatchKind, RouteMatch, StringMatch

PATH = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+")
FORBIDDEN = ("//", "/./", "/../", "%2f", "%2F", "#")
FORBIDDEN_ENDS = ("/..", "/.")
NAME = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
# istiod reads this text, which is no regular expression, as "is there".
PRESENCE = "*"


def everything(place: Value) -> RouteMatch:
    """What the API server puts in where a rule names no conditions: every path."""
    return RouteMatch(place.location, uri=StringMatch(MatchKind.PREFIX, "/", place.location))


def route_match(value: Value) -> RouteMatch:
    """One entry of `matches`; an entry without a path is for every path."""
    path, method = value.get("path"), value.get("method")
    return RouteMatch(
        location=value.location,
        uri=_path(path) if path else StringMatch(MatchKind.PREFIX, "/", value.location),
        method=StringMatch(MatchKind.EXACT, method.text(), method.location) if method else None,
        headers=named(value, "headers", lower=True),
        query_params=named(value, "queryParams", lower=False),
    )


def name(value: Value) -> str:
    """The name of a header or of a query parameter."""
    if not NAME.fullmatch(value.text()):
        raise value.problem(f"{value.shown} is no name of a header or parameter")
    return value.text()


def _path(value: Value) -> StringMatch:
    kind, given = value.get("type"), value.get("value")
    said, text = kind.text() if kind else "PathPrefix", given.text() if given else "/"
    place = given or value
    if said == "RegularExpression":
        return regex(place, text)
    _check_path(place, text)
    if said == "Exact":
        return StringMatch(MatchKind.EXACT, text, place.location)
    if text == "/":
        return StringMatch(MatchKind.PREFIX, text, place.location)
    return StringMatch(MatchKind.PATH_PREFIX, text.removesuffix("/"), place.location)


def _check_path(place: Value, text: str) -> None:
    if not text.startswith("/"):
        raise place.problem(f"a path begins with /, not {place.shown}")
    wrong = [one for one in FORBIDDEN if one in text] + [one for one in FORBIDDEN_ENDS if text.endswith(one)]
    if wrong or not PATH.fullmatch(text):
        why = f" ({wrong[0]} is not allowed there)" if wrong else ""
        raise place.problem(f"{place.shown} is no path that the API server takes{why}")


def named(value: Value, field: str, *, lower: bool) -> tuple[tuple[str, StringMatch], ...]:
    """Conditions on headers, or on query parameters."""
    found: dict[str, tuple[str, StringMatch]] = {}
    for one in value.list(field):
        called, kind = name(one.need("name")), one.get("type")
        given = one.need("value")
        if not given.text():
            raise given.problem("a condition needs a value of at least one character")
        if called in found:
            raise one.problem(f"{called} is given twice in {field}", "the API server takes each name once")
        condition = _condition(given, "Exact" if kind is None else kind.text())
        found[called] = (called.lower() if lower else called, condition)
    return tuple(found.values())


def _condition(given: Value, kind: str) -> StringMatch:
    if kind == "Exact":
        return StringMatch(MatchKind.EXACT, given.text(), given.location)
    if given.text() == PRESENCE:
        return StringMatch(MatchKind.PRESENT, "", given.location)
    return regex(given, given.text())


def regex(place: Value, text: str) -> StringMatch:
    """A regular expression, which neither the API server nor istiod reads; raises ManifestError for what is none."""
    return StringMatch(MatchKind.REGEX, envoy_regex(place, text), place.location)
