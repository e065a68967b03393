"""Hashed choices on a real Envoy, where istiod has routes hash anything, and that what it hashes decides the pod."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace

import pytest
from meshproof.envoy.clusters.load_balancer import load_balancer
from meshproof.envoy.node import Proxy
from meshproof.envoy.translate import translate
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.model.destination_rule import (
    ConsistentHash,
    HashKind,
    LoadBalancer,
    Subset,
    TrafficPolicy,
)
from meshproof.mesh.model.virtual_service import Retries

BY_HEADER = ConsistentHash(HashKind.HEADER, "x-user", size=1024)
# So many that a pod of four without any is a matter of one run in 10 ** 11: where a ring's points lie depends on ports.
KEYS = [f"user-{number}" for number in range(96)]


def hashed(settings: ConsistentHash, **fields: object) -> TrafficPolicy:
    return TrafficPolicy(LoadBalancer.CONSISTENT_HASH, consistent_hash=settings, **fields)


def by_port(settings: ConsistentHash = BY_HEADER) -> TrafficPolicy:
    return TrafficPolicy(ports={5000: hashed(settings)})


def mesh_of(build, policy, *routes, subsets=(), replicas=2):
    mesh = build.mesh(*routes)
    pods = tuple(replace(one, replicas=replicas) for one in mesh.workloads)
    return replace(mesh, workloads=pods, destination_rules=(build.rule(policy, *subsets),))


def routes_of(mesh):
    (table,) = translate(mesh, Proxy(), {}).document()["routes"]
    return [route["route"] for host in table["virtual_hosts"] for route in host["routes"] if "route" in route]


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        (
            ConsistentHash(HashKind.HEADER, "a", size=1024),
            ("RING_HASH", "ring_hash_lb_config", "minimum_ring_size", 1024),
        ),
        (ConsistentHash(HashKind.HEADER, "a", size=7), ("RING_HASH", "ring_hash_lb_config", "minimum_ring_size", 7)),
        (
            ConsistentHash(HashKind.HEADER, "a", maglev=True, size=65537),
            ("MAGLEV", "maglev_lb_config", "table_size", 65537),
        ),
    ],
)
def test_a_cluster_is_a_ring_or_maglevs_table(settings, fields):
    policy, config, field, size = fields
    sized, unsized = settings, replace(settings, size=None)
    fields = {"lb_policy": policy, config: {field: {"value": size}}}
    assert load_balancer(LoadBalancer.CONSISTENT_HASH, sized, None) == fields
    assert load_balancer(LoadBalancer.CONSISTENT_HASH, unsized, None) == {"lb_policy": policy}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (BY_HEADER, {"header": {"header_name": "x-user"}}),
        (ConsistentHash(HashKind.QUERY_PARAMETER, "user"), {"query_parameter": {"name": "user"}}),
        (ConsistentHash(HashKind.SOURCE_IP), {"connection_properties": {"source_ip": True}}),
        (ConsistentHash(HashKind.COOKIE, "user"), {"cookie": {"name": "user"}}),
        (
            ConsistentHash(HashKind.COOKIE, "user", 300.0, "/shop", (("SameSite", "Lax"),)),
            {
                "cookie": {
                    "name": "user",
                    "ttl": "300s",
                    "path": "/shop",
                    "attributes": [{"name": "SameSite", "value": "Lax"}],
                }
            },
        ),
    ],
)
def test_a_route_hashes_what_is_named(build, settings, expected):
    (route,) = routes_of(mesh_of(build, hashed(settings)))
    assert route["hash_policy"] == [expected]


def test_nothing_is_hashed_where_no_key_is_named(build):
    (route,) = routes_of(mesh_of(build, hashed(ConsistentHash(None)), build.route(build.to())))
    assert "hash_policy" not in route
    assert "retry_host_predicate" not in route["retry_policy"]


@pytest.mark.parametrize(
    ("retries", "whole", "drawn"),
    [
        (None, False, True),
        (Retries(1, None, "", None), False, True),
        (Retries(1, None, "", None, ignore_previous_hosts=True), True, True),
        (Retries(1, None, "", None, ignore_previous_hosts=False), False, False),
    ],
)
def test_a_lone_hashed_destination_is_tried_again_at_the_same_host(build, retries, whole, drawn):
    lone = replace(build.route(build.to()), retries=retries)
    split = replace(build.split(50, 50), retries=retries)
    for route, expected in ((lone, whole), (split, drawn)):
        (action,) = routes_of(mesh_of(build, hashed(BY_HEADER), route))
        assert ("retry_host_predicate" in action["retry_policy"]) is expected
    (default,) = routes_of(mesh_of(build, hashed(BY_HEADER)))
    assert default["retry_policy"]["retry_host_predicate"]


V1 = Subset("v1", {"version": "v1"}, TrafficPolicy(), None)
OWN = ConsistentHash(HashKind.HEADER, "x-user", size=2048)


@pytest.mark.parametrize(
    ("policy", "subset", "destination", "sticky"),
    [
        (by_port(), None, None, True),
        (by_port(), None, {}, False),
        (by_port(), None, {"port": 5000}, True),
        (by_port(), None, {"subset": "v1"}, False),
        (by_port(), None, {"subset": "v1", "port": 5000}, True),
        (hashed(BY_HEADER), None, {"subset": "v1"}, True),
        (None, hashed(OWN), {"subset": "v1"}, True),
        (None, by_port(OWN), {"subset": "v1"}, False),
        (hashed(BY_HEADER), by_port(OWN), {"subset": "v1"}, True),
        (hashed(BY_HEADER), TrafficPolicy(LoadBalancer.RANDOM), {"subset": "v1"}, False),
        (hashed(BY_HEADER, ports={5000: TrafficPolicy(LoadBalancer.RANDOM)}), None, None, False),
    ],
)
def test_which_destinations_are_sticky(site, build, policy, subset, destination, sticky):
    own = replace(V1, policy=subset or TrafficPolicy(), location=build.here)
    routes = () if destination is None else (build.route(build.to(**destination)),)
    mesh = mesh_of(build, policy or TrafficPolicy(), *routes, subsets=(own,))

    async def scene():
        async with site() as s:
            _, ports = await s.serve(mesh)
            return {key: {(await s.ask(ports[5000], headers={"x-user": key}))[2] for _ in range(2)} for key in KEYS}

    pods = asyncio.run(scene())
    assert all(len(one) == 1 for one in pods.values()) is sticky
    assert len(set().union(*pods.values())) == (2 if destination and "subset" in destination else 4)


@pytest.mark.parametrize(
    ("settings", "ask"),
    [
        (ConsistentHash(HashKind.HEADER, "x-user", maglev=True, size=65537), lambda key: ("/", {"x-user": key})),
        (ConsistentHash(HashKind.QUERY_PARAMETER, "user"), lambda key: (f"/?a=b&user={key}", {})),
        (ConsistentHash(HashKind.COOKIE, "user"), lambda key: ("/", {"cookie": f"a=b; user={key}"})),
        (ConsistentHash(HashKind.COOKIE, "user", 300.0), lambda key: ("/", {"cookie": f"user={key}"})),
    ],
)
def test_each_kind_of_key_decides_the_pod_and_nothing_else_does(site, build, settings, ask):
    async def scene():
        async with site() as s:
            _, ports = await s.serve(mesh_of(build, hashed(settings)))

            async def pod(path, headers):
                _, told, body = await s.ask(ports[5000], path, headers=headers)
                assert "set-cookie" not in told
                return body

            keyed = {key: {await pod(*ask(key)) for _ in range(2)} for key in KEYS}
            without = {(await s.ask(ports[5000], headers={"x-other": "a"}))[2] for _ in range(40)}
            return keyed, without

    keyed, without = asyncio.run(scene())
    assert all(len(one) == 1 for one in keyed.values())
    assert len(set().union(*keyed.values())) == 4
    assert len(without) > 1


def test_all_requests_of_one_source_reach_one_pod(site, build):
    async def scene():
        async with site() as s:
            _, ports = await s.serve(mesh_of(build, hashed(ConsistentHash(HashKind.SOURCE_IP))))
            return {(await s.ask(ports[5000], headers={"x-user": key}))[2] for key in KEYS}

    assert len(asyncio.run(scene())) == 1


@pytest.mark.parametrize(
    ("ttl", "path", "expected"),
    [(300.0, "/shop", "Max-Age=300; Path=/shop; HttpOnly"), (0.0, "", "HttpOnly"), (None, "", None)],
)
def test_a_cookie_with_a_ttl_is_given_to_who_has_none(site, build, ttl, path, expected):
    settings = ConsistentHash(HashKind.COOKIE, "user", ttl, path)
    # One pod: the cookie is given even where there is nothing to choose, and not where no hash chooses.
    subsets = tuple(
        Subset(name, {"version": name}, policy, build.here)
        for name, policy in (("v1", TrafficPolicy()), ("v2", TrafficPolicy(LoadBalancer.RANDOM)))
    )

    async def scene():
        async with site() as s:
            mesh = mesh_of(build, hashed(settings), build.split(50, 50), subsets=subsets, replicas=1)
            _, ports = await s.serve(mesh)
            several = [await s.ask(ports[5000]) for _ in range(30)]
            return {(body, told.get("set-cookie", "").partition("; ")[2] or None) for _, told, body in several}

    assert asyncio.run(scene()) == {("helloworld-v1-0", expected), ("helloworld-v2-0", None)}


def test_a_hash_never_draws_the_destination(site, build):
    """Envoy draws weighted clusters at random (`use_hash_policy` is off); within each of them the hash decides."""

    async def scene():
        async with site() as s:
            _, ports = await s.serve(mesh_of(build, hashed(BY_HEADER), build.split(50, 50)))
            return [(await s.ask(ports[5000], headers={"x-user": "one"}))[2] for _ in range(40)]

    pods = asyncio.run(scene())
    assert {pod.rpartition("-")[0] for pod in pods} == {"helloworld-v1", "helloworld-v2"}
    assert len(set(pods)) == 2


def test_a_failing_pod_is_not_left_by_the_tries_of_its_keys(site, build):
    """Four tries of a request at the pod of its key; with retryIgnorePreviousHosts they move on."""

    async def scene(ignore):
        async with site() as s:
            route = replace(
                build.route(build.to()), retries=Retries(3, None, "5xx", build.here, ignore_previous_hosts=ignore)
            )
            mesh = mesh_of(build, hashed(BY_HEADER), route, replicas=1)
            await s.pods(replace(mesh, workloads=mesh.workloads[:1]), status=503)
            await s.pods(replace(mesh, workloads=mesh.workloads[1:]))
            envoy = await s.envoy()
            await envoy.apply(translate(mesh, Proxy(), s.addresses))
            ports = await envoy.ports()
            return [(await s.ask(ports[5000], headers={"x-user": key}))[0] for key in KEYS], len(
                s.seen["helloworld-v1-0"]
            )

    statuses, arrived = asyncio.run(scene(None))
    assert set(statuses) == {200, 503}
    assert arrived == 4 * statuses.count(503)
    statuses, _ = asyncio.run(scene(True))
    assert statuses.count(200) > statuses.count(503)


LEFT_OUT = """\
apiVersion: v1
kind: Service
metadata: {name: front}
spec: {selector: {app: front}, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: back}
spec: {selector: {app: back}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: back}
spec: {host: back, trafficPolicy: {loadBalancer: {consistentHash: {httpHeaderName: x-user}}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: front}
spec: {hosts: [front], http: [{route: [{destination: {host: back}}]}]}
---
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: limit}
spec: {egress: [{hosts: [./front.default.svc.cluster.local]}]}
"""


def test_a_destination_that_a_sidecar_leaves_out_has_the_hash_of_its_rule():
    mesh = build_all(load(["-"], stdin=io.StringIO(LEFT_OUT), strict=False)).mesh
    routes = routes_of(mesh)
    assert routes
    assert all(one["hash_policy"] == [{"header": {"header_name": "x-user"}}] for one in routes)
