"""ServiceEntries that istiod would refuse, and what of them is not modelled."""

from __future__ import annotations

import re

import pytest
from meshproof.errors import ManifestError
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.model.unmodelled import Asked, Called, Sent
from service_entry_written import HTTP, OUT, entry, machine, manifests, mesh

TLS = "ports: [{number: 443, name: tls, protocol: TLS}]"


WILD = "hosts: ['*.example.com']"


@pytest.mark.parametrize(
    ("spec", "touches", "why"),
    [
        ((OUT, HTTP, "workloadSelector: {labels: {a: b}}"), Called(("out.example.com",)), "with resolution NONE"),
        ((WILD, HTTP, "resolution: DYNAMIC_DNS"), Sent(("*.example.com",)), "DYNAMIC_DNS is not modelled"),
        (("hosts: [Out.example.com]", HTTP, "resolution: DNS"), Called(("out.example.com",)), "capital letters"),
        (
            (OUT, "ports: [{number: 53, name: dns, protocol: UDP}]", "resolution: DNS"),
            Called(("out.example.com",), 53),
            "port dns speaks udp",
        ),
        ((OUT, TLS, "resolution: DNS", "addresses: [10.1.1.1]"), Asked(("10.1.1.1",)), "an address of a ServiceEntry"),
        ((OUT, HTTP, "resolution: DNS", "addresses: ['fd00::1']"), Asked(("fd00::1",)), "an address of a ServiceEntry"),
        ((OUT, HTTP, "addresses: [10.1.1.1/32]"), Asked(("10.1.1.1",)), "an address of a ServiceEntry"),
        (
            (OUT, HTTP, "resolution: STATIC", "workloadSelector: {}"),
            Called(("out.example.com",)),
            "an empty workloadSelector",
        ),
        (
            (OUT, HTTP, "resolution: STATIC", "endpoints: [{address: 10.0.0.1, network: far}]"),
            Called(("out.example.com",)),
            "network is not modelled",
        ),
    ],
)
def test_what_is_not_modelled_touches_its_host(spec: tuple[str, ...], touches: object, why: str) -> None:
    (one,) = build_all(manifests(entry(*spec))).mesh.unmodelled
    assert why in one.why
    assert (one.subject, one.touches) == ("ServiceEntry default/out", (touches,))


