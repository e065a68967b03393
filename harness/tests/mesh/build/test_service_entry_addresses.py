"""Addresses that ServiceEntries say: by which of them their hosts are called, and what is said of all others."""

from __future__ import annotations

import io

import pytest
from meshproof.border.request import parse
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.model.unmodelled import Asked
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.samples import sample_requests

HTTP = "ports: [{number: 80, name: http, protocol: HTTP}]"
TCP = "ports: [{number: 9000, name: tcp, protocol: TCP}, {number: 3306, name: db, protocol: MySQL}]"
OUT = "hosts: [out.example.com]"
BOTH = "addresses: [10.1.1.1, 10.1.1.2/32]"


def entry(*spec: str, name: str = "out") -> str:
    lines = "".join(f"  {line}\n" for line in spec)
    head = "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\n"
    return f"{head}metadata: {{name: {name}}}\nspec:\n{lines}---\n"


def built(*several: str):
    return build_all(load(["-"], stdin=io.StringIO("".join(several)), strict=False)).mesh


@pytest.mark.parametrize("address", ["10.1.1.1", "10.1.1.1/32"])
@pytest.mark.parametrize("ports", [HTTP, "ports: [{number: 9, name: tcp, protocol: TCP}, {number: 80, name: any}]"])
def test_the_one_address_of_a_host_is_another_name_of_it(address: str, ports: str) -> None:
    found = built(entry(OUT, ports, "resolution: STATIC", f"addresses: [{address}]"))
    assert not found.unmodelled
    assert [one.host for one in found.services_at("10.1.1.1")] == ["out.example.com"]


@pytest.mark.parametrize(
    "several",
    [
        [entry("hosts: [a.org]", HTTP, "resolution: DNS", "addresses: [10.1.1.1, 10.1.1.2]")],
        [entry("hosts: [a.org, b.org]", HTTP, "resolution: DNS", "addresses: [10.1.1.1]")],
        [entry(f"hosts: [{name}.org]", HTTP, "resolution: DNS", "addresses: [10.1.1.1]", name=name) for name in "ab"],
        [entry("hosts: [a.org]", HTTP, "addresses: [10.1.1.1]")],
    ],
)
def test_an_address_that_is_not_one_hosts_alone_is_nobodys(several: list[str]) -> None:
    found = built(*several)
    assert Asked(("10.1.1.1",)) in {touches for one in found.unmodelled for touches in one.touches}
    assert not found.services_at("10.1.1.1")


def test_connections_to_each_of_several_addresses_are_the_hosts() -> None:
    found = built(entry(OUT, TCP, "resolution: STATIC", "endpoints: [{address: 10.9.9.9}]", BOTH))
    assert not found.unmodelled
    requests, _ = sample_requests(found)
    names = ("out.example.com", "10.1.1.1", "10.1.1.2")
    assert [str(one) for one in requests] == [f"tcp://{name}:{port}" for name in names for port in (9000, 3306)]
    for one in requests:
        assert [arm.destination for arm in predict(found, one).arms] == ["out.example.com"]


def test_a_rule_for_the_host_takes_what_comes_to_any_of_them() -> None:
    rule = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: vs}\n"
    rule += "spec: {hosts: [out.example.com], tcp: [{route: [{destination: {host: other.example.com}}]}]}\n---\n"
    other = entry("hosts: [other.example.com]", TCP, "resolution: DNS", name="other")
    found = built(entry(OUT, TCP, "resolution: STATIC", BOTH), other, rule)
    for address in ("10.1.1.1", "10.1.1.2"):
        assert [arm.host for arm in predict(found, parse(f"tcp://{address}:9000")).arms] == ["other.example.com"]


def test_one_of_them_that_another_host_has_too_is_nobodys_and_the_others_are_the_hosts() -> None:
    other = entry("hosts: [other.example.com]", TCP, "resolution: DNS", "addresses: [10.1.1.2]", name="other")
    found = built(entry(OUT, TCP, "resolution: STATIC", BOTH), other)
    assert [bool(found.services_at(one)) for one in ("10.1.1.1", "10.1.1.2")] == [True, False]
    assert {touch for one in found.unmodelled for touch in one.touches} == {Asked(("10.1.1.2",))}


@pytest.mark.parametrize(
    ("ports", "addresses", "told", "why"),
    [
        (TCP, "10.1.1.1, 10.7.0.0/16", ["10.7.0.0/16"], "a block of addresses"),
        (TCP, "10.7.0.0/16, 10.1.1.1", ["10.7.0.0/16"], "no client is known to call one"),
        (TCP, "10.1.1.1, 'fd00::1'", ["fd00::1"], "requests to an address of a ServiceEntry"),
        (HTTP, "10.1.1.1, 10.1.1.2", ["10.1.1.1", "10.1.1.2"], "one of them alone in the routes of the port"),
    ],
)
def test_what_is_said_of_the_others(ports: str, addresses: str, told: list[str], why: str) -> None:
    found = built(entry(OUT, ports, "resolution: STATIC", f"addresses: [{addresses}]")).unmodelled
    assert [one.touches for one in found] == [(Asked((one,)),) for one in told]
    assert all(why in one.why for one in found)
