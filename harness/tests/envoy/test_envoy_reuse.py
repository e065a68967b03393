"""What a translation leaves for the next one changes nothing of what that gives."""

from dataclasses import replace

import pytest
from meshproof.envoy import resource_types as types
from meshproof.envoy import reuse
from meshproof.envoy.node import Address, Kind, Proxy
from meshproof.envoy.reuse import LIMIT, reused
from meshproof.envoy.routes import route
from meshproof.envoy.translate import translate
from meshproof.mesh.model.destination_rule import ConnectionPool, ConsistentHash, HashKind, LoadBalancer, TrafficPolicy

HASHED = TrafficPolicy(LoadBalancer.CONSISTENT_HASH, consistent_hash=ConsistentHash(HashKind.HEADER, "x-user"))
LIMITED = TrafficPolicy(connection_pool=ConnectionPool(max_connections=7))
AT = {"default/helloworld-v1": (Address("p", {5000: ("127.0.0.1", 1)}),)}


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch):
    monkeypatch.setattr(reuse, "_kept", type(reuse._kept)())


def meshes(build):
    """A mesh, and others that differ from it in one thing each."""
    base = build.mesh(build.split(90, 10))
    extra = build.service("extra")
    return {
        "base": base,
        "weight": build.mesh(build.split(80, 20)),
        "rule": replace(base, destination_rules=(build.rule(LIMITED),)),
        "hash": replace(base, destination_rules=(build.rule(HASHED),)),
        "no rule": replace(base, destination_rules=()),
        "no pods": replace(base, workloads=()),
        "no route": replace(base, virtual_services=()),
        "service": replace(base, services=(*base.services, extra)),
        "port": replace(base, services=(build.service(port=6000), extra)),
        "hidden": replace(base, services=(replace(base.services[0], export_to=("other",)),)),
        "exported": replace(base, virtual_services=(replace(base.virtual_services[0], export_to=("other",)),)),
    }


PROXIES = (Proxy(), Proxy(namespace="other"), Proxy(labels={"app": "web"}), Proxy(Kind.GATEWAY))


@pytest.mark.parametrize("proxy", PROXIES, ids=str)
def test_every_translation_after_another_is_the_same_as_the_first_one(build, proxy):
    several, fresh = meshes(build), {}
    for name, mesh in several.items():
        reuse._kept.clear()
        fresh[name] = translate(mesh, proxy, AT)
    reuse._kept.clear()
    for before in several.values():
        for name, mesh in several.items():
            translate(before, proxy, AT)
            assert translate(mesh, proxy, AT) == fresh[name], name
    assert len({one.version for one in fresh.values()}) > 3


def test_moved_pods_count(build):
    there, elsewhere = (translate(build.mesh(), Proxy(), addresses) for addresses in (AT, {}))
    assert there.named(types.ENDPOINT) != elsewhere.named(types.ENDPOINT)
    assert there.named(types.CLUSTER) == elsewhere.named(types.CLUSTER)


def test_what_has_not_changed_is_not_made_again(build, monkeypatch):
    made = []
    monkeypatch.setattr(route, "forward", lambda *given: made.append(given[1]))
    base = build.mesh(build.split(90, 10))
    other = build.virtual_service(build.route(build.to("v1")), hosts=("foreign.example",), name="other")
    first = replace(base, virtual_services=(*base.virtual_services, other))
    port = replace(base.services[0].ports[0], number=80)
    first = replace(first, services=(replace(base.services[0], ports=(port,)),))
    translate(first, Proxy(), {})
    assert len(made) == 2
    changed = build.virtual_service(build.split(80, 20))
    second = translate(replace(first, virtual_services=(changed, other)), Proxy(), {})
    assert made[2:] == [changed.http[0]]
    kept = translate(replace(first, virtual_services=(changed, other)), Proxy(), {})
    assert len(made) == 3
    for url in (types.CLUSTER, types.ENDPOINT):
        assert all(one is kept.named(url)[name] for name, one in second.named(url).items())


def test_equal_inputs_are_made_once_and_others_anew():
    made = iter(range(10))
    given = [reused("k", inputs, lambda: next(made)) for inputs in ((1, 2), (1, 2), (1, 3), (1, 2))]
    assert given == [0, 0, 1, 2]


def test_only_the_latest_are_kept():
    for number in range(LIMIT + 1):
        reused(number, (), object)
    oldest = reused(0, (), lambda: "made anew")
    assert oldest == "made anew"
    assert len(reuse._kept) == LIMIT
    assert reused(LIMIT, (), lambda: "made anew") != "made anew"
