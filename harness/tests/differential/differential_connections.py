"""Meshes of TCP and TLS drawn at random, connections to them, and the pods that greet."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from functools import cache
from random import Random

import trustme
from differential_manifests import GATEWAY_LABELS, Manifest
from differential_site import SIDECAR, Site
from meshproof.border.request import TLS, Request, Tls, connection
from meshproof.envoy.listeners.tcp import listener_by_address
from meshproof.envoy.node import Address, Kind, Proxy
from meshproof.envoy.translate import translate
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.pod_certificate import CERTIFICATE
from meshproof.workload.connection import Connection
from meshproof.workload.connection import Site as Served
from meshproof.workload.hold import Hold
from meshproof.workload.ledger import Ledger
from meshproof.workload.message import Reply
from meshproof.workload.protocols.tcp import TcpConnection, greeting, is_raw

NAMES = ("a.org", "x.a.org", "y.x.a.org", "b.org", "x.b.org")
PATTERNS = (*NAMES, "*.a.org", "*.x.a.org", "*.org", "*.b.org")
PORTS = (1000, 1001)
SERVICES = (("one", "tcp-a", 9000), ("two", "tcp-a", 9000), ("safe", "tls-a", 9443))
INGRESS = Proxy(Kind.GATEWAY, "istio-system", GATEWAY_LABELS)
WAIT = 10.0
Draw = Random


@cache
def authority() -> tuple[str, str, str]:
    """The authority of the gateways' certificate, the certificate and its key, in PEM."""
    own = trustme.CA()
    pair = own.issue_cert(*NAMES)
    return (
        own.cert_pem.bytes().decode(),
        pair.cert_chain_pems[0].bytes().decode(),
        pair.private_key_pem.bytes().decode(),
    )


@cache
def trust() -> Tls:
    """Whoever ends TLS is believed: a pod, or a gateway."""
    return Tls(ca=CERTIFICATE + authority()[0], any_name=True)


def manifests(draw: Draw) -> list[Manifest]:
    """Services with pods of two versions, Gateways whose servers meet on ports, and rules for connections."""
    made: list[Manifest] = []
    for name, port_name, port in SERVICES:
        ports = [{"name": port_name, "port": port, "targetPort": 9000}]
        made.append(_object("v1", "Service", name, {"selector": {"app": name}, "ports": ports}))
        subsets = [{"name": version, "labels": {"version": version}} for version in ("v1", "v2")]
        made.append(_object("networking.istio.io/v1", "DestinationRule", name, {"host": name, "subsets": subsets}))
        for version in ("v1", "v2"):
            labels = {"app": name, "version": version}
            container = {"name": "c", "image": "x", "ports": [{"containerPort": 9000}]}
            template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
            spec = {"selector": {"matchLabels": labels}, "template": template}
            made.append(_object("apps/v1", "Deployment", f"{name}-{version}", spec))
    _, certificate, key = authority()
    secret = _object("v1", "Secret", "cert", None)
    secret["metadata"]["namespace"] = "istio-system"
    made.append({**secret, "stringData": {"tls.crt": certificate, "tls.key": key}})
    gateways = [f"g{number}" for number in range(draw.randint(1, 3))]
    for name in gateways:
        servers = [_server(draw, f"{name}-{number}") for number in range(draw.randint(1, 3))]
        made.append(
            _object("networking.istio.io/v1", "Gateway", name, {"selector": GATEWAY_LABELS, "servers": servers})
        )
    made += [_virtual_service(draw, f"vs{number}", gateways) for number in range(draw.randint(1, 4))]
    draw.shuffle(made)
    return made


def _object(version: str, kind: str, name: str, spec: object) -> Manifest:
    found: Manifest = {"apiVersion": version, "kind": kind, "metadata": {"name": name}}
    return found if spec is None else {**found, "spec": spec}


def _server(draw: Draw, name: str) -> Manifest:
    protocol = draw.choice(("TCP", "TLS", "TLS", "TLS", "HTTPS", "HTTP"))
    hosts = draw.sample(("*", *PATTERNS), draw.randint(1, 2))
    limit = draw.choice(("", "", "", "./", "other/"))
    port = {"number": draw.choice(PORTS), "name": name, "protocol": protocol}
    made: Manifest = {"port": port, "hosts": [f"{limit}{one}" for one in (["*"] if "*" in hosts else hosts)]}
    if protocol in ("TLS", "HTTPS"):
        ending = {"mode": "SIMPLE", "credentialName": "cert"}
        made["tls"] = draw.choice(({"mode": "PASSTHROUGH"}, {"mode": "PASSTHROUGH"}, ending))
    return made


def _virtual_service(draw: Draw, name: str, gateways: list[str]) -> Manifest:
    inside = draw.random() < 0.4
    hosts = ["safe.default.svc.cluster.local", "one"] if inside else draw.sample(PATTERNS, draw.randint(1, 3))
    if not inside and draw.random() < 0.4:
        hosts = ["*"]
    hosts = [one for one in hosts if not any(one != other and _covers(other, one) for other in hosts)]
    bound = ["mesh"] if inside else draw.sample(gateways, draw.randint(1, len(gateways)))
    names = [one for one in (*NAMES, *PATTERNS) if any(_covers(host, one) for host in hosts)]
    spec: Manifest = {"hosts": hosts, "gateways": bound}
    if inside:
        names = hosts[:1]
    spec["tcp"] = [_rule(draw, bound, ()) for _ in range(draw.randint(1, 2))]
    if names:
        spec["tls"] = [_rule(draw, bound, names) for _ in range(draw.randint(1, 3))]
    return _object("networking.istio.io/v1", "VirtualService", name, spec)


