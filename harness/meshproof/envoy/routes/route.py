"""A VirtualService's rules as Envoy's routes.

After istio/istio pilot/pkg/networking/core/route/route.go.
"""

from __future__ import annotations

from meshproof.envoy.names import cluster_name
from meshproof.envoy.routes.cors import cors_config
from meshproof.envoy.routes.fault import fault_config
from meshproof.envoy.routes.gateway_api import NOT_FOUND_CODES, prefix_removed, sorted_entries
from meshproof.envoy.routes.hash_policy import hash_for_destination, hash_for_service, hash_policies
from meshproof.envoy.routes.headers import HeaderOperations, header_operations, merged
from meshproof.envoy.routes.match import is_catch_all, route_match
from meshproof.envoy.routes.mirror import mirror_policies
from meshproof.envoy.routes.redirect import direct_response_action, redirect_action
from meshproof.envoy.routes.retry import retry_policy
from meshproof.envoy.scope import Scope
from meshproof.envoy.unit import Fields, duration, wrapped
from meshproof.mesh.model.virtual_service import HttpRoute, RouteDestination, RouteMatch, VirtualService

NO_TIMEOUT = duration(0)


def default_route(host: str, scope: Scope) -> Fields:
    """Where a request goes that no VirtualService speaks of; it is retried at other hosts, also where a hash chose."""
    action = {
        "cluster": cluster_name(host, "", scope.port),
        **time_limits(None),
        "retry_policy": retry_policy(scope.mesh.config.retries),
        **hash_policies([hash_for_service(host, scope)]),
    }
    return {"name": "default", "match": route_match(None), "route": action}


def time_limits(timeout: float | None) -> Fields:
    """How long a request may take; one of gRPC may ask for less, or for any time where there is no limit."""
    limit = NO_TIMEOUT if timeout is None else duration(timeout)
    return {"timeout": limit, "max_grpc_timeout": limit}


def http_routes(virtual_service: VirtualService, scope: Scope) -> list[Fields]:
    """The routes of one VirtualService for one listener, in order; what follows a catch-all is left out."""
    routes: list[Fields] = []
    entries = [(rule, match) for rule in virtual_service.http for match in rule.matches or (None,)]
    for rule, match in sorted_entries(entries) if virtual_service.gateway_api else entries:
        if rule.missing or not scope.admits(match):
            continue
        routes.append(http_route(rule, match, scope))
        if is_catch_all(routes[-1]["match"]):
            return routes
    return routes


def http_route(rule: HttpRoute, match: RouteMatch | None, scope: Scope) -> Fields:
    """One Envoy route: one match of one rule."""
    operations = header_operations(rule.headers)
    route: Fields = {"match": route_match(match), **operations.mutations}
    if rule.name:
        route["name"] = rule.name
    if rule.redirect is not None:
        route["redirect"] = redirect_action(rule.redirect, scope.port, scope.tls, rule.location)
    elif rule.direct_response is not None:
        route["direct_response"] = direct_response_action(rule.direct_response)
    else:
        forward(route, rule, scope, operations.authority)
    if rule.delay or rule.abort or rule.cors:
        route["typed_per_filter_config"] = fault_config(rule.delay, rule.abort) | cors_config(rule.cors)
    return route


def forward(route: Fields, rule: HttpRoute, scope: Scope, authority: str) -> None:
    """Fill in the RouteAction of a rule that leads to destinations."""
    action: Fields = time_limits(rule.timeout)
    if rule.missing_status in NOT_FOUND_CODES:
        action["cluster_not_found_response_code"] = NOT_FOUND_CODES[rule.missing_status]
    if rule.rewrite is not None:
        if rule.rewrite.uri_regex is not None:
            pattern, substitution = rule.rewrite.uri_regex
            action["regex_rewrite"] = {"pattern": {"regex": pattern}, "substitution": substitution}
        elif rule.rewrite.uri == "/" and "path_separated_prefix" in route["match"]:
            action["regex_rewrite"] = prefix_removed(route["match"])
        elif rule.rewrite.uri:
            action["prefix_rewrite"] = rule.rewrite.uri
        authority = rule.rewrite.authority or authority
    if rule.mirrors:
        action["request_mirror_policies"] = mirror_policies(rule.mirrors, scope)
    drawn = rule.destinations if len(rule.destinations) == 1 else [one for one in rule.destinations if one.weight > 0]
    hashes = [hash_for_destination(one.destination, scope) for one in drawn]
    action |= hash_policies(hashes)
    policy = retry_policy(rule.retries, hashed=len(rule.destinations) == 1 and hashes[0] is not None)
    if policy is not None:
        action["retry_policy"] = policy
    if len(rule.destinations) == 1:
        only = rule.destinations[0]
        operations = header_operations(only.headers)
        action["cluster"] = scope.cluster(only.destination)
        route |= merged({name: route[name] for name in operations.mutations if name in route}, operations.mutations)
        authority = authority or operations.authority
    else:
        action["weighted_clusters"] = {"clusters": weighted(rule, scope)}
    if authority:
        action["host_rewrite_literal"] = authority
    route["route"] = action


def weighted(rule: HttpRoute, scope: Scope) -> list[Fields]:
    """Envoy's weighted clusters; a destination of weight 0 is left out, as istiod does."""
    # Where none has a weight istiod refuses the rule; nothing is sent to it then.
    chosen = [destination for destination in rule.destinations if destination.weight > 0] or rule.destinations
    return [weight(destination, header_operations(destination.headers), scope) for destination in chosen]


def weight(destination: RouteDestination, operations: HeaderOperations, scope: Scope) -> Fields:
    cluster: Fields = {"name": scope.cluster(destination.destination), "weight": wrapped(destination.weight or 1)}
    if operations.authority:
        cluster["host_rewrite_literal"] = operations.authority
    return {**cluster, **operations.mutations}
