"""One Ingress, refused where the API server refuses it.

Source: https://kubernetes.io/docs/reference/kubernetes-api/service-resources/ingress-v1/ and the API server's own
validation (pkg/apis/networking/validation, validateIngressSpec); what istiod makes of paths:
pilot/pkg/config/kube/ingress/virtualservices.go (convertIngressRule, createFallbackStringMatch).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from meshproof.errors import Location, Problem
from meshproof.manifest.constraints.presence import needed
from meshproof.manifest.fields.kubernetes import resource as shape
from meshproof.manifest.identify import check_names
from meshproof.manifest.resource import Resource
from meshproof.manifest.schema import TEXT, WHOLE, Checked, Filled, Form, OneOf, Shape, Spelled, check
from meshproof.manifest.syntax import names
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT
from meshproof.mesh.build.visibility import created
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN
from meshproof.mesh.model.names import NUMBERS
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Asked
from meshproof.mesh.model.virtual_service import (
    Destination,
    HeaderChanges,
    HttpRoute,
    MatchKind,
    RouteDestination,
    RouteMatch,
    StringMatch,
)
from meshproof.records import dataclass

EXACT, PREFIX, OTHER = "Exact", "Prefix", "ImplementationSpecific"
ANY = "*"
UNKNOWN = "which port it leads to is not known: its Service is not among these manifests"
# What a path of a known type may not hold, and how it may not end.
WITHIN, AT_THE_END = ("//", "/./", "/../", "%2f", "%2F"), ("/..", "/.")
HOST = Form(rf"(\*\.)?{names.SUBDOMAIN.pattern}", "a host name in lower case, or *. and one")
HOSTED = Form(f"|{HOST.pattern}", HOST.what)
PORT_NAME, SUBDOMAIN = Spelled(names.optional(names.port_name)), Spelled(names.subdomain)
ANY_RESOURCE = Checked({"apiGroup": SUBDOMAIN, "kind": TEXT, "name": TEXT}, (needed("kind", "name"),))
BACKEND: Shape = {"service": {"name": TEXT, "port": {"name": PORT_NAME, "number": WHOLE}}, "resource": ANY_RESOURCE}
PATH: Shape = {"path": TEXT, "pathType": OneOf((EXACT, PREFIX, OTHER)), "backend": BACKEND}
INGRESS = shape(
    spec={
        "ingressClassName": SUBDOMAIN,
        "defaultBackend": BACKEND,
        "rules": [{"host": HOSTED, "http": {"paths": Filled(PATH)}}],
        "tls": [{"hosts": [HOST], "secretName": Spelled(names.optional(names.subdomain))}],
    },
    status=None,
)


@dataclass(frozen=True, slots=True)
class Secured:
    """Hosts with the Secret of their certificate."""

    hosts: tuple[str, ...]
    secret: str
    location: Location


@dataclass(frozen=True, slots=True)
class Path:
    """One route: the longest paths come first, and of two that are as long the exact one."""

    route: HttpRoute
    order: tuple[int, bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """The paths of one host, in the order in which they are written."""

    host: str
    routes: tuple[Path, ...]
    location: Location


@dataclass(frozen=True, slots=True)
class Ingress:
    """`created` is when it was made, in RFC 3339 and UTC (empty: not told)."""

    name: str
    namespace: str
    rules: tuple[Rule, ...]
    secured: tuple[Secured, ...]
    location: Location
    created: str = ""

    @property
    def called(self) -> str:
        return f"{self.namespace}/{self.name}"


def problems(resource: Resource) -> tuple[Problem, ...]:
    """What the API server refuses of an Ingress, whoever serves it."""
    aside = Findings()
    with aside.about(resource, ()):
        ingress(resource, {}, aside)
    return tuple(aside.problems)


Ports = Mapping[str, Mapping[str, int]]
"""By host of a Service its ports' numbers by their names."""


def ingress(resource: Resource, ports: Ports, findings: Findings) -> Ingress:
    """What istiod reads of an Ingress; what it passes over is told."""
    check_names(resource)
    check(resource.body, INGRESS)
    spec = resource.body.need("spec", "the API server refuses it")
    rules, default = spec.list("rules"), spec.get("defaultBackend")
    if not rules and default is None:
        raise spec.problem("an Ingress needs rules or a defaultBackend", "the API server refuses it")
    if default is not None:
        _backend(default, resource.namespace, ports)
        text = "istiod passes over defaultBackend: what no rule takes is answered 404"
        findings.notice(default.location, text, Topic.NO_EFFECT)
    return Ingress(
        resource.name,
        resource.namespace,
        tuple(_rules(rules, resource, ports, findings)),
        tuple(_secured(spec.list("tls"), findings)),
        resource.location,
        created(resource),
    )


