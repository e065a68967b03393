"""Connections to TCP ports, translated and through real Envoy."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace

import pytest
from meshproof.envoy.listeners.tcp import listener_by_address
from meshproof.envoy.node import Address, Proxy
from meshproof.envoy.resource import SnapshotError
from meshproof.envoy.translate import translate
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import TcpMatch, TcpRoute

LISTENER = "helloworld.default.svc.cluster.local_9000"
OUT = "outbound|9000|{}|helloworld.default.svc.cluster.local"


@pytest.fixture
def tcp(build):
    """helloworld on TCP port 9000 with two subsets, and a VirtualService of these rules for connections."""

    def make(*rules: TcpRoute, protocol: str = "tcp") -> Mesh:
        service = build.service(port=9000, protocol=protocol)
        workloads = (build.workload("v1", port=9000), build.workload("v2", port=9000))
        owner = replace(build.virtual_service(), tcp=rules)
        return Mesh((service,), workloads, (owner,) if rules else (), (build.rule(),))

    return make


def route(build, *targets, **match) -> TcpRoute:
    return TcpRoute((TcpMatch(build.here, **match),) if match else (), targets, build.here)


def clusters(mesh: Mesh, proxy: Proxy | None = None) -> list[str]:
    (found,) = translate(mesh, proxy or Proxy(), {}).document()["listeners"]
    (connection,) = found["filter_chains"][0]["filters"]
    action = connection["typed_config"]
    several = action.get("weighted_clusters", {}).get("clusters", [])
    return [one["name"] for one in several] or [action["cluster"]]


@pytest.mark.parametrize("protocol", ["tcp", "mongo", "mysql", "redis"])
def test_a_tcp_port_has_a_listener_of_its_own(tcp, protocol) -> None:
    mesh = tcp(protocol=protocol)
    assert set(translate(mesh, Proxy(), {}).listeners) == {LISTENER}
    assert clusters(mesh) == [OUT.format("")]
    names = {name for name, _ in listener_by_address(mesh, Proxy())}
    assert {"helloworld", "helloworld.default", "helloworld.default.svc.cluster.local"} <= names
    assert ("helloworld", 9000) not in listener_by_address(mesh, Proxy(namespace="shop"))


def test_the_first_rule_that_is_for_the_listener_decides(build, tcp) -> None:
    rules = [
        route(build, build.to("v1"), port=1),
        route(build, build.to("v1"), gateways=("default/edge",)),
        route(build, build.to("v1"), source_namespace="shop", gateways=("mesh",)),
        route(build, build.to("v1"), source_labels={"app": "web"}),
        route(build, build.to("v2"), port=9000),
        route(build, build.to("v1")),
    ]
    assert clusters(tcp(*rules)) == [OUT.format("v2")]
    assert clusters(tcp(*rules), Proxy(labels={"app": "web"})) == [OUT.format("v1")]


def test_a_destination_of_weight_zero_is_left_out(build, tcp) -> None:
    rule = route(build, build.to("v1", 3), build.to("v2", 0), build.to("", 1))
    assert clusters(tcp(rule)) == [OUT.format("v1"), OUT.format("")]


def test_a_cluster_that_nothing_defines_is_a_fault_unless_the_manifests_name_it(build, tcp) -> None:
    found = translate(tcp(route(build, build.to("v9"))), Proxy(), {})
    assert OUT.format("v9") in found.dangling
    with pytest.raises(SnapshotError, match="refers to cluster"):
        replace(found, dangling=frozenset()).check()


async def ask(port: int) -> bytes:
    """What the pod says first, after the client has said something."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello\n")
    async with asyncio.timeout(10):
        try:
            answer = await reader.readline()
        except ConnectionError:
            answer = b""
    writer.close()
    return answer.strip()


def drive(site, mesh: Mesh, count: int) -> Counter[bytes]:
    async def scene() -> Counter[bytes]:
        async with site() as s:
            for workload in mesh.workloads:

                async def greet(reader, writer, name=workload.name) -> None:
                    writer.write(f"{name}\n".encode())
                    await reader.read()
                    writer.close()

                server = await asyncio.start_server(greet, "127.0.0.1", 0)
                s.stack.callback(server.close)
                local = server.sockets[0].getsockname()[1]
                s.addresses[workload.key] = (Address(workload.name, {9000: ("127.0.0.1", local)}),)
            envoy = await s.envoy()
            await envoy.apply(translate(mesh, Proxy(), s.addresses))
            assert await envoy.ports() == {}
            port = (await envoy.tcp_ports())[LISTENER]
            return Counter([await ask(port) for _ in range(count)])

    return asyncio.run(scene())


def test_real_envoy_draws_each_connection_by_weight(site, build, tcp) -> None:
    seen = drive(site, tcp(route(build, build.to("v1", 3), build.to("v2", 1))), 200)
    assert seen.keys() == {b"helloworld-v1", b"helloworld-v2"}
    # 50 are expected, with a standard deviation of 6: five of them either way.
    assert 20 <= seen[b"helloworld-v2"] <= 80


def test_real_envoy_sends_all_to_the_only_weight_and_closes_what_leads_nowhere(site, build, tcp) -> None:
    assert drive(site, tcp(route(build, build.to("v1", 0), build.to("v2", 5))), 20) == {b"helloworld-v2": 20}
    assert drive(site, tcp(route(build, build.to("v9"))), 3) == {b"": 3}
