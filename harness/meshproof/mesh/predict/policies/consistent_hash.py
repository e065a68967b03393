"""By what of a request a hash chooses its pod.

Two things have to come together: the destination chooses by a hash at all, which its policy says (policy.py), and
the route tells what to hash, which it looks up by itself: the settings of the subset's port, of the subset, of the
rule's port, of the rule, the first that there are. Those of ports count only where the destination names its port,
or where no VirtualService speaks of the Service. What the destinations of a route have hashed is combined into one
hash for all of them. Sources:
https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-ConsistentHashLB,
https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/route/v3/route_components.proto (HashPolicy), and for the
look-up istiod itself, measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshproof.border.request import Hashing, HashKey
from meshproof.mesh.model.destination_rule import ConsistentHash, TrafficPolicy
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, Destination, HttpRoute
from meshproof.mesh.predict import visibility
from meshproof.mesh.predict.match import Client
from meshproof.mesh.predict.policies import destination_rules
from meshproof.mesh.predict.policies.policy import NOTHING, in_force

# Envoy's own numbers, which istiod leaves as they are or repeats.
LEAST_RING, MAGLEV_TABLE = 1024, 65537
# With fewer entries of a ring for each pod, one of them may well own nearly all of it.
EVEN_ENTRIES = 64


def route_keys(mesh: Mesh, route: HttpRoute, client: Client) -> tuple[HashKey, ...]:
    """What a route has hashed."""
    lone = len(route.destinations) == 1
    drawn = [one.destination for one in route.destinations if lone or one.weight]
    found = (next(_looked_up(mesh, one, client), None) for one in drawn)
    return _keys(found)


def default_keys(mesh: Mesh, destination: Destination, client: Client) -> tuple[HashKey, ...]:
    """What is hashed of a request that no VirtualService speaks of."""
    whole = _rule_policy(mesh, destination, client)
    own = whole.ports.get(destination.port or client.port, NOTHING)
    return _keys([own.consistent_hash or whole.consistent_hash])


def hashing(
    mesh: Mesh,
    called: tuple[str, str, int],
    workloads: Iterable[str],
    keys: tuple[HashKey, ...],
    client: Client,
) -> Hashing | None:
    """How a hash of these keys chooses among the pods of a destination, `called` by host, subset and port."""
    settings = in_force(mesh, *called, client).consistent_hash
    if settings is None or not keys:
        return None
    pods = sum(found.replicas for key in workloads if (found := mesh.workload(key)))
    even = settings.maglev or settings.size is None or settings.size >= EVEN_ENTRIES * pods
    usual = MAGLEV_TABLE if settings.maglev else LEAST_RING
    return Hashing(keys, pods, even, settings.maglev, settings.size or usual, settings.location)


def _looked_up(mesh: Mesh, destination: Destination, client: Client) -> Iterator[ConsistentHash]:
    """The settings that a destination of a VirtualService finds, the first that counts in front."""
    whole, subset = _rule_policy(mesh, destination, client), NOTHING
    service = _service(mesh, destination, client)
    if service and destination.subset:
        found = destination_rules.subset(mesh, service, destination.subset, client.namespace, client.labels)
        subset = found.policy if found else NOTHING
    for policy in (subset, whole):
        named = policy.ports.get(destination.port) if destination.port else None
        for one in (named.consistent_hash if named else None, policy.consistent_hash):
            if one:
                yield one


def _service(mesh: Mesh, destination: Destination, client: Client) -> Service | None:
    """Whose rules count: also what a Sidecar leaves out and a rule leads to."""
    within = client.gateway == MESH_GATEWAY
    port = destination.port or client.port
    return visibility.destination(mesh, destination.host, port, client.namespace, within=within)


def _rule_policy(mesh: Mesh, destination: Destination, client: Client) -> TrafficPolicy:
    service = _service(mesh, destination, client)
    several = destination_rules.rules(mesh, service, client.namespace, client.labels) if service else ()
    return next((rule.policy for rule in several if rule.policy != NOTHING), NOTHING)


def _keys(several: Iterable[ConsistentHash | None]) -> tuple[HashKey, ...]:
    found = (
        HashKey(one.kind.value, one.name, one.ttl, one.path, one.attributes) for one in several if one and one.kind
    )
    return tuple(dict.fromkeys(found))