def _rules(several: tuple[Value, ...], resource: Resource, ports: Ports, findings: Findings) -> Iterator[Rule]:
    for value in several:
        host, http = value.get("host"), value.get("http")
        if http is None:
            findings.notice(value.location, "istiod passes over a rule without http", Topic.NO_EFFECT)
            continue
        own = (host.text() if host else "") or ANY
        if NUMBERS.fullmatch(own):
            raise value.need("host").problem(f"the host {own} is an address", "the API server refuses it")
        with findings.within(Asked((own,))):
            paths = [_path(one, resource.namespace, ports, findings) for one in http.need("paths").items()]
        yield Rule(own, tuple(one for one in paths if one), value.location)


def _secured(several: tuple[Value, ...], findings: Findings) -> Iterator[Secured]:
    for value in several:
        secret = value.get("secretName")
        if secret is None or not secret.text():
            text = "istiod passes over an entry of tls without secretName"
            findings.notice(value.location, text, Topic.NO_EFFECT)
            continue
        yield Secured(tuple(one.text() for one in value.list("hosts")) or (ANY,), secret.text(), value.location)


def _path(value: Value, namespace: str, ports: Ports, findings: Findings) -> Path | None:
    path, kind = value.get("path"), value.need("pathType", f"{EXACT}, {PREFIX} or {OTHER}")
    written = path.text() if path else ""
    _check_path(path or value, written, kind.text())
    destination, why = _backend(value.need("backend"), namespace, ports)
    if destination is None:
        if why == UNKNOWN:
            findings.unproved(value.location, why, needs="write the Service, or the number of its port")
        else:
            findings.notice(value.location, f"istiod passes over a path {why}", Topic.NO_EFFECT)
        return None
    uri, length = _uri(written, kind.text(), (path or value).location)
    aim = RouteDestination(destination, 100, HeaderChanges(), destination.location)
    matches = (RouteMatch(value.location, uri),) if uri else ()
    return Path(HttpRoute("", matches, (aim,), value.location), (-length, not uri or uri.kind is not MatchKind.EXACT))


def _check_path(where: Value, path: str, kind: str) -> None:
    if (path or kind != OTHER) and not path.startswith("/"):
        raise where.problem(f"the path {path!r} does not begin with a slash", "the API server refuses it")
    wrong = [*(one for one in WITHIN if one in path), *(one for one in AT_THE_END if path.endswith(one))]
    if kind != OTHER and wrong:
        raise where.problem(
            f"the path {path!r} has {wrong[0]!r}", f"the API server refuses it in a path of type {kind}"
        )


def _uri(path: str, kind: str, location: Location) -> tuple[StringMatch | None, int]:
    """The condition that istiod makes of a path, None for any, and the length by which it is sorted."""
    if kind == OTHER:
        if path in ("", "/*"):
            return None, 0
        shorter = next((path.removesuffix(one) for one in (".*", "/*") if path.endswith(one)), None)
        kind, path = (EXACT, path) if shorter is None else (PREFIX, shorter)
    match = StringMatch(MatchKind.PATH_PREFIX, path.removesuffix("/"), location)
    if kind == EXACT:
        match = StringMatch(MatchKind.EXACT, path, location)
    elif path == "/":
        match = StringMatch(MatchKind.PREFIX, path, location)
    return match, len(path.encode())


def _backend(value: Value, namespace: str, ports: Ports) -> tuple[Destination | None, str]:
    """Where a backend leads; else why istiod makes nothing of it."""
    service = value.get("service")
    if (service is None) == (value.get("resource") is None):
        raise value.problem("a backend is either a service or a resource", "the API server refuses it")
    if service is None:
        return None, "that leads to a resource"
    name = service.need("name", "the Service to send to").text()
    port = service.need("port", "port: {number: …}, or its name")
    number, named = port.get("number"), port.get("name")
    if wrong := names.label_1035(name):
        raise service.need("name").problem(f"the name {name!r} {wrong}", "the API server refuses it")
    if bool(number and number.data) == bool(named and named.data):
        raise port.problem("a port of a backend is either a number or a name", "the API server refuses it")
    host = f"{name}.{namespace}.{CLUSTER_DOMAIN}"
    found = number.whole(1, LARGEST_PORT) if number and number.data else None
    if found is None and named:
        if host not in ports:
            return None, UNKNOWN
        found = ports[host].get(named.text())
        if found is None:
            return None, f"whose port {named.text()} is none of Service {namespace}/{name}"
    return Destination(host, "", found, value.location), ""
