"""What a resource is told to refer to is what its message names, and no more."""

from dataclasses import replace
from pathlib import Path

import pytest
from meshproof.envoy import resource_types as types
from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.snapshot import plain
from meshproof.envoy.translate import translate
from meshproof.manifest import load
from meshproof.mesh.build import assemble
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import TcpRoute

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(GOLDEN.glob("*.in.yaml"))


def under(value, wanted):
    """Every value that stands under the key `wanted`, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == wanted:
                yield inner
            yield from under(inner, wanted)
    elif isinstance(value, list):
        for inner in value:
            yield from under(inner, wanted)


def named_by(url, document):
    """(type, name) of everything that a decoded message names."""
    if url == types.CLUSTER:
        yield types.ENDPOINT, document["eds_cluster_config"]["service_name"]
    for one in under(document, "rds"):
        yield types.ROUTE, one["route_config_name"]
    for name in under(document, "cluster"):
        yield types.CLUSTER, name
    for several in under(document, "weighted_clusters"):
        yield from ((types.CLUSTER, one["name"]) for one in several["clusters"])
    for several in under(document, "tls_certificate_sds_secret_configs"):
        yield from ((types.SECRET, one["name"]) for one in several)
    for one in under(document, "validation_context_sds_secret_config"):
        yield types.SECRET, one["name"]


def connections(build):
    """Two services on TCP ports, one of which a VirtualService splits."""
    services = tuple(build.service(name, 9000 + at, "tcp") for at, name in enumerate(("helloworld", "other")))
    split = TcpRoute((), (build.to("v1", 90), build.to("v2", 10)), build.here)
    return Mesh(services, (), (replace(build.virtual_service(), tcp=(split,)),), (build.rule(),))


def snapshots(make):
    yield translate(connections(make), Proxy(), {})
    for case in CASES:
        mesh = assemble.build(load([str(case)]).resources).mesh
        yield translate(mesh, Proxy(labels={"app": "client"}), {})
        if mesh.gateways:
            yield translate(mesh, Proxy(Kind.GATEWAY, *mesh.pods_of(mesh.gateways[0])), {})


@pytest.mark.parametrize("url", [types.CLUSTER, types.LISTENER, types.ROUTE])
def test_references_are_those_of_the_message(build, url):
    met = set()
    for snapshot in snapshots(build):
        for one in snapshot.named(url).values():
            assert sorted(one.references) == sorted(named_by(url, plain(one.message))), one
            met.update(kind for kind, _ in one.references)
    expected = {types.CLUSTER: {types.ENDPOINT}, types.ROUTE: {types.CLUSTER}}
    assert met == expected.get(url, {types.ROUTE, types.CLUSTER, types.SECRET})


def test_endpoints_and_secrets_refer_to_nothing(build):
    for snapshot in snapshots(build):
        for url in (types.ENDPOINT, types.SECRET):
            assert not [one for one in snapshot.named(url).values() if one.references]
