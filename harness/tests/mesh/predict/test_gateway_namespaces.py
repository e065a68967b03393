"""Hosts of a Gateway that VirtualServices of one namespace alone may bind to."""

from __future__ import annotations

import pytest
from meshproof.border.request import Request
from meshproof.mesh.predict.prediction import predict


def mesh_of(built, hosts: str, *, namespace: str = "shop", asked: str = "[a.example.com]", redirect: bool = False):
    tls = ", tls: {httpsRedirect: true}" if redirect else ""
    return built(
        "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: edge, namespace: infra}\n"
        "spec:\n  selector: {istio: ingressgateway}\n"
        f"  servers:\n  - {{port: {{number: 80, name: http, protocol: HTTP}}, hosts: {hosts}{tls}}}\n"
        "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n"
        f"metadata: {{name: a, namespace: {namespace}}}\n"
        f"spec:\n  hosts: {asked}\n  gateways: [infra/edge]\n  http: [{{directResponse: {{status: 204}}}}]\n"
    ).mesh


def status(mesh, host: str = "a.example.com") -> int:
    return predict(mesh, Request("GET", host, 80, gateway="infra/edge")).status


@pytest.mark.parametrize(
    ("hosts", "namespace", "expected"),
    [
        ("['*']", "shop", 204),
        ("['*/*']", "shop", 204),
        ("['*/a.example.com']", "shop", 204),
        ("['./a.example.com']", "shop", 404),
        ("['./a.example.com']", "infra", 204),
        ("['infra/a.example.com']", "infra", 204),
        ("['shop/a.example.com']", "shop", 204),
        ("['shop/*.example.com']", "shop", 204),
        ("['other/*']", "shop", 404),
        ("['other/a.example.com', 'shop/*.example.com']", "shop", 204),
        ("['./a.example.com', '*/*']", "shop", 204),
    ],
)
def test_which_virtual_services_bind(built, hosts: str, namespace: str, expected: int) -> None:
    assert status(mesh_of(built, hosts, namespace=namespace)) == expected


def test_the_host_that_is_bound_is_the_narrower_one_of_those_allowed(built) -> None:
    mesh = mesh_of(built, "['./a.example.com', 'shop/b.example.com']", asked="['*.example.com']")
    assert (status(mesh), status(mesh, "b.example.com"), status(mesh, "c.example.com")) == (404, 204, 404)


def test_a_redirect_to_https_needs_a_rule_where_the_host_is_limited(built) -> None:
    assert status(mesh_of(built, "['*']", asked="[b.example.com]", redirect=True)) == 301
    assert status(mesh_of(built, "['shop/*']", asked="[b.example.com]", redirect=True)) == 404
    assert status(mesh_of(built, "['shop/*']", redirect=True)) == 301
    assert status(mesh_of(built, "['infra/*']", redirect=True)) == 404
