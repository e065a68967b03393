"""The listeners of the Gateway API's Gateways.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#listener and the published CRD (its validations); what istiod
makes of them: pilot/pkg/config/kube/gateway/conversion.go (buildListener, buildTLS, buildHostnameMatch).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from meshproof.manifest.resource import Resource
from meshproof.manifest.syntax.names import subdomain
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.gateway_api.listeners.namespaces import EVERYWHERE, NOWHERE, Chosen, chosen
from meshproof.mesh.build.kubernetes import LARGEST_PORT
from meshproof.mesh.model.gateway import Server, ServerTls, TlsMode
from meshproof.mesh.model.topic import Topic
from meshproof.records import dataclass

HTTP, HTTPS, TLS, TCP, UDP = "HTTP", "HTTPS", "TLS", "TCP", "UDP"
ANY = "*"
HOSTNAME = re.compile(r"(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
GROUP = "gateway.networking.k8s.io"
KINDS = {HTTP: ("HTTPRoute", "GRPCRoute"), HTTPS: ("HTTPRoute", "GRPCRoute"), TCP: ("TCPRoute",), TLS: ("TLSRoute",)}
"""The kinds of routes that may attach to listeners of each protocol; one that ends TLS takes TCPRoutes as well."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One listener: `hostname` is empty for every host, `kinds` are those of the routes that may attach.

    Of which namespaces is `allowed`, and stands in its server once all namespaces are known.
    """

    section: str
    hostname: str
    server: Server
    kinds: frozenset[str] = frozenset()
    allowed: Chosen = EVERYWHERE

    def takes(self, kind: str, namespace: str) -> bool:
        """Whether routes of a kind and a namespace may attach."""
        return kind in self.kinds and any(one in ("", namespace) for one in self.server.namespaces)


def check(several: Sequence[Value]) -> None:
    """Raise ManifestError for listeners that the API server refuses beside each other."""
    names: set[str] = set()
    served: set[tuple[int, str, str]] = set()
    for value in several:
        named = value.need("name", "each listener has a name")
        name = named.text()
        if wrong := subdomain(name):
            raise named.problem(f"the name {named.shown} {wrong}", "the API server refuses it")
        if name in names:
            raise value.problem(f"there are two listeners called {name}")
        names.add(name)
        hostname = value.get("hostname")
        port, protocol = value.need("port").whole(1, LARGEST_PORT), value.need("protocol", f"{HTTP} or {HTTPS}").text()
        key = port, protocol, hostname.text() if hostname else ""
        if key in served:
            raise value.problem(f"there are two listeners for {protocol} on port {port} and the same hostname")
        served.add(key)
        _check_tls(value, protocol)
        if hostname and hostname.text():
            if not HOSTNAME.fullmatch(hostname.text()):
                raise hostname.problem(f"{hostname.shown} is no host name in lower case, nor one after '*.'")
            if protocol in (TCP, UDP):
                raise hostname.problem(f"a listener for {protocol} has no hostname")


def _check_tls(value: Value, protocol: str) -> None:
    tls = value.get("tls")
    mode = tls.get("mode") if tls else None
    if tls and protocol in (HTTP, TCP, UDP):
        raise tls.problem(f"a listener for {protocol} cannot have tls")
    if protocol == HTTPS and mode and mode.text() != "Terminate":
        raise mode.problem("a listener for HTTPS terminates TLS", "mode: Terminate")
    if protocol == TLS and mode is None:
        raise value.problem("a listener for TLS needs tls.mode")
    if tls and (mode is None or mode.text() == "Terminate") and not (tls.list("certificateRefs") or tls.get("options")):
        raise tls.problem("tls needs certificateRefs", "name the Secret with the certificate")


def listener(value: Value, resource: Resource, findings: Findings) -> Listener | None:
    """A listener; None for one that is not modelled, which `findings` tell of."""
    protocol, port = value.need("protocol").text(), value.need("port")
    if protocol not in KINDS:
        findings.unproved(value.location, f"a listener for {protocol} is not modelled")
        return None
    secured = value.get("tls")
    if protocol == HTTPS and secured is None:
        findings.notice(value.location, "a listener for HTTPS without tls: istiod opens none for it", Topic.LISTENER)
        return None
    tls = _tls(secured, resource, findings) if secured else ServerTls()
    allowed = value.get("allowedRoutes")
    if tls is None:
        return None
    taken = chosen(allowed.get("namespaces") if allowed else None, resource.namespace, "Same")
    given, section = value.get("hostname"), value.need("name").text()
    hostname = given.text() if given else ""
    server = Server(port.whole(), protocol, section, (hostname or ANY,), tls, value.location)
    return taking(Listener(section, hostname, server, _kinds(protocol, tls, allowed), taken), taken.names or (NOWHERE,))


def taking(one: Listener, namespaces: tuple[str, ...]) -> Listener:
    """The listener that takes routes of these namespaces."""
    hosts = (one.hostname or ANY,) * len(namespaces)
    return replace(one, server=replace(one.server, hosts=hosts, namespaces=namespaces))


def _tls(tls: Value, resource: Resource, findings: Findings) -> ServerTls | None:
    if (mode := tls.get("mode")) and mode.text() == "Passthrough":
        return ServerTls(TlsMode.PASSTHROUGH, location=tls.location)
    if (options := tls.get("options")) and options.fields():
        findings.unproved(options.location, "options of tls are not modelled")
        return None
    findings.unmodelled(tls, "frontendValidation")
    several = tls.list("certificateRefs")
    reference = several[0]
    if len(several) > 1:
        findings.unproved(several[1].location, "more than one certificate of a listener is not modelled")
        return None
    group, kind, place = reference.get("group"), reference.get("kind"), reference.get("namespace")
    if (group and group.text()) or (kind and kind.text() != "Secret"):
        findings.unproved(reference.location, "a certificate that is in no Secret is not modelled")
        return None
    if place and place.text() != resource.namespace:
        findings.unproved(reference.location, "a certificate of another namespace is not modelled")
        return None
    name, own = reference.need("name").text(), resource.namespace
    return ServerTls(TlsMode.SIMPLE, name, location=tls.location, credential_namespace=own)


def _kinds(protocol: str, tls: ServerTls, allowed: Value | None) -> frozenset[str]:
    supported = {*KINDS[protocol], *(("TCPRoute",) if protocol == TLS and tls.mode is TlsMode.SIMPLE else ())}
    given = allowed.list("kinds") if allowed else []
    if not given:
        return frozenset(supported)
    said = ((group.text() if (group := one.get("group")) else GROUP, one.need("kind").text()) for one in given)
    return frozenset(kind for group, kind in said if group == GROUP and kind in supported)
