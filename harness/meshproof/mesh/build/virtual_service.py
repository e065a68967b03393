"""VirtualServices and their routes, refused where istiod refuses them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build import resilience
from meshproof.mesh.build.delegate import Draft
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT
from meshproof.mesh.build.match import gateways as gateways_of
from meshproof.mesh.build.match import route_match
from meshproof.mesh.build.rules.headers import check_authority, header_changes
from meshproof.mesh.build.rules.tcp import tcp_routes, tls_routes
from meshproof.mesh.build.rules.weights import destinations
from meshproof.mesh.build.values.line import one_line
from meshproof.mesh.build.values.regex import checked_regex
from meshproof.mesh.build.visibility import CAPITALS, created, export_to
from meshproof.mesh.model import names
from meshproof.mesh.model.unmodelled import Asked, Rule
from meshproof.mesh.model.virtual_service import (
    MESH_GATEWAY,
    DirectResponse,
    HttpRoute,
    MatchKind,
    Redirect,
    Rewrite,
    RouteMatch,
    VirtualService,
)

EXCLUSIVE = (
    ("redirect", ("route", "fault", "rewrite", "directResponse")),
    ("directResponse", ("route", "fault", "rewrite")),
)
REDIRECT_CODES = (301, 302, 303, 307, 308)
LARGEST_BODY = 1 << 20


def virtual_service(resource: Resource, findings: Findings) -> Draft:
    """A VirtualService before its delegates are merged in; one without hosts is a delegate itself."""
    spec = resource.body.need("spec")
    delegate = not spec.list("hosts")
    if not any(spec.list(name) for name in ("http", "tcp", "tls")):
        raise spec.problem("a VirtualService needs http, tcp or tls routes")
    if delegate:
        for field in ("gateways", "tls", "tcp"):
            if spec.list(field):
                hint = "istiod refuses it: a VirtualService without hosts is a delegate, which has http alone"
                raise spec.need(field).problem(f"{resource} has {field} and no hosts", hint)
    gateways = tuple(gateways_of(spec, resource.namespace)) or (MESH_GATEWAY,)
    routes = []
    for value in spec.list("http"):
        with findings.gather(), findings.within(Rule(value.location)):
            if delegate and value.get("delegate"):
                raise value.problem("a delegate delegates further", "istiod refuses it: a delegate's rules are its own")
            routes.append((http_route(value, resource.namespace, findings), value.compact()))
    for host in spec.list("hosts"):
        if entering := tuple(one for one in gateways if one != MESH_GATEWAY and host.text() != host.text().lower()):
            touched = (Asked((host.text().lower(),), entering),)
            findings.unproved(host.location, CAPITALS, needs="write it in lower case", touches=touched)
        if MESH_GATEWAY in gateways and host.text().endswith("."):
            touched = (Asked((host.text().lower(), host.text().lower()[:-1])),)
            why = "a host with a dot at its end is no Service's, and takes that one name of a Service from it"
            findings.unproved(host.location, why, needs="leave the dot out", touches=touched)
    made = VirtualService(
        resource.name,
        resource.namespace,
        _hosts(spec, resource.namespace, gateways),
        gateways,
        (),
        resource.location,
        export_to(spec, resource.namespace),
        created(resource),
        tcp=tcp_routes(spec, resource.namespace, findings),
        tls=tls_routes(spec, resource.namespace, findings),
    )
    return Draft(resource, made, tuple(routes))


def _hosts(spec: Value, namespace: str, gateways: tuple[str, ...]) -> tuple[str, ...]:
    written: dict[str, Value] = {}
    for value in spec.list("hosts"):
        if value.text() == "*" and MESH_GATEWAY in gateways:
            hint = "name the gateways, or the Services, of these routes"
            raise value.problem("the host * is only for gateways", hint)
        if overlapping := next((one for one in written if names.overlap(one, value.text())), ""):
            same = "given twice" if overlapping == value.text() else f"also covered by {overlapping!r}"
            raise value.problem(f"the host {value.shown} is {same}", "istiod refuses it: keep one of them")
        written[value.text()] = value
    # A Service's short name and its full one are two hosts to istiod's check, and one Service.
    return tuple(dict.fromkeys(names.host(value, namespace) for value in written.values()))


def http_route(value: Value, namespace: str, findings: Findings) -> HttpRoute:
    """One rule; one that delegates has the delegate in `missing`, until it is merged with that one's rules."""
    delegate = value.get("delegate")
    if delegate:
        for field in ("route", "redirect"):
            if value.get(field) and value.need(field).data:
                raise value.problem(f"a route cannot have both delegate and {field}", "istiod refuses it: keep one")
    for one, others in EXCLUSIVE if not delegate else ():
        for other in others if value.get(one) else ():
            if value.get(other):
                raise value.problem(f"a route cannot have both {one} and {other}", "istiod refuses it: keep one")
    if not (delegate or value.get("redirect") or value.get("directResponse") or value.list("route")):
        raise value.problem("a route needs one of route, redirect and directResponse")
    name, timeout = value.get("name"), value.get("timeout")
    retries, cors, fault = value.get("retries"), value.get("corsPolicy"), value.get("fault")
    abort, delay = (fault.get("abort"), fault.get("delay")) if fault else (None, None)
    if fault and not (abort or delay):
        raise fault.problem("fault needs abort or delay")
    redirect, direct, rewrite = value.get("redirect"), value.get("directResponse"), value.get("rewrite")
    route = value.get("route")
    check_authority(_text(rewrite, "authority") if rewrite else "", value.get("headers"))
    matches = tuple(route_match(one, namespace, findings) for one in value.list("match"))
    return HttpRoute(
        name.text() if name else "",
        matches,
        destinations(route, namespace, findings) if route else (),
        value.location,
        redirect=_redirect(redirect, matches) if redirect else None,
        direct_response=_direct_response(direct) if direct else None,
        rewrite=_rewrite(rewrite) if rewrite else None,
        timeout=timeout.duration() if timeout else None,
        retries=resilience.retries(retries) if retries else None,
        abort=resilience.abort(abort, findings) if abort else None,
        delay=resilience.delay(delay, findings) if delay else None,
        mirrors=resilience.mirrors(value, namespace),
        cors=resilience.cors(cors) if cors else None,
        headers=header_changes(value.get("headers")),
        missing=_delegate(delegate, namespace) if delegate else "",
    )


