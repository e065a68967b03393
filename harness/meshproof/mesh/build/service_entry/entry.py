"""ServiceEntries, refused where istiod refuses them.

Source: https://istio.io/latest/docs/reference/config/networking/service-entry/, and istiod's validation
(pkg/config/validation, ValidateServiceEntry).
"""

from __future__ import annotations

from meshproof.errors import Location
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT, labels, proxies_own
from meshproof.mesh.build.service_entry.endpoint import PORT_NAME, UNIX, Endpoint, endpoint, is_address, is_subnet
from meshproof.mesh.build.traffic_policy.locality import distribution
from meshproof.mesh.build.visibility import created, export_to
from meshproof.mesh.model.kubernetes import Labels, ServicePort
from meshproof.mesh.model.names import HOST
from meshproof.mesh.model.traffic_policy.locality import Distribution
from meshproof.mesh.model.unmodelled import Asked, Called, Sent
from meshproof.records import dataclass

HTTP = frozenset({"http", "http2", "http_proxy", "grpc", "grpc-web"})
TLS = frozenset({"https", "tls"})
UDP = "udp"
PROTOCOLS = HTTP | TLS | {"tcp", UDP, "mongo", "redis", "mysql"}
NONE, STATIC, DNS, ROUND_ROBIN, DYNAMIC = "NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"
RESOLVED = frozenset({DNS, ROUND_ROBIN})
# pilot/pkg/networking/core/cluster.go (buildOutboundClusters): Envoy's dynamic forward proxy.
DYNAMICALLY = frozenset({"http", "http2", "grpc", "tls"})
LOOKED_UP = f"resolution {DYNAMIC} is not modelled: proxies look up the very name that each request asks for"
NEEDS = "to have a host proved, give it a ServiceEntry of its own with resolution DNS"


@dataclass(frozen=True, slots=True)
class Entry:
    """One ServiceEntry; `hosts` in lower case, `selector` None where it has none."""

    resource: Resource
    hosts: tuple[str, ...]
    ports: tuple[ServicePort, ...]
    resolution: str
    endpoints: tuple[Endpoint, ...]
    selector: Labels | None
    export_to: tuple[str, ...] = ()
    created: str = ""
    alternative_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    own_addresses: tuple[str, ...] = ()
    distribution: Distribution | None = None

    @property
    def location(self) -> Location:
        return self.resource.location

    @property
    def namespace(self) -> str:
        return self.resource.namespace

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.resource.name}"


def service_entry(resource: Resource, findings: Findings) -> Entry:
    spec = resource.body.need("spec")
    said, selecting = spec.get("resolution"), spec.get("workloadSelector")
    resolution = said.text() if said else NONE
    ports = _ports(spec)
    if selecting and spec.list("endpoints"):
        raise spec.need("endpoints").problem("a ServiceEntry has endpoints or a workloadSelector, not both")
    hosts = _hosts(spec, resolution, findings)
    _check_transport(spec, resolution, ports)
    addresses = _addresses(spec, resolution)
    own = _own_addresses(spec, resolution, ports, findings)
    names = [one.name for one in ports]
    made = Entry(
        resource,
        hosts,
        ports,
        resolution,
        _endpoints(spec, resolution, names, findings),
        labels(selecting, "labels") if selecting else None,
        export_to(spec, resource.namespace, to_nobody=True),
        created(resource),
        tuple(one.text() for one in spec.list("subjectAltNames")),
        addresses,
        own,
        distribution(resource),
    )
    for host in hosts:
        proxies_own(host, ports, findings)
    if said and resolution == DYNAMIC:
        findings.unproved(said.location, LOOKED_UP, needs=NEEDS, touches=(Sent(hosts),))
    return made


def _hosts(spec: Value, resolution: str, findings: Findings) -> tuple[str, ...]:
    """The hosts, in lower case; one with capital letters is left out."""
    given = spec.list("hosts")
    if not given:
        raise spec.problem("a ServiceEntry needs at least one host")
    found = []
    for value in given:
        text, lower = value.text(), value.text().lower()
        pattern = text.startswith("*")
        if text == "*" or not HOST.fullmatch(text):
            raise value.problem(f"{value.shown} is no host of a ServiceEntry", "such as api.example.com")
        if pattern and resolution in RESOLVED and not spec.list("endpoints"):
            raise value.problem(f"{value.shown} cannot be resolved by DNS", "give endpoints, or a host without *")
        if resolution == DYNAMIC and not pattern:
            raise value.problem("resolution DYNAMIC_DNS is for hosts with * alone")
        if text != lower:
            # istiod's cluster keeps the case, and the route to it does not.
            findings.unproved(value.location, f"a host with capital letters, {text}", touches=(Called((lower,)),))
        elif lower in found:
            raise value.problem(f"the host {lower} is given twice")
        found.append(lower)
    return tuple(found)


