"""When a route applies: Istio's HTTPMatchRequest as Envoy's RouteMatch.

https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest
https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto
"""

from __future__ import annotations

from meshproof.envoy.unit import Fields, wrapped
from meshproof.mesh.model.virtual_service import MatchKind, RouteMatch, StringMatch

# Not a regular expression: istiod reads it as "is there".
PRESENCE_REGEX = "*"


def string_matcher(match: StringMatch) -> Fields:
    """Envoy's StringMatcher; a regular expression matches the whole value."""
    if match.kind is MatchKind.REGEX:
        return {"safe_regex": {"regex": match.value}}
    return {match.kind.value: match.value}


def asks_presence(match: StringMatch) -> bool:
    return match.kind is MatchKind.PRESENT or (match.kind is MatchKind.REGEX and match.value == PRESENCE_REGEX)


def header_matcher(name: str, match: StringMatch) -> Fields:
    if asks_presence(match):
        return {"name": name, "present_match": True}
    return {"name": name, "string_match": string_matcher(match)}


def without_header_matcher(name: str, match: StringMatch) -> Fields:
    matcher = {**header_matcher(name, match), "invert_match": True}
    # Envoy refuses the two together; without it an absent header would not count as different.
    return matcher if asks_presence(match) else {**matcher, "treat_missing_header_as_empty": True}


def query_matcher(name: str, match: StringMatch) -> Fields:
    if asks_presence(match):
        return {"name": name, "present_match": True}
    return {"name": name, "string_match": string_matcher(match)}


def path_specifier(uri: StringMatch | None) -> Fields:
    if uri is None or uri.kind is MatchKind.PRESENT:
        return {"prefix": "/"}
    if uri.kind is MatchKind.REGEX:
        return {"safe_regex": {"regex": uri.value}}
    if uri.kind is MatchKind.PATH_PREFIX:
        return {"path_separated_prefix": uri.value}
    return {"path": uri.value} if uri.kind is MatchKind.EXACT else {"prefix": uri.value}


def route_match(match: RouteMatch | None) -> Fields:
    """Envoy's RouteMatch; None matches every request.

    Port, gateways and source are no part of it: they decide at translation whether there is a route at all.
    """
    if match is None:
        return {"prefix": "/"}
    result = {**path_specifier(match.uri), "case_sensitive": wrapped(not match.ignore_uri_case)}
    headers = [header_matcher(name, value) for name, value in match.headers]
    headers += [without_header_matcher(name, value) for name, value in match.without_headers]
    headers.sort(key=lambda matcher: str(matcher["name"]))
    for pseudo, value in ((":method", match.method), (":authority", match.authority), (":scheme", match.scheme)):
        if value is not None:
            headers.append(header_matcher(pseudo, value))
    if headers:
        result["headers"] = headers
    if match.query_params:
        result["query_parameters"] = [query_matcher(name, value) for name, value in match.query_params]
    return result


def is_catch_all(match: Fields) -> bool:
    """True for a RouteMatch that no request escapes, by istiod's measure."""
    everything = match.get("prefix") == "/" or match.get("safe_regex") == {"regex": ".*"}
    return everything and not match.get("headers") and not match.get("query_parameters")
