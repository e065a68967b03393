"""The conditions of an HTTP route.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest.
"""

from __future__ import annotations

from meshproof.manifest.value import Value
from meshproof.mesh.model import names
from meshproof.mesh.build.kubernetes import LARGEST_PORT, labels
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.virtual_service import MatchKind, RouteMatch, StringMatch
from meshproof.mesh.model.regex import NotRe2Error, compile_re2

CLAIMS = "@request.auth.claims"


def string_match(value: Value, *, empty_prefix: bool = False) -> StringMatch:
    """One of exact, prefix and regex; none of them, and the regex `*`, ask for presence only."""
    given = [(kind, found) for kind in ("exact", "prefix", "regex") if (found := value.get(kind))]
    if len(given) > 1:
        raise value.problem(f"{value.name} has {' and '.join(kind for kind, _ in given)}", "give one of them")
    if not given:
        return StringMatch(MatchKind.PRESENT, "", value.location)
    kind, found = given[0]
    text = found.text()
    if kind == "regex" and text == "*":
        return StringMatch(MatchKind.PRESENT, "", value.location)
    if kind == "prefix" and not text and not empty_prefix:
        raise found.problem(f"the prefix of {value.name} is empty", "an empty {} asks for presence")
    if kind == "regex":
        try:
            compile_re2(text)
        except NotRe2Error as error:
            raise found.problem(f"{found.shown} is no RE2 regular expression: {error}") from None
    return StringMatch(MatchKind(kind), text, value.location)


def _named(value: Value, name: str, *, lower: bool, findings: Findings) -> tuple[tuple[str, StringMatch], ...]:
    found = value.get(name)
    several: list[tuple[str, StringMatch]] = []
    for key, condition in (found.fields() if found else {}).items():
        if key.startswith(CLAIMS):
            findings.notice(condition.key or condition.location, f"{key} is not modelled: no token is checked here")
            continue
        # A null condition, as in `headers: {end-user: }`, asks for presence as {} does.
        match = (
            StringMatch(MatchKind.PRESENT, "", condition.key or condition.location)
            if condition.data is None
            else string_match(condition)
        )
        several.append((key.lower() if lower else key, match))
    return tuple(several)


def route_match(value: Value, namespace: str, findings: Findings) -> RouteMatch:
    """One entry of `match`."""
    uri, ignore, port = value.get("uri"), value.get("ignoreUriCase"), value.get("port")
    scheme, method, authority = value.get("scheme"), value.get("method"), value.get("authority")
    source = value.get("sourceNamespace")
    path = string_match(uri, empty_prefix=True) if uri else None
    return RouteMatch(
        location=value.location,
        uri=None if path and path.kind is MatchKind.PRESENT else path,
        ignore_uri_case=ignore.flag() if ignore else False,
        scheme=string_match(scheme) if scheme else None,
        method=string_match(method) if method else None,
        authority=string_match(authority) if authority else None,
        headers=_named(value, "headers", lower=True, findings=findings),
        without_headers=_named(value, "withoutHeaders", lower=True, findings=findings),
        query_params=_named(value, "queryParams", lower=False, findings=findings),
        # istiod takes port 0 as none.
        port=(port.whole(0, LARGEST_PORT) or None) if port else None,
        gateways=tuple(names.gateway(one.text(), namespace) for one in value.list("gateways")),
        source_labels=labels(value, "sourceLabels"),
        source_namespace=source.text() if source else "",
    )