def _ports(spec: Value) -> tuple[ServicePort, ...]:
    """`target` is the number that an endpoint has unless it says another."""
    found: list[ServicePort] = []
    for value in spec.list("ports"):
        number, name = value.need("number").whole(1, LARGEST_PORT), value.need("name")
        said, target = value.get("protocol"), value.get("targetPort")
        protocol = said.text().lower() if said else ""
        if protocol and protocol not in PROTOCOLS:
            raise value.need("protocol").problem(f"istiod knows no protocol {value.need('protocol').shown}")
        if not PORT_NAME.fullmatch(name.text()):
            raise name.problem(f"{name.shown} is no name of a port", "lower case letters, digits and -")
        if any(name.text() == one.name or number == one.number for one in found):
            raise value.problem(f"port {number} ({name.text()}) is given twice")
        aim = target.whole(1, LARGEST_PORT) if target else number
        found.append(ServicePort(number, name.text(), aim, protocol or "http", value.location, sniffed=not protocol))
    return tuple(found)


def _check_transport(spec: Value, resolution: str, ports: tuple[ServicePort, ...]) -> None:
    """Without a name in the request nothing tells several hosts apart."""
    for port, value in zip(ports, spec.list("ports"), strict=True):
        if resolution == DYNAMIC and (port.sniffed or port.protocol not in DYNAMICALLY):
            raise value.problem(f"a port of resolution {DYNAMIC} speaks HTTP, HTTP2, GRPC or TLS")
    other = [one for one in ports if one.protocol not in HTTP | TLS]
    if resolution != NONE and len(spec.list("hosts")) > 1 and other:
        raise spec.need("hosts").problem(f"several hosts, and port {other[0].number} has neither HTTP nor TLS")


def _addresses(spec: Value, resolution: str) -> tuple[str, ...]:
    found = []
    for value in spec.list("addresses"):
        if resolution == DYNAMIC:
            raise value.problem(f"a ServiceEntry of resolution {DYNAMIC} has no addresses")
        if not is_subnet(value.text()):
            raise value.problem(f"{value.shown} is no IP address, and no block of them")
        if "/" in value.text() and resolution not in (NONE, STATIC):
            raise value.problem("a block of addresses is for resolution NONE and STATIC alone")
        found.append(value.text())
    return tuple(found)


def _own_addresses(spec: Value, resolution: str, ports: tuple[ServicePort, ...], findings: Findings) -> tuple[str, ...]:
    """The addresses by which clients call the one host, too; of all others it is said why they are not modelled.

    istiod has a service for each address: each has listeners of its own for connections, while in the routes of a port
    of HTTP one alone stands, and which one it does not say (istio/istio pilot/pkg/serviceregistry/serviceentry,
    convertServices).
    """
    given = spec.list("addresses")
    passed_on = all(one.protocol not in HTTP and not one.sniffed for one in ports)
    apart = resolution in (STATIC, *RESOLVED) and all(one.protocol not in TLS | {UDP} for one in ports)
    apart = apart and len(spec.list("hosts")) == 1
    own: dict[str, None] = {}
    for value in given:
        address = single(value.text())
        if not is_address(address):
            # Nobody names an address of it: no request is known to meet it.
            why = "requests to a block of addresses of a ServiceEntry are not modelled: no client is known to call one"
        elif apart and ":" not in address and (passed_on or len(given) == 1):
            own[address] = None
            continue
        elif apart and ":" not in address:
            why = "requests to one of several addresses of a ServiceEntry with HTTP are not modelled: "
            why += "istiod has one of them alone in the routes of the port"
        else:
            why = "requests to an address of a ServiceEntry are not modelled"
        findings.unproved(value.location, why, touches=(Asked((address,)),))
    return tuple(own)


def single(address: str) -> str:
    """An address, of which a block of one is another way to write it."""
    return address.removesuffix("/128" if ":" in address else "/32")


def _endpoints(spec: Value, resolution: str, names: list[str], findings: Findings) -> tuple[Endpoint, ...]:
    given = spec.list("endpoints")
    if given and resolution in (NONE, DYNAMIC):
        raise spec.need("endpoints").problem(f"resolution {resolution} has no endpoints", "resolution: STATIC or DNS")
    if len(given) > 1 and resolution == ROUND_ROBIN:
        raise spec.need("endpoints").problem("resolution DNS_ROUND_ROBIN has one endpoint at most")
    found = []
    for value in given:
        one = endpoint(value, findings, names=names, static=resolution == STATIC)
        if one.address.startswith(UNIX) and len(names) != 1:
            raise value.problem("an endpoint at a Unix socket needs exactly one port of the ServiceEntry")
        found.append(one)
    return tuple(found)
