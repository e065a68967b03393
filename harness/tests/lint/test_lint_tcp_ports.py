"""Rules for HTTP beside ports that are called TCP, and TLS that the pods of many Services do not take."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from meshproof.lint.check import Finding

Look = Callable[..., tuple[Finding, ...]]
TCP = "{name: tcp-api, port: 80}"
ADMIN = "{name: http-admin, port: 9090}"
SERVICE = (
    "apiVersion: v1\nkind: Service\nmetadata: {name: stars}\nspec: {selector: {app: stars}, ports: [PORTS]}\n---\n"
)
RULES = (
    "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: stars}\nspec:\n"
    "  hosts: [stars]\n  MORE\n  http: [RULE]\n"
)
PLAIN = "{route: [{destination: {host: stars}}]}"


def codes(several: tuple[Finding, ...]) -> set[str]:
    return {one.code for one in several} & {"MP091", "MP098"}


@pytest.mark.parametrize(
    ("ports", "rule", "more", "told"),
    [
        (TCP, PLAIN, "", {"MP091"}),
        (f"{TCP}, {ADMIN}", PLAIN, "", {"MP098"}),
        (f"{TCP}, {ADMIN}", "{match: [{port: 80}], route: [{destination: {host: stars}}]}", "", {"MP091"}),
        (f"{TCP}, {ADMIN}", "{route: [{destination: {host: stars, port: {number: 80}}}]}", "", {"MP091"}),
        (f"{TCP}, {ADMIN}", PLAIN, "gateways: [edge]", set()),
        (f"{TCP}, {ADMIN}", PLAIN, "tcp: [{match: [{port: 80}], route: [{destination: {host: stars}}]}]", set()),
        (f"{{name: smtp, port: 25}}, {ADMIN}", PLAIN, "", set()),
        (f"{{name: redis, port: 80}}, {ADMIN}", PLAIN, "", set()),
        (f"{{name: tcp-api, port: 80, appProtocol: http}}, {ADMIN}", PLAIN, "", set()),
    ],
)
def test_rules_for_http_beside_a_port_that_is_tcp(found: Look, ports, rule, more, told) -> None:
    rules = RULES.replace("RULE", rule).replace("MORE", more)
    assert codes(found(SERVICE.replace("PORTS", ports) + rules)) == told


def test_a_host_elsewhere_is_called_by_http_and_led_to_by_tls(found: Look) -> None:
    entry = (
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: stars}\nspec:\n"
        "  hosts: [stars.example]\n  resolution: DNS\n"
        "  ports: [{number: 80, name: http, protocol: HTTP}, {number: 443, name: tcp, protocol: TCP}]\n---\n"
    )
    rule = "{route: [{destination: {host: stars.example, port: {number: 443}}}]}"
    rules = RULES.replace("[stars]", "[stars.example]").replace("RULE", rule).replace("MORE", "")
    assert codes(found(entry + rules)) == set()


def test_one_line_that_the_pods_of_many_services_do_not_take_is_one_error(found: Look) -> None:
    services = "".join(SERVICE.replace("PORTS", ADMIN).replace("stars", f"stars{at}") for at in range(5))
    pods = "".join(
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: stars{at}}}\nspec:\n"
        f"  selector: {{matchLabels: {{app: stars{at}}}}}\n  template:\n    metadata: {{labels: {{app: stars{at}}}}}\n"
        "    spec: {containers: [{name: app, image: example}]}\n---\n"
        for at in range(5)
    )
    peers = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default}\n"
    peers += "spec: {mtls: {mode: STRICT}}\n---\n"
    rule = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: all}\n"
    rule += "spec: {host: '*.default.svc.cluster.local', trafficPolicy: {tls: {mode: DISABLE}}}\n"
    (one,) = (one for one in found(services + pods + peers + rule) if one.code == "MP082")
    assert "port 9090 of stars0.default" in one.message
    assert one.message.endswith("; so it is with 4 more")