ADDRESS = "{address: 10.0.0.1}"


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ((HTTP,), "at least one host"),
        (("hosts: ['*']", HTTP), "is no host of a ServiceEntry"),
        ((OUT, "ports: [{number: 80, name: http, protocol: HTTTP}]"), "istiod knows no protocol 'HTTTP'"),
        ((OUT, "ports: [{number: 80, protocol: HTTP}]"), "no name"),
        ((OUT, "ports: [{number: 80, name: HTTP, protocol: HTTP}]"), "no name of a port"),
        ((OUT, "ports: [{number: 80, name: http, targetPort: 0}]"), "targetPort must be between 1 and 65535"),
        ((OUT, "ports: [{number: 80, name: a}, {number: 80, name: b}]"), "port 80 (b) is given twice"),
        ((OUT, "ports: [{number: 80, name: a}, {number: 81, name: a}]"), "port 81 (a) is given twice"),
        ((OUT, HTTP, f"endpoints: [{ADDRESS}]"), "resolution NONE has no endpoints"),
        ((OUT, HTTP, "resolution: STATIC", "endpoints: [{address: a.example}]"), "resolution STATIC wants IP"),
        ((OUT, HTTP, "resolution: STATIC", "endpoints: [{address: 10.0.0.1, ports: {web: 1}}]"), "has no port web"),
        ((OUT, HTTP, "resolution: STATIC", "endpoints: [{}]"), "an endpoint needs an address"),
        ((OUT, HTTP, "resolution: STATIC", "endpoints: [{address: 'unix://a'}]"), "is no Unix socket"),
        ((OUT, HTTP, "resolution: STATIC", "endpoints: [{address: 'unix:///a/'}]"), "is no Unix socket"),
        ((OUT, HTTP, "resolution: DNS_ROUND_ROBIN", f"endpoints: [{ADDRESS}, {ADDRESS}]"), "one endpoint at most"),
        (("hosts: ['*.a.example']", HTTP, "resolution: DNS"), "cannot be resolved by DNS"),
        ((OUT, HTTP, "resolution: DYNAMIC_DNS"), "for hosts with * alone"),
        ((WILD, HTTP, "resolution: DYNAMIC_DNS", f"endpoints: [{ADDRESS}]"), "DYNAMIC_DNS has no endpoints"),
        ((WILD, HTTP, "resolution: DYNAMIC_DNS", "addresses: [10.1.1.1]"), "DYNAMIC_DNS has no addresses"),
        ((WILD, "ports: [{number: 1, name: t, protocol: TCP}]", "resolution: DYNAMIC_DNS"), "speaks HTTP, HTTP2, GRPC"),
        ((WILD, "ports: [{number: 1, name: t, protocol: HTTPS}]", "resolution: DYNAMIC_DNS"), "speaks HTTP, HTTP2"),
        ((WILD, "ports: [{number: 1, name: t}]", "resolution: DYNAMIC_DNS"), "speaks HTTP, HTTP2"),
        (
            (OUT, HTTP, "resolution: STATIC", f"endpoints: [{ADDRESS}]", "workloadSelector: {labels: {a: b}}"),
            "not both",
        ),
        (
            ("hosts: [a.example, b.example]", "ports: [{number: 1, name: t, protocol: TCP}]", "resolution: DNS"),
            "neither HTTP nor TLS",
        ),
        ((OUT, HTTP, "resolution: DNS", "addresses: [nowhere]"), "no IP address"),
        ((OUT, HTTP, "resolution: DNS", "addresses: [10.0.0.0/8]"), "for resolution NONE and STATIC alone"),
        ((OUT, HTTP, "resolution: DNS", "exportTo: ['~', shop]"), "exportTo has '~' and others"),
        ((OUT, HTTP, "resolution: DNS", "exportTo: ['-']"), "exportTo has '-'"),
    ],
)
def test_what_istiod_refuses(spec: tuple[str, ...], why: str) -> None:
    with pytest.raises(ManifestError) as caught:
        mesh(entry(*spec))
    assert why in str(caught.value)
    found = build_all(manifests(entry(*spec))).mesh
    assert [one.refused for one in found.unmodelled] == [True]
    assert found.services == ()


def test_a_workload_group_needs_a_template() -> None:
    with pytest.raises(ManifestError, match="no template"):
        mesh(machine("g", "metadata: {labels: {app: vm}}", kind="WorkloadGroup"))


@pytest.mark.parametrize(
    ("probe", "why"),
    [
        ("httpGet: {port: 80, httpHeaders: [{name: '**', value: a}]}", "'**' is not the name of a header"),
        ("tcpSocket: {port: 65536}", "port must be from 1 to 65535, not 65536"),
        ("periodSeconds: -1", "periodSeconds must be"),
    ],
)
def test_the_probe_of_a_workload_group_is_as_its_schema_says(probe: str, why: str) -> None:
    with pytest.raises(ManifestError, match=re.escape(why)):
        mesh(machine("g", f"template: {{}}, probe: {{{probe}}}", kind="WorkloadGroup"))


def test_who_answers_at_a_socket_is_not_told() -> None:
    told = mesh(entry(OUT, HTTP, "resolution: STATIC", "endpoints: [{address: 'unix:///run/x'}]")).unmodelled
    assert [one.touches for one in told if "socket" in one.why] == [(Called(("out.example.com",)),)]


@pytest.mark.parametrize(
    ("ports", "resolution", "why"),
    [
        (HTTP, "DNS", ""),
        (HTTP, "STATIC", "resolution DNS beside STATIC"),
        ("ports: [{number: 80, name: web, protocol: TCP}]", "DNS", "port 80, which has two names"),
        ("ports: [{number: 81, name: web, protocol: HTTP}]", "DNS", ""),
    ],
)
def test_what_two_entries_for_one_host_make_of_each_other_is_told_where_it_is_not_known(
    ports: str, resolution: str, why: str
) -> None:
    told = mesh(
        entry(OUT, HTTP, "resolution: DNS"), entry(OUT, ports, f"resolution: {resolution}", name="two")
    ).unmodelled
    assert [why in one.why for one in told] == ([True] if why else [])
    elsewhere = entry(OUT, ports, f"resolution: {resolution}", name="two", namespace="b")
    assert not mesh(entry(OUT, HTTP, "resolution: DNS"), elsewhere).unmodelled
