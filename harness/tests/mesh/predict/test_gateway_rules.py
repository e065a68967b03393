"""Gateways that share their pods, TLS names and Host headers, and redirects to HTTPS."""

from __future__ import annotations

from meshproof.border.request import Request, parse
from meshproof.mesh.predict.prediction import predict


def gateway(name: str, servers: str, selector: str = "istio: ingressgateway") -> str:
    return (
        "---\napiVersion: networking.istio.io/v1\nkind: Gateway\n"
        f"metadata: {{name: {name}}}\nspec:\n  selector: {{{selector}}}\n  servers:\n{servers}"
    )


def server(host: str, port: int = 80, more: str = "", name: str = "web") -> str:
    protocol = "HTTPS" if port == 443 else "HTTP"
    return f"  - {{port: {{number: {port}, name: {name}, protocol: {protocol}}}, hosts: ['{host}']{more}}}\n"


def status(mesh, text: str, by: str = "front") -> int | str:
    expected = predict(mesh, parse(text, gateway=f"default/{by}"))
    return expected.refused or expected.status


def test_gateways_of_the_same_pods_are_one_door(routed) -> None:
    mesh = routed(
        "- route: [{destination: {host: greeter}}]",
        head="hosts: [a.com]\n  gateways: [front]",
        more=gateway("front", server("a.com"))
        + gateway("second", server("b.com") + server("c.com", 81, name="more"))
        + gateway("apart", server("a.com"), "istio: other"),
    ).mesh
    assert status(mesh, "http://a.com/", "second") == 0
    assert status(mesh, "http://a.com/", "apart") == 404
    assert status(mesh, "http://b.com/") == 404
    assert status(mesh, "http://c.com:81/") == 404
    assert status(mesh, "http://c.com:81/", "apart") == "connection"


def test_the_handshake_names_the_server_and_the_host_header_the_rule(routed) -> None:
    tls = ", tls: {mode: SIMPLE, credentialName: none}"
    mesh = routed(
        "- route: [{destination: {host: greeter}}]",
        head="hosts: [a.com, b.com]\n  gateways: [front]",
        more=gateway("front", server("a.com", 443, tls) + server("b.com", 443, tls, "other")),
    ).mesh
    assert status(mesh, "https://a.com/") == 0
    assert status(mesh, "https://a.com/ host:A.com:443") == 0
    assert status(mesh, "https://a.com/ host:b.com") == 404
    assert status(mesh, "https://c.com/ host:a.com") == "handshake"
    assert status(mesh, "http://a.com:443/") == "handshake"


def test_a_redirect_to_https_keeps_the_host_header_as_it_is(routed) -> None:
    mesh = routed(
        "- match: [{uri: {prefix: /s}}]\n  redirect: {scheme: https}\n- redirect: {port: 8443}",
        head="hosts: [a.com]\n  gateways: [front]",
        more=gateway("front", server("a.com") + server("a.com", 81, ", tls: {httpsRedirect: true}", "secured")),
    ).mesh

    def target(text: str) -> str:
        moved = predict(mesh, parse(text, gateway="default/front")).redirect
        assert moved
        return moved.target

    assert target("http://a.com:81/x/../y") == "https://a.com:81/y"
    assert target("http://a.com:81/ host:a.com:80") == "https://a.com:80/"
    # A rule's redirect leaves out the port that was the other scheme's own, and the one that it replaces.
    assert target("http://a.com/s host:a.com:80") == "https://a.com/s"
    assert target("http://a.com/s host:a.com:81") == "https://a.com:81/s"
    assert target("http://a.com/ host:a.com:81") == "http://a.com:8443/"


def test_a_foreign_host_is_served_on_port_80_and_on_its_services_ports(routed) -> None:
    mesh = routed("- route: [{destination: {host: greeter}}]", head="hosts: [greeter, a.com]").mesh
    for port, served in ((80, True), (5000, True), (81, False)):
        assert bool(predict(mesh, Request("GET", "a.com", port)).arms) is served


def test_a_redirect_to_https_is_told_with_the_place_where_it_is_asked_for(routed) -> None:
    mesh = routed(
        "- route: [{destination: {host: greeter}}]",
        head="hosts: [a.com]\n  gateways: [front]",
        more=gateway("front", server("a.com", 80, ", tls: {httpsRedirect: true}")),
    ).mesh
    (gateway_,) = mesh.gateways
    expected = predict(mesh, parse("http://a.com/", gateway="default/front"))
    assert (expected.status, expected.route) == (301, None)
    assert expected.note == f"httpsRedirect at {gateway_.servers[0].tls.location}"
