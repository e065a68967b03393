"""Connections that enter by a real Envoy as gateway, by the names in their handshakes; and TLS within the mesh."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from dataclasses import replace

import pytest
import trustme
from meshproof.envoy.node import Address, Kind, Proxy
from meshproof.envoy.translate import translate
from meshproof.mesh.model.gateway import Gateway, Server, ServerTls, TlsMode
from meshproof.mesh.model.kubernetes import Secret
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.pod_certificate import CERTIFICATE
from meshproof.mesh.model.virtual_service import TcpMatch, TcpRoute
from meshproof.workload.connection import Connection, Site
from meshproof.workload.hold import Hold
from meshproof.workload.ledger import Ledger
from meshproof.workload.message import Reply
from meshproof.workload.protocols.tcp import TcpConnection, greeting, is_raw

PROXY = Proxy(Kind.GATEWAY, "istio-system", {"istio": "ingressgateway"})
PASSING = ServerTls(TlsMode.PASSTHROUGH)
LINE = b"meshproof id\n"
ANY = ssl.create_default_context(cadata=CERTIFICATE)
ANY.check_hostname = False


def listening(name: str):
    """What serves one pod: the probe workload's own connections."""
    site = Site(lambda _: Reply(200, b""), b"", Ledger(), Hold())
    hello = greeting(name, f"default/{name}")
    return lambda: Connection(site, lambda data, *known: TcpConnection(site, hello, *known) if is_raw(data) else None)


async def ask(port: int, trusting: ssl.SSLContext | None = None, name: str = "") -> str:
    """The pod that greets; empty where nothing does."""
    own = {"ssl": trusting, "server_hostname": name} if trusting else {}
    try:
        async with asyncio.timeout(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, **own)
            writer.write(LINE)
            words = (await reader.readline()).decode().split()
            writer.close()
    except (ConnectionError, ssl.SSLError):
        return ""
    return words[1] if len(words) == 3 else ""


def drive(site, mesh: Mesh, proxy: Proxy, *asked: tuple) -> list[str]:
    """Who answers each (port or listener, trust, name)."""

    async def scene() -> list[str]:
        async with site() as s:
            loop = asyncio.get_running_loop()
            for workload in mesh.workloads:
                server = await loop.create_server(listening(workload.name), "127.0.0.1", 0)
                s.stack.callback(server.close)
                local = server.sockets[0].getsockname()[1]
                s.addresses[workload.key] = (Address(workload.name, {9000: ("127.0.0.1", local)}),)
            envoy = await s.envoy()
            await envoy.apply(translate(mesh, proxy, s.addresses))
            ports = {**await envoy.ports(), **await envoy.tcp_ports()}
            return [await ask(ports[one], *rest) if one in ports else "closed" for one, *rest in asked]

    return asyncio.run(scene())


@pytest.fixture
def entered(build):
    """helloworld on TCP port 9000, a Gateway of these servers, and rules for connections bound to it."""

    def make(servers: tuple[Server, ...], tcp=(), tls=(), **more) -> Mesh:
        own = Gateway("gw", "default", {"istio": "ingressgateway"}, servers, build.here)
        rules = replace(build.virtual_service(hosts=("*",), gateways=("default/gw",)), tcp=tcp, tls=tls)
        pods = (build.workload("v1", port=9000), build.workload("v2", port=9000))
        service = build.service(port=9000, protocol="tcp")
        return Mesh((service,), pods, (rules,), (build.rule(),), (own,), **more)

    return make


def server(build, port: int, protocol: str, *hosts: str, tls: ServerTls | None = None) -> Server:
    return Server(port, protocol, f"p{port}", hosts or ("*",), tls or ServerTls(), build.here)


def rule(build, *targets, names: tuple[str, ...] = (), **match) -> TcpRoute:
    return TcpRoute((TcpMatch(build.here, sni_hosts=names, **match),), targets, build.here)