def _covers(pattern: str, name: str) -> bool:
    return name.endswith(pattern[1:]) and len(name) >= len(pattern) if pattern.startswith("*") else pattern == name


def _rule(draw: Draw, gateways: list[str], names: tuple[str, ...] | list[str]) -> Manifest:
    matches = []
    for _ in range(draw.randint(1 if names else 0, 2)):
        one: Manifest = (
            {"sniHosts": sorted({draw.choice(list(names)) for _ in range(draw.randint(1, 2))})} if names else {}
        )
        if draw.random() < 0.5:
            one["port"] = draw.choice((*PORTS, 9000, 9443))
        if draw.random() < 0.3:
            one["gateways"] = [draw.choice((*gateways, "mesh"))]
        if draw.random() < 0.3:
            one["sourceLabels"] = {"app": draw.choice(("client", "other"))}
        matches.append(one)
    several = draw.randint(1, 2)
    route = [{"destination": _destination(draw), "weight": draw.choice((1, 2, 3))} for _ in range(several)]
    return {"route": route, **({"match": matches} if matches else {})}


def _destination(draw: Draw) -> Manifest:
    host = draw.choice(("one", "two", "safe", "one", "two", "nowhere"))
    found: Manifest = {"host": host, "subset": draw.choice(("v1", "v2", "v1", "v2", "v9"))}
    if draw.random() < 0.3:
        found["port"] = {"number": 9000}
    return found


def connections(draw: Draw, mesh: Mesh, count: int) -> list[Request]:
    """Connections to ports of Gateways and of Services."""
    found = []
    for _ in range(count):
        scheme = draw.choice(("tcp", TLS, TLS))
        if draw.random() < 0.25:
            # Whatever is sent to a port, TLS or not: a sidecar looks at names in handshakes, where rules have any.
            host, port = draw.choice((("safe", 9443), ("safe", 9443), ("one", 9000), ("two", 9000)))
            name = draw.choice((host, f"{host}.default.svc.cluster.local"))
            found.append(connection(name, port, scheme=scheme, tls=trust() if scheme == TLS else None))
            continue
        gateway = draw.choice(mesh.gateways).key
        tls = trust() if scheme == TLS else None
        found.append(connection(draw.choice(NAMES), draw.choice(PORTS), scheme=scheme, gateway=gateway, tls=tls))
    return found


@dataclass
class Greeters:
    """Pods that say who they are, behind the two proxies of a site."""

    site: Site
    local: dict[str, int] = field(default_factory=dict)
    ports: dict[bool, dict[int, int]] = field(default_factory=dict)
    own: dict[tuple[str, int], int] = field(default_factory=dict)

    async def put_on(self, mesh: Mesh) -> None:
        """Hand both proxies their configuration."""
        for workload in mesh.workloads:
            if workload.key not in self.local:
                server = await asyncio.get_running_loop().create_server(greeter(workload.key), "127.0.0.1", 0)
                self.site.stack.callback(server.close)
                self.local[workload.key] = server.sockets[0].getsockname()[1]
        here = {key: (Address(key, {9000: ("127.0.0.1", port)}),) for key, port in self.local.items()}
        for gateway, envoy, proxy in ((False, self.site.sidecar, SIDECAR), (True, self.site.ingress, INGRESS)):
            await envoy.apply(translate(mesh, proxy, here))
            self.ports[gateway] = await envoy.ports()
        opened = await self.site.sidecar.tcp_ports()
        self.own = {at: opened[name] for at, name in listener_by_address(mesh, SIDECAR).items()}

    async def ask(self, request: Request) -> str:
        """The workload that greets; empty where none does."""
        local = self.ports[True].get(request.port) if request.gateway else self.own.get((request.host, request.port))
        if local is None:
            return ""
        own = {"ssl": trusting(), "server_hostname": request.host} if request.scheme == TLS else {}
        try:
            async with asyncio.timeout(WAIT):
                reader, writer = await asyncio.open_connection("127.0.0.1", local, **own)
                writer.write(b"meshproof id\n")
                words = (await reader.readline()).decode("latin-1").split()
                writer.close()
        except (ConnectionError, ssl.SSLError):
            return ""
        return words[2] if len(words) == 3 and words[0] == "meshproof" else ""


def greeter(key: str):
    """What serves a pod: the probe workload's own connections."""
    site = Served(lambda _: Reply(200, b""), b"", Ledger(), Hold())
    hello = greeting("pod", key)
    return lambda: Connection(site, lambda data, *known: TcpConnection(site, hello, *known) if is_raw(data) else None)


@cache
def trusting() -> ssl.SSLContext:
    made = ssl.create_default_context(cadata=trust().ca)
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    made.check_hostname = False
    return made
