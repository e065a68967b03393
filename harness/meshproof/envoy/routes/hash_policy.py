"""What of a request a route has hashed, for clusters that choose hosts by a hash.

After istio/istio pilot/pkg/networking/core/route/route.go (HashForHTTPDestination, hashForService and
ConsistentHashToHashPolicy). A route asks the DestinationRule by its own means: it may have no hash_policy though the
cluster is a ring, and one though it is none.
"""

from __future__ import annotations

from collections.abc import Iterable

from meshproof.envoy.clusters.destination_rule import NOTHING, merged
from meshproof.envoy.scope import Scope
from meshproof.envoy.unit import Fields, duration
from meshproof.envoy.visibility import imported_called, with_clusters
from meshproof.mesh.model.destination_rule import ConsistentHash, HashKind, TrafficPolicy
from meshproof.mesh.model.virtual_service import Destination


def hash_for_destination(destination: Destination, scope: Scope) -> ConsistentHash | None:
    """The settings that a VirtualService's destination finds; those of ports only where it names its port."""
    # Among them those that a Sidecar leaves out and a rule leads to.
    service = with_clusters(scope.mesh, scope.proxy).get(destination.host)
    if service is None:
        return None
    rule = merged(scope.mesh, service, scope.proxy)
    subset = rule.subset(destination.subset) if destination.subset else None
    for policy in (subset.policy, rule.policy) if subset else (rule.policy,):
        found = at_port(policy, destination.port) or policy.consistent_hash
        if found is not None:
            return found
    return None


def hash_for_service(host: str, scope: Scope) -> ConsistentHash | None:
    """The settings for requests that no VirtualService speaks of."""
    service = imported_called(scope.mesh, host, scope.proxy.namespace)
    policy = merged(scope.mesh, service, scope.proxy).policy if service else NOTHING
    return at_port(policy, scope.port) or policy.consistent_hash


def at_port(policy: TrafficPolicy, port: int | None) -> ConsistentHash | None:
    setting = policy.ports.get(port) if port is not None else None
    return setting.consistent_hash if setting else None


def hash_policies(several: Iterable[ConsistentHash | None]) -> Fields:
    """The field of a RouteAction, which is left out where nothing is hashed; Envoy combines the hashes of several."""
    policies = [hash_policy(one) for one in several if one is not None and one.kind is not None]
    return {"hash_policy": policies} if policies else {}


def hash_policy(settings: ConsistentHash) -> Fields:
    """One of Envoy's HashPolicy."""
    match settings.kind:
        case HashKind.HEADER:
            return {"header": {"header_name": settings.name}}
        case HashKind.QUERY_PARAMETER:
            return {"query_parameter": {"name": settings.name}}
        case HashKind.COOKIE:
            cookie: Fields = {"name": settings.name}
            if settings.ttl is not None:
                cookie["ttl"] = duration(settings.ttl)
            if settings.path:
                cookie["path"] = settings.path
            if settings.attributes:
                cookie["attributes"] = [{"name": name, "value": value} for name, value in settings.attributes]
            return {"cookie": cookie}
        case _:
            return {"connection_properties": {"source_ip": True}}
