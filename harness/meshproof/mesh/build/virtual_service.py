"""VirtualServices and their HTTP routes, refused where istiod refuses them."""

from __future__ import annotations

import base64
import binascii

from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.build import resilience
from meshproof.mesh.model import names
from meshproof.mesh.build.headers import check_authority, header_changes
from meshproof.mesh.build.kubernetes import LARGEST_PORT
from meshproof.mesh.build.match import route_match
from meshproof.mesh.build.weights import destinations
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.unmodelled import Rule
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, DirectResponse, HttpRoute, Redirect, Rewrite, VirtualService
from meshproof.mesh.model.regex import NotRe2Error, compile_re2

EXCLUSIVE = (
    ("redirect", ("route", "fault", "rewrite", "directResponse")),
    ("directResponse", ("route", "fault", "rewrite")),
)
REDIRECT_CODES = (301, 302, 303, 307, 308)


def virtual_service(resource: Resource, findings: Findings) -> VirtualService | None:
    spec = resource.body.need("spec")
    findings.unmodelled(spec, "exportTo", "tcp", "tls")
    if not spec.list("hosts"):
        findings.notice(spec.location, f"{resource} has no hosts: delegates are not modelled")
        return None
    if not any(spec.list(name) for name in ("http", "tcp", "tls")):
        raise spec.problem("a VirtualService needs http, tcp or tls routes")
    gateways = tuple(names.gateway(one.text(), resource.namespace) for one in spec.list("gateways")) or (MESH_GATEWAY,)
    hosts = []
    for value in spec.list("hosts"):
        host = names.host(value, resource.namespace)
        if host == "*" and MESH_GATEWAY in gateways:
            raise value.problem(
                "the host * is only for gateways", "name the gateways, or the Services, of these routes"
            )
        if host in hosts:
            raise value.problem(f"the host {value.shown} is given twice")
        hosts.append(host)
    routes = []
    for value in spec.list("http"):
        with findings.gather(), findings.within(Rule(value.location)):
            route = http_route(value, resource.namespace, findings)
            if route is not None:
                routes.append(route)
    return VirtualService(resource.name, resource.namespace, tuple(hosts), gateways, tuple(routes), resource.location)


def http_route(value: Value, namespace: str, findings: Findings) -> HttpRoute | None:
    """One rule; None for a delegation, which is not modelled."""
    if value.get("delegate"):
        findings.unmodelled(value, "delegate")
        return None
    for one, others in EXCLUSIVE:
        for other in others:
            if value.get(one) and value.get(other):
                raise value.problem(f"a route cannot have both {one} and {other}", "istiod refuses it: keep one")
    if not (value.get("redirect") or value.get("directResponse") or value.list("route")):
        raise value.problem("a route needs one of route, redirect and directResponse")
    name, timeout = value.get("name"), value.get("timeout")
    retries, cors, fault = value.get("retries"), value.get("corsPolicy"), value.get("fault")
    abort, delay = (fault.get("abort"), fault.get("delay")) if fault else (None, None)
    if fault and not (abort or delay):
        raise fault.problem("fault needs abort or delay")
    redirect, direct, rewrite = value.get("redirect"), value.get("directResponse"), value.get("rewrite")
    route = value.get("route")
    check_authority(_text(rewrite, "authority") if rewrite else "", value.get("headers"))
    return HttpRoute(
        name.text() if name else "",
        tuple(route_match(one, namespace, findings) for one in value.list("match")),
        destinations(route, namespace, findings) if route else (),
        value.location,
        redirect=_redirect(redirect, findings) if redirect else None,
        direct_response=_direct_response(direct) if direct else None,
        rewrite=_rewrite(rewrite) if rewrite else None,
        timeout=timeout.duration() if timeout else None,
        retries=resilience.retries(retries, findings) if retries else None,
        abort=resilience.abort(abort, findings) if abort else None,
        delay=resilience.delay(delay, findings) if delay else None,
        mirrors=resilience.mirrors(value, namespace),
        cors=resilience.cors(cors, findings) if cors else None,
        headers=header_changes(value.get("headers")),
    )


def _text(value: Value, name: str) -> str:
    found = value.get(name)
    return found.text() if found else ""


def _redirect(value: Value, findings: Findings) -> Redirect:
    findings.unmodelled(value, "prefixRewrite")
    names_ = ("uri", "authority", "scheme", "port", "derivePort", "prefixRewrite")
    if not any(value.get(name) for name in names_):
        raise value.problem("a redirect must change uri, authority, scheme or port")
    code, port, scheme = value.get("redirectCode"), value.get("port"), value.get("scheme")
    if scheme and scheme.data not in ("http", "https"):
        raise scheme.problem(f"scheme must be http or https, not {scheme.shown}")
    number = (code.whole() or REDIRECT_CODES[0]) if code else REDIRECT_CODES[0]
    if code and number not in REDIRECT_CODES:
        raise code.problem(f"redirectCode must be one of {', '.join(map(str, REDIRECT_CODES))}, not {number}")
    return Redirect(
        _text(value, "uri"),
        _text(value, "authority"),
        _text(value, "scheme"),
        (port.whole(0, LARGEST_PORT) or None) if port else None,
        _text(value, "derivePort"),
        number,
    )


def _direct_response(value: Value) -> DirectResponse:
    body = value.get("body")
    text = _text(body, "string") if body else ""
    if body and (encoded := body.get("bytes")):
        try:
            text = base64.b64decode(encoded.text(), validate=True).decode()
        except (binascii.Error, ValueError):
            raise encoded.problem("bytes must be base64 of UTF-8 text") from None
    return DirectResponse(value.need("status").whole(200, 600), text)


def _rewrite(value: Value) -> Rewrite:
    regex = value.get("uriRegexRewrite")
    uri, authority = _text(value, "uri"), _text(value, "authority")
    if uri and regex:
        raise value.problem("rewrite cannot have both uri and uriRegexRewrite")
    if not (uri or regex or authority):
        raise value.problem("rewrite needs uri, uriRegexRewrite or authority")
    if regex is None:
        return Rewrite(uri, authority)
    pattern, by = regex.need("match"), regex.need("rewrite")
    try:
        compile_re2(pattern.text())
    except NotRe2Error as error:
        raise pattern.problem(f"{pattern.shown} is no RE2 regular expression: {error}") from None
    return Rewrite("", authority, (pattern.text(), by.text()))
