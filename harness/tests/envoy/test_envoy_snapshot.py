"""A snapshot checks itself."""

import io

import pytest
from meshproof.envoy import resource_types as types
from meshproof.envoy.clusters.cluster import cluster
from meshproof.envoy.node import Address, Proxy
from meshproof.envoy.resource import SnapshotError, resource
from meshproof.envoy.routes.virtual_host import Routes, route_configuration
from meshproof.envoy.snapshot import snapshot
from meshproof.envoy.translate import translate
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.model.destination_rule import TrafficPolicy

ROUTES = [
    {"match": {"prefix": "/a"}, "route": {"cluster": "plain"}},
    {"match": {"prefix": "/b"}, "route": {"weighted_clusters": {"clusters": [{"name": "w", "weight": {"value": 1}}]}}},
    {"match": {"prefix": "/c"}, "route": {"cluster": "plain", "request_mirror_policies": [{"cluster": "copy"}]}},
]
TABLE = route_configuration("80", [Routes(ROUTES).virtual_host("all", 80, ["*"])])


def test_every_dangling_reference_is_listed():
    base = {types.CLUSTER: [cluster("alone", TrafficPolicy())], types.ROUTE: [TABLE]}
    with pytest.raises(SnapshotError) as error:
        snapshot(base).check()
    assert error.value.detail.splitlines() == [
        "route configuration 80 refers to cluster plain, which does not exist",
        "route configuration 80 refers to cluster w, which does not exist",
        "route configuration 80 refers to cluster plain, which does not exist",
        "route configuration 80 refers to cluster copy, which does not exist",
        "cluster alone has no endpoint assignment alone",
    ]


def test_what_the_manifests_leave_undefined_is_allowed_by_name_only():
    with pytest.raises(SnapshotError, match=r"cluster copy, which") as error:
        snapshot({types.ROUTE: [TABLE]}, {"plain", "w"}).check()
    assert len(error.value.detail.splitlines()) == 1
    snapshot({types.ROUTE: [TABLE]}, {"plain", "w", "copy"}).check()


def test_a_listener_needs_its_route_table_and_its_secrets(build):
    whole = translate(build.mesh(), Proxy(), {})
    without = {url: named for url, named in whole.resources.items() if url != types.ROUTE}
    with pytest.raises(SnapshotError, match=r"listener 0.0.0.0_5000 refers to route configuration 5000"):
        type(whole)(whole.version, without).check()


def test_a_field_that_envoy_does_not_have_is_refused():
    with pytest.raises(SnapshotError, match="clusters c: not what Envoy understands"):
        resource(types.CLUSTER, {"name": "c", "lb_polcy": "RANDOM"})
    with pytest.raises(SnapshotError, match="routes: not what Envoy understands"):
        Routes([{"match": {"prefix": "/"}, "rout": {"cluster": "c"}}])


def test_an_undefined_subset_is_referred_to_as_istiod_names_it(build):
    result = translate(build.mesh(build.route(build.to("v3"))), Proxy(), {})
    name = "outbound|5000|v3|helloworld.default.svc.cluster.local"
    assert result.dangling == {name}
    assert name not in result.clusters
    assert name in str(result.of(types.ROUTE)["5000"])


def test_the_version_follows_the_content(build):
    at = {"default/helloworld-v1": (Address("p", {5000: ("127.0.0.1", 1)}),)}
    one, same, other = (translate(build.mesh(), Proxy(), addresses) for addresses in ({}, {}, at))
    assert one.version == same.version != other.version


@pytest.mark.parametrize(("target", "number"), [("8080", 9000), ("other", 9001)])
def test_a_machine_is_called_on_the_port_that_it_names_as_the_service_does(target: str, number: int) -> None:
    text = f"""\
apiVersion: v1
kind: Service
metadata: {{name: vm}}
spec: {{selector: {{app: vm}}, ports: [{{name: http, port: 80, targetPort: {target}}}]}}
---
apiVersion: networking.istio.io/v1
kind: WorkloadEntry
metadata: {{name: m}}
spec: {{address: 10.0.0.1, labels: {{app: vm}}, ports: {{http: 9000, other: 9001}}}}
"""
    mesh = build_all(load(["-"], stdin=io.StringIO(text))).mesh
    (one,) = mesh.workloads
    places = {port: ("10.0.0.1", port) for port in (8080, 9000, 9001)}
    document = translate(mesh, Proxy(), {one.key: (Address("m-0", places),)}).document()
    (found,) = [each for each in document["endpoints"] if each["cluster_name"].endswith("vm.default.svc.cluster.local")]
    (endpoint,) = found["endpoints"][0]["lb_endpoints"]
    assert endpoint["endpoint"]["address"]["socket_address"]["port_value"] == number
