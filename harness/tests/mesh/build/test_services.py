"""Services: what the API server refuses of their ports, and what is not known of who stands behind them."""

from __future__ import annotations

import io

import pytest
from meshproof.manifest import load
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.model.unmodelled import Called

HOST = "web.default.svc.cluster.local"


def read(spec: str) -> Built:
    text = f"apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {{{spec}}}\n"
    return build_all(load(["-"], stdin=io.StringIO(text), strict=False))


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("selector: {a: b}", "has no ports"),
        ("selector: {a: b}, ports: [{port: 80}, {name: b, port: 81}]", "names each"),
        ("selector: {a: b}, ports: [{name: a, port: 80}, {name: a, port: 81}]", "the port name a is given twice"),
        ("selector: {a: b}, ports: [{name: a, port: 80}, {name: b, port: 80}]", "port 80 is given twice"),
        ("selector: {a: b}, ports: [{name: Web, port: 80}]", "the port name 'Web' is not lower-case"),
        ("selector: {a: b}, ports: [{port: 80, targetPort: a_b}]", "targetPort 'a_b' is not lower-case"),
        ("selector: {a: b}, ports: [{port: 80, targetPort: '8080'}]", "targetPort '8080' has no letter"),
        ("selector: {a: b}, ports: [{port: 0}]", "port must be between 1 and 65535"),
    ],
)
def test_what_the_api_server_refuses(spec: str, why: str) -> None:
    (one,) = read(spec).mesh.unmodelled
    assert why in one.why
    assert (one.refused, one.touches) == (True, (Called((HOST,)),))


@pytest.mark.parametrize(
    "spec",
    [
        "selector: {a: b}, ports: [{name: dns, port: 53}, {name: dns-udp, port: 53, protocol: UDP}]",
        "selector: {a: }, ports: [{port: 80.0, targetPort: 8e3}]",
        "selector: {a: b}, clusterIP: None",
        "selector: {a: b}, ports: [{port: 80}], sessionAffinity: None, internalTrafficPolicy: Cluster",
    ],
)
def test_what_is_taken(spec: str) -> None:
    built = read(spec)
    assert not built.mesh.unmodelled
    assert built.mesh.services[0].host == HOST


def test_a_null_label_is_an_empty_one() -> None:
    assert read("selector: {a: }, ports: [{port: 80}]").mesh.services[0].selector == {"a": ""}


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ("ports: [{port: 80}]", "Service default/web has no selector: who answers is not known"),
        ("selector: {}, ports: [{port: 80}]", "Service default/web has no selector: who answers is not known"),
        ("type: ExternalName, externalName: example.com", "externalName is not modelled"),
        (
            "selector: {a: b}, ports: [{port: 80}], internalTrafficPolicy: Local",
            "internalTrafficPolicy is not modelled",
        ),
        (
            "selector: {a: b}, ports: [{port: 80}], trafficDistribution: PreferClose",
            "trafficDistribution is not modelled",
        ),
    ],
)
def test_what_is_not_known_touches_the_service(spec: str, why: str) -> None:
    built = read(spec)
    (one,) = built.mesh.unmodelled
    assert (one.why, one.refused, one.touches) == (why, False, (Called((HOST,)),))
    assert built.mesh.service(HOST) is not None


def test_affinity_of_kube_proxy_is_none_of_envoys() -> None:
    built = read("selector: {a: b}, ports: [{port: 80}], sessionAffinity: ClientIP")
    assert not built.mesh.unmodelled
    assert "sessionAffinity is kube-proxy's" in built.notices[0].message