def _delegate(value: Value, namespace: str) -> str:
    place, name = value.get("namespace"), value.get("name")
    return f"{(place.text() if place else '') or namespace}/{name.text() if name else ''}"


def _text(value: Value, name: str) -> str:
    found = value.get(name)
    return found.text() if found else ""


def _line(value: Value, name: str) -> str:
    found = value.get(name)
    return one_line(found) if found else ""


def _given(value: Value, name: str) -> bool:
    """Whether a field is there; istiod takes an empty text as none."""
    found = value.get(name)
    return found is not None and found.data != ""


def _redirect(value: Value, matches: Sequence[RouteMatch]) -> Redirect:
    for one, other in (("uri", "prefixRewrite"), ("port", "derivePort")):
        if _given(value, one) and _given(value, other):
            raise value.problem(f"a redirect cannot have both {one} and {other}", "keep one of them")
    prefix = value.get("prefixRewrite")
    if prefix and any(match.uri and match.uri.kind is not MatchKind.PREFIX for match in matches):
        raise prefix.problem("prefixRewrite is for paths that are matched by prefix", "istiod refuses it: write uri")
    names_ = ("uri", "authority", "scheme", "port", "derivePort", "prefixRewrite")
    if not any(_given(value, name) for name in names_):
        raise value.problem("a redirect must change uri, authority, scheme or port")
    code, port, scheme = value.get("redirectCode"), value.get("port"), value.get("scheme")
    if scheme and scheme.data not in ("http", "https"):
        raise scheme.problem(f"scheme must be http or https, not {scheme.shown}")
    number = (code.whole() or REDIRECT_CODES[0]) if code else REDIRECT_CODES[0]
    if code and number not in REDIRECT_CODES:
        raise code.problem(f"redirectCode must be one of {', '.join(map(str, REDIRECT_CODES))}, not {number}")
    return Redirect(
        _line(value, "uri"),
        _line(value, "authority"),
        _text(value, "scheme"),
        (port.whole(0, LARGEST_PORT) or None) if port else None,
        _text(value, "derivePort"),
        number,
        _line(value, "prefixRewrite"),
    )


def _direct_response(value: Value) -> DirectResponse:
    body = value.get("body")
    text = _text(body, "string") if body else ""
    if body and body.get("string") and body.get("bytes"):
        raise body.problem("a body is a string or bytes, not both", "the API server refuses it")
    if body and (encoded := body.get("bytes")):
        try:
            text = base64.b64decode(encoded.text(), validate=True).decode()
        except (binascii.Error, ValueError):
            raise encoded.problem("bytes must be base64 of UTF-8 text") from None
        if not encoded.text():
            raise encoded.problem("bytes are an empty text", "the API server refuses it: leave bytes out")
    if len(text.encode()) > LARGEST_BODY:
        raise value.problem("the body of a direct response is larger than 1 MiB", "istiod refuses it")
    return DirectResponse(resilience.answered_status(value.need("status")), text)


def _rewrite(value: Value) -> Rewrite:
    regex = value.get("uriRegexRewrite")
    uri, authority = _line(value, "uri"), _line(value, "authority")
    if uri and regex:
        raise value.problem("rewrite cannot have both uri and uriRegexRewrite")
    if not (uri or regex or authority):
        raise value.problem("rewrite needs uri, uriRegexRewrite or authority")
    if regex is None:
        return Rewrite(uri, authority)
    pattern, by = regex.need("match"), regex.need("rewrite")
    if not by.text():
        raise by.problem("uriRegexRewrite needs a text in rewrite", "istiod refuses an empty one")
    return Rewrite("", authority, (checked_regex(pattern, pattern.text()), one_line(by)))
