"""Connections to hosts of ServiceEntries, and hosts whose address the client looks up."""

from __future__ import annotations

import pytest
from meshproof.border.request import parse
from meshproof.mesh.predict.prediction import predict

NONE, DNS = "NONE", "DNS"


def entry(host: str, port: int, protocol: str, *more: str, resolution: str = DNS) -> str:
    lines = "".join(f"  {one}\n" for one in more)
    return (
        f"apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: {host.replace('.', '-')}-{port}}}\n"
        f"spec:\n  hosts: [{host}]\n  ports: [{{number: {port}, name: p, protocol: {protocol}}}]\n"
        f"  resolution: {resolution}\n{lines}---\n"
    )


def rule(host: str, to: str) -> str:
    return (
        f"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: v}}\n"
        f"spec: {{hosts: [{host}], http: [{{route: [{{destination: {{host: {to}}}}}]}}]}}\n---\n"
    )


HEADLESS = """\
apiVersion: v1
kind: Service
metadata: {name: own}
spec: {clusterIP: None, selector: {app: own}, ports: [{name: PROTOCOL, port: 5432}]}
---
"""


@pytest.fixture
def led(built):
    """The workloads that answer, or why that is not known."""

    def ask(text: str, request: str) -> list[str] | str:
        found = predict(built(text, proxyless=True).mesh, parse(request))
        return found.undecided or [key for one in found.arms for key in sorted(one.workloads)]

    return ask


@pytest.mark.parametrize("resolution", [DNS, NONE])
@pytest.mark.parametrize(
    ("protocol", "port", "scheme"),
    [("HTTPS", 443, "tls"), ("TLS", 443, "tls"), ("TCP", 5432, "tcp"), ("HTTP", 80, "http")],
)
def test_the_host_itself_answers(led, resolution: str, protocol: str, port: int, scheme: str) -> None:
    text = entry("a.example.com", port, protocol, resolution=resolution)
    assert led(text, f"{scheme}://a.example.com:{port}") == ["default/a.example.com"]


def test_names_in_handshakes_tell_hosts_apart(led) -> None:
    text = entry("a.example.com", 443, "TLS") + entry("b.example.com", 443, "HTTPS", resolution=NONE)
    for name in ("a", "b"):
        assert led(text, f"tls://{name}.example.com:443") == [f"default/{name}.example.com"]


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (entry("b.example.com", 5432, "TCP"), "b.example.com"),
        (entry("b.example.com", 5432, "HTTP"), "b.example.com"),
        (HEADLESS.replace("PROTOCOL", "tcp"), "own.default"),
        (entry("b.example.com", 5432, "TLS"), ""),
        (entry("b.example.com", 5433, "TCP"), ""),
        (entry("b.example.com", 5432, "TCP", "addresses: [10.0.0.9]"), ""),
        (HEADLESS.replace("PROTOCOL", "tcp").replace("clusterIP: None, ", ""), ""),
    ],
)
def test_a_host_without_addresses_has_its_port_for_itself_or_not(led, other: str, told: str) -> None:
    found = led(entry("a.example.com", 5432, "TCP") + other, "tcp://a.example.com:5432")
    assert found == (
        f"at port 5432 nothing tells connections to a.example.com from those to {told}"
        if told
        else ["default/a.example.com"]
    )


def test_addresses_tell_hosts_apart_where_they_differ(led) -> None:
    ours = entry("a.example.com", 5432, "TCP", "addresses: [10.0.0.1]")
    theirs = entry("b.example.com", 5432, "TCP", "addresses: [10.0.0.2]")
    assert led(ours + theirs, "tcp://a.example.com:5432") == ["default/a.example.com"]
    assert "nothing tells" in led(ours + theirs.replace("0.0.2", "0.0.1"), "tcp://a.example.com:5432")


def test_names_in_handshakes_tell_no_hosts_apart_that_have_one_address(led) -> None:
    ours = entry("a.example.com", 443, "TLS", "addresses: [10.0.0.1]")
    theirs = entry("b.example.com", 443, "HTTPS", "addresses: [10.0.0.1]")
    told = "at port 443 nothing tells connections to b.example.com from those to a.example.com"
    assert led(ours + theirs, "tls://b.example.com:443") == told
    assert led(ours + theirs.replace("0.0.1", "0.0.2"), "tls://b.example.com:443") == ["default/b.example.com"]


def test_what_is_sent_to_another_address_goes_on_to_that_one(led) -> None:
    text = entry("a.example.com", 80, "HTTP", resolution=NONE) + entry("b.example.com", 80, "HTTP")
    assert led(text + rule("a.example.com", "a.example.com"), "http://a.example.com") == ["default/a.example.com"]
    told = led(text + rule("b.example.com", "a.example.com"), "http://b.example.com")
    assert told == "a.example.com has resolution NONE: whoever has the address that was called answers"


@pytest.mark.parametrize("host", ["a.example.com", "'*.example.com'"])
def test_subsets_and_ejections_of_such_a_host_are_not_understood(led, host: str) -> None:
    text = entry("a.example.com", 80, "HTTP", resolution=NONE)
    policy = (
        "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d}\n"
        f"spec: {{host: {host}, trafficPolicy: {{outlierDetection: {{consecutive5xxErrors: 3}}}}, "
        "subsets: [{name: v1, labels: {version: v1}}]}\n---\n"
    )
    told = "a.example.com has resolution NONE, where subsets and outlierDetection are not modelled"
    assert led(text + policy, "http://a.example.com") == told
    plain = policy.replace("outlierDetection: {consecutive5xxErrors: 3}", "loadBalancer: {simple: RANDOM}")
    assert led(text + plain, "http://a.example.com") == ["default/a.example.com"]
    assert led(text + plain + rule("a.example.com", "a.example.com, subset: v1"), "http://a.example.com") == told
