"""The objects of a mesh that a load has changed: what it leaves out of the manifests, and the rule that it adds.

A load that proves one policy has a single rule, which leads to the policy's destination, and one that proves retries
has no policies that would refuse requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import ALONE, MESH_GATEWAY, Retries, VirtualService

Json = dict[str, Any]

ROUTING = frozenset({"VirtualService", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "Ingress"})
POOL, EJECTION, BUDGET, PORTS = "connectionPool", "outlierDetection", "retryBudget", "portLevelSettings"
ISTIO, GATEWAY_API = "networking.istio.io", "gateway.networking.k8s.io"
# By which protocol pods are called is no limit.
KEPT = ("useClientProtocol", "h2UpgradePolicy")


def altered(objects: Iterable[Json], mesh: Mesh) -> Iterator[Json]:
    """The objects as the mesh has them."""
    made = [one for one in mesh.virtual_services if one.name == ALONE]
    # What a BackendTLSPolicy makes may have the name of a rule that somebody wrote.
    written = (one for one in mesh.destination_rules if not one.backend_policy)
    limited = {(one.namespace, one.name): _is_limited(one) for one in written}
    for one in objects:
        metadata = one["metadata"]
        if made and one["kind"] in ROUTING:
            continue
        if one["kind"] == "DestinationRule" and limited.get((metadata.get("namespace"), metadata["name"])) is False:
            yield {**one, "spec": _unlimited(one["spec"])}
        else:
            yield one
    yield from map(_rule, made)


def _is_limited(rule: DestinationRule) -> bool:
    return any(
        policy.outlier_detection or policy.retry_budget or (policy.connection_pool and policy.connection_pool.location)
        for policy, _ in rule.policies
    )


def _unlimited(spec: Json) -> Json:
    """A DestinationRule's spec, or a subset, without connection pools, outlier detection and budgets of retries."""
    found = {name: value for name, value in spec.items() if name not in ("trafficPolicy", "subsets")}
    if policy := _policy(spec.get("trafficPolicy", {})):
        found["trafficPolicy"] = policy
    if "subsets" in spec:
        found["subsets"] = [_unlimited(one) for one in spec["subsets"]]
    return found


def _policy(policy: Json) -> Json:
    found = {name: value for name, value in policy.items() if name not in (POOL, EJECTION, BUDGET, PORTS)}
    http = policy.get(POOL, {}).get("http", {})
    if kept := {name: value for name, value in http.items() if name in KEPT}:
        found[POOL] = {"http": kept}
    # istiod takes no policy without a field, and none of a port that says its number alone.
    if ports := [one for each in policy.get(PORTS, ()) if len(one := _policy(each)) > 1]:
        found[PORTS] = ports
    return found


def _rule(made: VirtualService) -> Json:
    (route,) = made.http
    (aim,) = (one.destination for one in route.destinations)
    gateways = [one for one in made.gateways if one != MESH_GATEWAY]
    namespace, name, *listener = gateways[0].split("/") if gateways else ("", "")
    if listener:
        # No VirtualService may name a listener of the Gateway API.
        parent = {"namespace": namespace, "name": name, "sectionName": listener[0]}
        aims = [{"group": ISTIO, "kind": "Hostname", "name": aim.host, "port": aim.port}]
        retry = {"retry": _retry(route.retries)} if route.retries else {}
        spec: Json = {"parentRefs": [parent], "hostnames": list(made.hosts), "rules": [{"backendRefs": aims, **retry}]}
        return _object(f"{GATEWAY_API}/v1", "HTTPRoute", made, spec)
    port = {"port": {"number": aim.port}} if aim.port else {}
    subset = {"subset": aim.subset} if aim.subset else {}
    retries = {"retries": _retries(route.retries)} if route.retries else {}
    rule = {"route": [{"destination": {"host": aim.host, **subset, **port}}], **retries}
    spec = {"hosts": list(made.hosts), "http": [rule], **({"gateways": gateways} if gateways else {})}
    return _object(f"{ISTIO}/v1", "VirtualService", made, spec)


def _object(version: str, kind: str, made: VirtualService, spec: Json) -> Json:
    metadata = {"name": made.name, "namespace": made.namespace}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def _retry(retries: Retries) -> Json:
    codes = [int(one) for one in retries.retry_on.split(",") if one.isdigit()]
    return {"attempts": retries.attempts, **({"codes": codes} if codes else {})}


def _retries(retries: Retries) -> Json:
    found: Json = {"attempts": retries.attempts, "retryRemoteLocalities": retries.remote_localities}
    if retries.retry_on:
        found["retryOn"] = retries.retry_on
    if retries.per_try_timeout is not None:
        found["perTryTimeout"] = f"{retries.per_try_timeout:.9f}s"
    if retries.back_off is not None:
        found["backoff"] = f"{retries.back_off:.9f}s"
    if retries.ignore_previous_hosts is not None:
        found["retryIgnorePreviousHosts"] = retries.ignore_previous_hosts
    return found
