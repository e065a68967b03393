"""HTTPRoutes, refused where the API server or istiod refuses them.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#httproute and the published CRD; what istiod makes of them:
pilot/pkg/config/kube/gateway/conversion.go (convertHTTPRoute). One rule that istiod cannot take makes it refuse the
whole route.
"""

from __future__ import annotations

from meshproof.errors import Location, Problem
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api import filters as own
from meshproof.mesh.build.gateway_api.backends import Backend, backend
from meshproof.mesh.build.gateway_api.cors import cors
from meshproof.mesh.build.gateway_api.durations import seconds
from meshproof.mesh.build.gateway_api.limits.counts import check
from meshproof.mesh.build.gateway_api.match import everything, route_match
from meshproof.mesh.build.gateway_api.parents import Parent, parents
from meshproof.mesh.build.visibility import created
from meshproof.mesh.model.unmodelled import Rule as Touched
from meshproof.mesh.model.virtual_service import (
    DirectResponse,
    HeaderChanges,
    HttpRoute,
    MatchKind,
    Mirror,
    Retries,
    RouteDestination,
    RouteMatch,
)
from meshproof.records import dataclass

GROUP = "gateway.networking.k8s.io"
IN_A_RULE = frozenset(own.FIELDS) - {"ExtensionRef", "ExternalAuth"}
# What istiod tries again wherever a rule has a retry of its own, beside the status codes that it names.
RETRIED = ("connect-failure", "refused-stream", "unavailable", "cancelled")
ATTEMPTS = 2
MOST_WEIGHT = 1_000_000
# Where no backend has a weight, and where one does not exist.
NO_BACKEND = 500


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, with its backends in the order of its destinations, and those of its mirrors."""

    route: HttpRoute
    backends: tuple[Backend, ...]
    mirrored: tuple[Backend, ...]


@dataclass(frozen=True, slots=True)
class Route:
    """One HTTPRoute or GRPCRoute, not yet attached.

    `created` is in RFC 3339 and UTC (empty: not told). `untaken` are what istiod refuses it for, and another controller
    may take.
    """

    name: str
    namespace: str
    hostnames: tuple[str, ...]
    parents: tuple[Parent, ...]
    rules: tuple[Rule, ...]
    location: Location
    created: str = ""
    kind: str = "HTTPRoute"
    untaken: tuple[Problem, ...] = ()

    @property
    def called(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def http_route(resource: Resource, findings: Findings) -> Route:
    spec = resource.body.need("spec")
    check(spec)
    rules = []
    given = spec.fields().get("rules")
    if given is None or given.data is None:
        # The API server puts one in: for every path, without a backend.
        rules.append(_without_rules(spec, resource))
    elif not spec.list("rules"):
        raise given.problem(
            "an HTTPRoute needs at least one rule", "or leave rules out, for all paths without a backend"
        )
    for position, value in enumerate(spec.list("rules")):
        with findings.gather(), findings.within(Touched(value.location)):
            rules.append(_rule(value, resource, position, findings))
    hostnames = tuple(one.text().lower() for one in spec.list("hostnames"))
    attached = parents(spec, resource.namespace, findings)
    return Route(
        resource.name,
        resource.namespace,
        hostnames,
        attached,
        tuple(rules),
        resource.location,
        created(resource),
        untaken=own.untaken(spec, IN_A_RULE),
    )


def _without_rules(spec: Value, resource: Resource) -> Rule:
    name = f"{resource.namespace}.{resource.name}.0"
    route = HttpRoute(name, (everything(spec),), (), spec.location, direct_response=DirectResponse(NO_BACKEND))
    return Rule(route, (), ())


def _rule(value: Value, resource: Resource, position: int, findings: Findings) -> Rule:
    named = value.get("name")
    found = own.filters(value, IN_A_RULE)
    matches = _matches(value)
    redirects, rewrites = found.get("RequestRedirect"), found.get("URLRewrite")
    if redirects and value.list("backendRefs"):
        raise value.need("backendRefs").problem("a rule with RequestRedirect cannot have backendRefs")
    modifier = own.replaces_prefix(found)
    if modifier and not (len(matches) == 1 and _is_prefix(matches[0])):
        raise modifier.problem("ReplacePrefixMatch needs a rule with exactly one match, of type PathPrefix")
    backends, destinations = backends_of(value, resource.namespace, findings)
    mirrors = [
        (one, backend(one.need("backendRef"), resource.namespace, findings)) for one in found.get("RequestMirror", [])
    ]
    limit, retries = _timeouts(value)
    policy = found.get("CORS")
    return Rule(
        HttpRoute(
            named.text() if named else f"{resource.namespace}.{resource.name}.{position}",
            matches,
            destinations,
            value.location,
            redirect=own.redirect(redirects[0]) if redirects else None,
            direct_response=None if redirects or destinations else DirectResponse(NO_BACKEND),
            rewrite=own.rewrite(rewrites[0], findings) if rewrites else None,
            timeout=limit,
            retries=retries,
            mirrors=tuple(mirror(one, aim) for one, aim in mirrors),
            cors=cors(policy[0]) if policy else None,
            headers=own.header_changes(found),
            missing_status=NO_BACKEND,
        ),
        backends,
        tuple(aim for _, aim in mirrors),
    )


def _matches(rule: Value) -> tuple[RouteMatch, ...]:
    given = rule.fields().get("matches")
    if given is None or given.data is None:
        return (everything(rule),)
    return tuple(route_match(one) for one in rule.list("matches"))


def _is_prefix(match: RouteMatch) -> bool:
    return match.uri is not None and match.uri.kind in (MatchKind.PREFIX, MatchKind.PATH_PREFIX)


def backends_of(
    rule: Value, namespace: str, findings: Findings
) -> tuple[tuple[Backend, ...], tuple[RouteDestination, ...]]:
    """The backends that get requests: what has no weight counts for nothing."""
    backends: list[Backend] = []
    destinations: list[RouteDestination] = []
    for value in rule.list("backendRefs"):
        given = value.get("weight")
        weight = given.whole(0, MOST_WEIGHT) if given else 1
        aim = backend(value, namespace, findings) if weight else None
        if aim is None:
            continue
        changes = own.header_changes(own.filters(value, own.HEADERS)) if value.get("filters") else HeaderChanges()
        backends.append(aim)
        destinations.append(RouteDestination(aim.destination, weight, changes, value.location))
    given = rule.get("backendRefs")
    if given and given.data and not destinations:
        findings.notice(given.location, f"no backend of this rule has a weight: the proxy answers {NO_BACKEND}")
    return tuple(backends), tuple(destinations)


def mirror(value: Value, aim: Backend) -> Mirror:
    share, coarse = own.mirror_share(value)
    return Mirror(aim.destination, share, value.location, coarse)


def _timeouts(rule: Value) -> tuple[float | None, Retries | None]:
    """The limit of the whole request, and the retries with the limit of each try.

    Without retries a try's limit is the request's own.
    """
    timeouts, retry = rule.get("timeouts"), rule.get("retry")
    request, each = (timeouts.get("request"), timeouts.get("backendRequest")) if timeouts else (None, None)
    whole, single = (seconds(one) if one else 0.0 for one in (request, each))
    if each and request and whole and single > whole:
        raise each.problem("backendRequest must not be longer than request")
    if retry is None:
        return single or whole or None, None
    attempts, back_off = retry.get("attempts"), retry.get("backoff")
    number = attempts.whole(1) if attempts else ATTEMPTS
    codes = [str(one.whole(400, 599)) for one in retry.list("codes")]
    said = ",".join((*RETRIED, *codes))
    pause = seconds(back_off) if back_off else None
    if back_off and not pause:
        raise back_off.problem("a backoff of no time", "Envoy refuses it: leave it out", by_envoy=True)
    return whole or None, Retries(number, single or None, said, retry.location, pause)
