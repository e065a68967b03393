"""A mesh is at rest when its proxies have no request under way; connections that are passed on are no requests."""

from __future__ import annotations

import asyncio

import pytest
from meshproof.errors import Location, TargetError
from meshproof.mesh.model.kubernetes import Service, ServicePort
from meshproof.mesh.model.mesh import Mesh
from meshproof.targets.at_rest import at_rest, under_way

HERE = Location("a.yaml", 1, 1)
CART = "cart.shop.svc.cluster.local"
PORTS = {80: ("http", False), 81: ("tcp", False), 82: ("tcp", True), 83: ("grpc", False)}


def mesh() -> Mesh:
    ports = tuple(ServicePort(number, "", number, name, HERE, sniffed) for number, (name, sniffed) in PORTS.items())
    return Mesh(services=(Service("cart", "shop", ports, {}, HERE),))


@pytest.mark.parametrize(
    ("statistic", "counts"),
    [
        (f"cluster.outbound|80||{CART}.upstream_rq_active", True),
        (f"cluster.outbound|80|v1|{CART}.upstream_rq_pending_active", True),
        (f"cluster.outbound|80||{CART};.upstream_rq_active", True),
        (f"cluster.outbound|82||{CART}.upstream_rq_active", True),
        (f"cluster.outbound|83||{CART}.upstream_rq_active", True),
        ("cluster.outbound|80||elsewhere.example.upstream_rq_active", True),
        (f"cluster.outbound|81||{CART}.upstream_rq_active", False),
        (f"cluster.outbound|80||{CART}.upstream_cx_active", False),
        ("cluster.xds-grpc.upstream_rq_active", False),
    ],
)
def test_what_counts_as_a_request_under_way(statistic: str, counts: bool) -> None:
    assert under_way({statistic: 2}, mesh()) == ([f"{statistic}: 2"] if counts else [])
    assert under_way({statistic: 0}, mesh()) == []


def test_requests_to_other_hosts_of_a_gateway_are_not_waited_for() -> None:
    busy = {f"cluster.outbound|80||{CART}.upstream_rq_active": 1}
    assert under_way(busy, mesh(), ("other.shop.svc.cluster.local",)) == []


def test_a_proxy_that_stays_busy_is_named_with_what_it_waits_for() -> None:
    async def gauges() -> dict[str, int]:
        return {f"cluster.outbound|80||{CART}.upstream_rq_active": 3}

    with pytest.raises(TargetError, match=r"gateway: requests were still under way after 0\.05 s") as raised:
        asyncio.run(at_rest({"gateway": gauges}, mesh(), 0.05))
    assert "upstream_rq_active: 3" in raised.value.detail