def test_connections_are_drawn_by_weight(site, build, entered) -> None:
    mesh = entered((server(build, 31400, "TCP"),), tcp=(rule(build, build.to("v1", 3), build.to("v2", 1), port=31400),))
    seen = Counter(drive(site, mesh, PROXY, *[(31400,)] * 200))
    assert seen.keys() == {"helloworld-v1", "helloworld-v2"}
    # 50 are expected, with a standard deviation of 6: five of them either way.
    assert 20 <= seen["helloworld-v2"] <= 80


def test_tls_is_passed_on_by_the_most_specific_name(site, build, entered) -> None:
    rules = (
        rule(build, build.to("v1"), names=("*.a.org",)),
        rule(build, build.to("v2"), names=("x.a.org",)),
        rule(build, build.to("v9"), names=("nowhere.a.org",)),
    )
    mesh = entered((server(build, 443, "TLS", tls=PASSING),), tls=rules)
    names = ("x.a.org", "y.a.org", "b.x.a.org", "a.org", "nowhere.a.org")
    found = drive(site, mesh, PROXY, *((443, ANY, name) for name in names), (443,))
    assert found == ["helloworld-v2", "helloworld-v1", "helloworld-v1", "", "", ""]


def test_a_rule_for_every_name_takes_what_comes_without_tls_as_well(site, build, entered) -> None:
    mesh = entered((server(build, 443, "TLS", tls=PASSING),), tls=(rule(build, build.to("v1"), names=("*",)),))
    assert drive(site, mesh, PROXY, (443, ANY, "x"), (443,)) == ["helloworld-v1", "helloworld-v1"]


def test_tls_ends_at_the_gateway_with_its_certificate_beside_what_is_passed_on(site, build, entered) -> None:
    authority = trustme.CA()
    pair = authority.issue_cert("t.a.org")
    data = {"tls.crt": pair.cert_chain_pems[0].bytes(), "tls.key": pair.private_key_pem.bytes()}
    secret = Secret("cert", "istio-system", data, build.here)
    ending = ServerTls(TlsMode.SIMPLE, "cert", location=build.here)
    servers = (
        server(build, 443, "TLS", "t.a.org", tls=ending),
        server(build, 443, "TLS", "*.a.org", tls=replace(PASSING, location=build.here)),
    )
    mesh = entered(
        servers, (rule(build, build.to("v2")),), (rule(build, build.to("v1"), names=("*.a.org",)),), secrets=(secret,)
    )
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    asked = [(443, trusting, "t.a.org"), (443, ANY, "t.a.org"), (443, ANY, "u.a.org"), (443, trusting, "u.a.org")]
    assert drive(site, mesh, PROXY, *asked) == ["helloworld-v2", "", "helloworld-v1", ""]


def test_what_comes_later_on_a_port_and_a_server_without_rules_are_not_there(site, build, entered) -> None:
    servers = (server(build, 1000, "TCP"), server(build, 1000, "HTTP"), server(build, 2000, "TCP"))
    mesh = entered(servers, tcp=(rule(build, build.to("v1"), port=1000),))
    assert drive(site, mesh, PROXY, (1000,), (2000,)) == ["helloworld-v1", "closed"]


def test_within_the_mesh_tls_is_told_apart_by_its_names(site, build) -> None:
    rules = (rule(build, build.to("v1"), names=("a.org",)), rule(build, build.to("v2"), names=("*.org",)))
    owner = replace(build.virtual_service(), tls=rules)
    pods = (build.workload("v1", port=9000), build.workload("v2", port=9000))
    mesh = Mesh((build.service(port=9000, protocol="tls"),), pods, (owner,), (build.rule(),))
    name = f"{build.host}_9000"
    asked = [(name, ANY, host) for host in ("a.org", "b.org", "a.com")]
    assert drive(site, mesh, Proxy(), *asked) == ["helloworld-v1", "helloworld-v2", ""]
    assert drive(site, replace(mesh, virtual_services=()), Proxy(), asked[2]) != [""]
