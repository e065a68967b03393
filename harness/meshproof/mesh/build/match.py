"""The conditions of an HTTP route.

Source: https://istio.io/latest/docs/reference/config/networking/virtual-service/#HTTPMatchRequest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT, labels
from meshproof.mesh.build.values.regex import checked_regex
from meshproof.mesh.build.visibility import LABEL
from meshproof.mesh.model import names
from meshproof.mesh.model.header_format import FIELD_NAME
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.virtual_service import MatchKind, RouteMatch, StringMatch

CLAIMS = "@request.auth.claims"
# envoy/config/route/v3/route_components.proto, QueryParameterMatcher.
LONGEST_PARAMETER = 1024
PSEUDO_HEADERS = frozenset({":method", ":scheme", ":authority", ":path", ":status"})


def string_match(value: Value, *, empty_prefix: bool = False, star: bool = False) -> StringMatch:
    """One of exact, prefix and regex; none of them asks for presence only, as the regex `*` does where `star` is."""
    given = [(kind, found) for kind in ("exact", "prefix", "regex") if (found := value.get(kind))]
    if len(given) > 1:
        raise value.problem(f"{value.name} has {' and '.join(kind for kind, _ in given)}", "give one of them")
    if not given:
        return StringMatch(MatchKind.PRESENT, "", value.location)
    kind, found = given[0]
    text = found.text()
    if kind == "regex" and text == "*" and star:
        return StringMatch(MatchKind.PRESENT, "", value.location)
    if kind == "prefix" and not text and not empty_prefix:
        raise found.problem(f"the prefix of {value.name} is empty", "an empty {} asks for presence")
    if kind == "regex":
        checked_regex(found, text, "write {} to ask for presence" if text == "*" else "")
    return StringMatch(MatchKind(kind), text, value.location)


def _named(
    value: Value | None, *, lower: bool, findings: Findings, star: bool = False
) -> tuple[tuple[str, StringMatch], ...]:
    several: list[tuple[str, StringMatch]] = []
    for key, condition in (value.fields() if value else {}).items():
        if key.startswith(CLAIMS):
            findings.unproved(condition.key or condition.location, f"{key} is not modelled: no token is checked here")
            continue
        if lower and not (key in PSEUDO_HEADERS or FIELD_NAME.fullmatch(key)):
            raise condition.problem(f"{key!r} is not a header name", "istiod refuses it")
        if not (lower or 0 < len(key.encode()) <= LONGEST_PARAMETER):
            why = f"the name of a query parameter has 1 to {LONGEST_PARAMETER} bytes"
            raise condition.problem(why, "istiod takes others, and Envoy refuses them", by_envoy=True)
        several.append((key.lower() if lower else key, string_match(condition, star=star)))
    return tuple(several)


def gateways(holder: Value, namespace: str) -> Iterator[str]:
    """The gateways of a VirtualService or of a condition; istiod checks none after the first plain name."""
    checked = True
    for one in holder.list("gateways"):
        if not one.text():
            raise one.problem("a gateway needs a name", "istiod refuses it: mesh is the name of all sidecars")
        own, slash, name = one.text().partition("/")
        if checked and not slash and (one.text().startswith("*") or not names.HOST.fullmatch(one.text())):
            raise one.problem(f"{one.shown} is no name of a gateway", "istiod refuses it")
        checked = checked and bool(slash)
        if checked and not (LABEL.fullmatch(own) and LABEL.fullmatch(name)):
            raise one.problem(f"the gateway {one.shown} is not namespace/name", "istiod refuses it: write both names")
        yield names.gateway(one.text(), namespace)


def route_match(value: Value, namespace: str, findings: Findings) -> RouteMatch:
    """One entry of `match`."""
    uri, ignore, port = value.get("uri"), value.get("ignoreUriCase"), value.get("port")
    scheme, method, authority = value.get("scheme"), value.get("method"), value.get("authority")
    source = value.get("sourceNamespace")
    if source and source.text() and not LABEL.fullmatch(source.text()):
        raise source.problem(f"sourceNamespace {source.shown} is no name of a namespace", "istiod refuses it")
    path = string_match(uri, empty_prefix=True) if uri else None
    bound = tuple(gateways(value, namespace))
    for one in filter(None, (value.get("sourceLabels"), source) if bound else ()):
        # istio/istio pilot/pkg/networking/core/route/route.go, sourceMatchHTTP.
        why = f"{one.name} counts for nothing beside gateways: every client that these gateways have is met"
        findings.notice(one.key or one.location, why, Topic.NO_EFFECT)
    return RouteMatch(
        location=value.location,
        uri=None if path and path.kind is MatchKind.PRESENT else path,
        ignore_uri_case=ignore.flag() if ignore else False,
        scheme=string_match(scheme) if scheme else None,
        method=string_match(method) if method else None,
        authority=string_match(authority) if authority else None,
        headers=_named(value.get("headers"), lower=True, findings=findings),
        without_headers=_named(value.get("withoutHeaders"), lower=True, findings=findings, star=True),
        query_params=_named(value.get("queryParams"), lower=False, findings=findings),
        # istiod takes port 0 as none.
        port=(port.whole(0, LARGEST_PORT) or None) if port else None,
        gateways=bound,
        source_labels=labels(value, "sourceLabels"),
        source_namespace=source.text() if source else "",
    )


Written = tuple[RouteMatch, Value]


def merged_matches(
    outer: Sequence[Written], inner: Sequence[Written], findings: Findings
) -> tuple[RouteMatch, ...] | None:
    """The conditions of a delegate's rule (`inner`) together with those of the rule that delegates to it.

    None where istiod leaves the rule out: one of its entries contradicts every entry of the other.
    """
    if not outer or not inner:
        return tuple(match for match, _ in (*outer, *inner))
    found: list[RouteMatch] = []
    for leaf in inner:
        fitting = [root for root in outer if not _contradict(root, leaf)]
        if not fitting:
            return None
        found += [_both(root, leaf, findings) for root in fitting]
    return tuple(found)


def _both(root: Written, leaf: Written, findings: Findings) -> RouteMatch:
    (wide, outer), (own, inner) = root, leaf

    def conditions(name: str, *, lower: bool) -> tuple[tuple[str, StringMatch], ...]:
        theirs, ours = outer.get(name), inner.get(name)
        taken = ours.fields() if ours else {}
        kept = {key: value for key, value in (theirs.fields() if theirs else {}).items() if key not in taken}
        star = name == "withoutHeaders"
        return _named(inner.holding({**kept, **taken}), lower=lower, findings=findings, star=star)

    return replace(
        own,
        uri=own.uri if inner.get("uri") else wide.uri,
        scheme=own.scheme or wide.scheme,
        method=own.method or wide.method,
        authority=own.authority or wide.authority,
        headers=conditions("headers", lower=True),
        without_headers=conditions("withoutHeaders", lower=True),
        query_params=conditions("queryParams", lower=False),
        port=own.port or wide.port,
        gateways=own.gateways or wide.gateways,
        source_labels={**wide.source_labels, **own.source_labels},
        source_namespace=own.source_namespace or wide.source_namespace,
    )


def _contradict(root: Written, leaf: Written) -> bool:
    """Whether istiod takes two entries to exclude each other (its hasConflict)."""
    (wide, outer), (own, inner) = root, leaf
    if any(_apart(outer.get(name), inner.get(name)) for name in ("uri", "scheme", "method", "authority")):
        return True
    for name in ("headers", "withoutHeaders", "queryParams"):
        theirs, ours = outer.get(name), inner.get(name)
        there = theirs.fields() if theirs else {}
        if any(_apart(there.get(key), value) for key, value in (ours.fields() if ours else {}).items()):
            return True
    if wide.ignore_uri_case != own.ignore_uri_case:
        return True
    if wide.port and own.port and wide.port != own.port:
        return True
    # A delegate says the namespace again, or contradicts it.
    if wide.source_namespace and own.source_namespace != wide.source_namespace:
        return True
    if any(wide.source_labels.get(name, value) != value for name, value in own.source_labels.items()):
        return True
    if not (wide.gateways and own.gateways):
        return False
    return len(wide.gateways) < len(own.gateways) or not set(own.gateways) <= set(wide.gateways)


def _apart(root: Value | None, leaf: Value | None) -> bool:
    """Whether two conditions on one value exclude each other; one that gives no text stands beside no other."""
    if root is None or leaf is None or root.data is None or leaf.data is None:
        return False
    (outer, wide), (inner, own) = _written(root), _written(leaf)
    if outer == "exact":
        return inner != "exact" or own != wide
    return not (outer == "prefix" and inner in ("prefix", "exact") and own.startswith(wide))


def _written(value: Value) -> tuple[str, str]:
    """The kind and the text of a condition; both empty where there is no text."""
    for kind in ("exact", "prefix", "regex"):
        if (found := value.get(kind)) and found.text():
            return kind, found.text()
    return "", ""
