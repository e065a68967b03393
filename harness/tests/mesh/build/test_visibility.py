"""exportTo, ages, hosts with namespaces, and what is said of resources that compete or lead nowhere."""

from __future__ import annotations

import io

import pytest
from meshproof.errors import ManifestError
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all

STAMP = "2026-05-01T10:00:00Z"


def virtual_service(name: str, hosts: str, more: str = "", *, made: str = "", namespace: str = "default") -> str:
    stamp = f", creationTimestamp: {made}" if made else ""
    return (
        f"---\napiVersion: networking.istio.io/v1\nkind: VirtualService\n"
        f"metadata: {{name: {name}, namespace: {namespace}{stamp}}}\n"
        f"spec:\n  hosts: {hosts}\n  http: [{{directResponse: {{status: 200}}}}]\n{more}"
    )


def gateway(hosts: str, *, namespace: str = "infra", more: str = "") -> str:
    return (
        f"---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: edge, namespace: {namespace}}}\n"
        "spec:\n  selector: {istio: ingressgateway}\n"
        f"  servers:\n  - {{port: {{number: 80, name: http, protocol: HTTP}}, hosts: {hosts}}}\n{more}"
    )


def rule(more: str) -> str:
    return (
        "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: r}\n"
        f"spec:\n  host: greeter\n{more}"
    )


def messages(built, text: str, word: str) -> list[str]:
    return [str(one) for one in built(text).notices if word in one.message]


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ("['~']", "exportTo has '~'"),
        ("[Not_A_Label]", "exportTo has 'Not_A_Label'"),
        ("['a.b']", "exportTo has 'a.b'"),
        ("[a, a]", "names a twice"),
        ("[., default]", "names default twice"),
        ("['*', a]", r"has '\*' and others"),
    ],
)
def test_an_export_that_istiod_refuses(built, entries: str, said: str) -> None:
    for text in (virtual_service("a", "[greeter]", f"  exportTo: {entries}\n"), rule(f"  exportTo: {entries}\n")):
        with pytest.raises(ManifestError, match=said):
            built(text)


@pytest.mark.parametrize("entries", ["['*']", "[a]", "[., a]", "[a, b]"])
def test_a_rule_with_a_selector_stays_in_its_namespace(built, entries: str) -> None:
    selector = "  workloadSelector: {matchLabels: {app: a}}\n"
    with pytest.raises(ManifestError, match="leaves the namespace"):
        built(rule(f"{selector}  exportTo: {entries}\n"))
    for own in ("[.]", "[default]", "[]"):
        (_, found) = built(rule(f"{selector}  exportTo: {own}\n")).mesh.destination_rules
        assert found.selector == {"app": "a"}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (f'"{STAMP}"', "2026-05-01T10:00:00+00:00"),
        (STAMP, "2026-05-01T10:00:00+00:00"),
        ('"2026-05-01T10:00:00+02:00"', "2026-05-01T08:00:00+00:00"),
        ("null", ""),
        ('"2026-05-01T10:00:00"', ""),
        ("yesterday", ""),
        ("7", ""),
    ],
)
def test_an_age_is_read_in_utc_where_it_is_told(built, written: str, read: str) -> None:
    assert built(virtual_service("a", "[greeter]", made=written)).mesh.virtual_services[0].created == read


def test_nothing_of_it_is_unmodelled_any_more(built) -> None:
    text = virtual_service("a", "[greeter]", "  exportTo: [.]\n") + rule(
        "  exportTo: [.]\n  workloadSelector: {matchLabels: {app: a}}\n"
    )
    assert built(text).mesh.unmodelled == ()


@pytest.mark.parametrize(
    ("written", "limits"),
    [
        ("['*']", [("", "*")]),
        ("['./A.example.com', b.example.com]", [("infra", "a.example.com"), ("", "b.example.com")]),
        ("['shop/*.example.com', '*/c.example.com']", [("shop", "*.example.com"), ("", "c.example.com")]),
        ("['./a.example.com', '*/*']", [("", "*")]),
        ("['./*']", [("infra", "*")]),
    ],
)
def test_a_host_may_be_limited_to_a_namespace(built, written: str, limits) -> None:
    (server,) = built(gateway(written)).mesh.gateways[0].servers
    assert list(server.limits) == limits
    assert server.hosts == tuple(host for _, host in limits)


@pytest.mark.parametrize(
    "host",
    ["'~/a.example.com'", "'/a.example.com'", "'a/b/c.example.com'", "a", "'./a'", "'*a.example.com'", "'*-a.b'"],
)
def test_a_host_that_istiod_refuses(built, host: str) -> None:
    with pytest.raises(ManifestError, match=r"is not a host name|is limited to no namespace"):
        built(gateway(f"[{host}]"))


@pytest.mark.parametrize("names", ["[./edge]", "['*/edge']", "[infra/a/b]", "[/edge]", "[infra/]", "['*']", "[a_b]"])
def test_a_gateway_that_is_not_named_as_istiod_wants_it(built, names: str) -> None:
    with pytest.raises(ManifestError, match=r"is not namespace/name|is no name of a gateway"):
        built(virtual_service("a", "[a.example.com]", f"  gateways: {names}\n"))


@pytest.mark.parametrize(
    "hosts", ["[a.example.com, a.example.com]", "['*.example.com', a.example.com]", "['*.com', '*.example.com']"]
)
def test_hosts_that_cover_each_other_are_refused(built, hosts: str) -> None:
    with pytest.raises(ManifestError, match=r"given twice|also covered by"):
        built(virtual_service("a", hosts))


def test_a_services_short_name_and_its_full_one_are_one_host(built) -> None:
    text = virtual_service("a", "[greeter, greeter.default.svc.cluster.local]")
    assert built(text).mesh.virtual_services[0].hosts == ("greeter.default.svc.cluster.local",)


def test_two_for_one_host_within_the_mesh_are_said_with_both_lines(built) -> None:
    newer = virtual_service("new", "[greeter]", made="2026-05-02T10:00:00Z")
    older = virtual_service("old", "[greeter]", made=STAMP)
    new, old = built(newer + older).mesh.virtual_services
    (said,) = messages(built, newer + older, "IST0109")
    assert said.startswith(f"{new.location}: ")
    assert f"VirtualService default/old ({old.location})" in said
    assert "old is the older one and decides alone" in said
    assert messages(built, newer + older, "creationTimestamp") == []


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ("", "", True),
        ("  exportTo: [.]\n", "", True),
        ("  exportTo: [a]\n", "  exportTo: [b]\n", False),
        ("  exportTo: [.]\n", "  exportTo: [default]\n", True),
        ("  exportTo: [a, b]\n", "  exportTo: [b, c]\n", True),
        ("  gateways: [infra/edge]\n", "", False),
    ],
)
def test_only_those_that_a_client_sees_beside_each_other_compete(built, one: str, other: str, meet: bool) -> None:
    text = virtual_service("a", "[greeter]", one) + virtual_service("b", "[greeter]", other)
    assert bool(messages(built, text, "IST0109")) is meet
    assert bool(messages(built, text, "creationTimestamp")) is meet


def test_that_ages_are_missing_is_said_once(built) -> None:
    text = "".join(virtual_service(name, "[greeter]") for name in "abc")
    (said,) = messages(built, text, "creationTimestamp")
    assert "in the order of the files" in said
    stamped = "".join(virtual_service(name, "[greeter]", made=STAMP) for name in "abc")
    assert messages(built, stamped, "creationTimestamp") == []
    front = "  gateways: [infra/edge]\n"
    merged = (
        gateway("['*']")
        + virtual_service("a", "[a.example.com]", front)
        + virtual_service("b", "[a.example.com]", front)
    )
    assert len(messages(built, merged, "creationTimestamp")) == 1


def test_a_host_within_the_mesh_that_no_service_has_is_said_with_its_line(built) -> None:
    text = virtual_service("a", "[greeter, missing, out.example.com, '*.wild.test']")
    inside, outside = messages(built, text, "no Service is called")
    line = built(text).mesh.virtual_services[0].location.line + 4
    assert inside.startswith(f"<stdin>:{line}:20: no Service is called missing.default.svc.cluster.local: ")
    assert "no client can resolve that name" in inside
    assert "out.example.com: whether a client can resolve that name is not told here" in outside
    assert (
        messages(built, virtual_service("a", "[missing]", "  gateways: [infra/edge]\n"), "no Service is called") == []
    )


@pytest.mark.parametrize(
    ("served", "namespace", "said"),
    [
        ("['*']", "shop", ""),
        ("['./a.example.com']", "infra", ""),
        ("['shop/*.example.com']", "shop", ""),
        ("['./a.example.com']", "shop", "from VirtualServices of namespace infra alone, not of shop"),
        ("[b.example.com]", "shop", "has no server for a.example.com"),
        ("['*.com']", "shop", ""),
    ],
)
def test_a_gateway_that_serves_none_of_the_hosts_is_said(built, served: str, namespace: str, said: str) -> None:
    text = gateway(served) + virtual_service("a", "[a.example.com]", "  gateways: [infra/edge]\n", namespace=namespace)
    found = messages(built, text, "Gateway infra/edge")
    assert len(found) == bool(said)
    (front,) = built(text).mesh.gateways
    place = front.servers[0].location if "alone" in said else front.location
    assert all(said in one and f"({place})" in one for one in found)


def deployment(namespace: str) -> str:
    return f"""---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: ingress, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{istio: ingressgateway}}}}
  template:
    metadata: {{labels: {{istio: ingressgateway}}}}
    spec: {{containers: [{{name: c, image: example/proxy}}]}}
"""


def test_a_gateway_with_pods_in_several_namespaces_is_not_understood(built) -> None:
    mesh = built(gateway("['*']") + deployment("one") + deployment("two")).mesh
    (found,) = mesh.unmodelled
    assert "pods of the namespaces one and two serve it" in found.why
    assert built(gateway("['*']") + deployment("one")).mesh.unmodelled == ()


def test_one_name_with_two_certificates_for_two_namespaces_is_not_understood(built) -> None:
    def server(name: str, host: str) -> str:
        return (
            f"  - {{port: {{number: 443, name: {name}, protocol: HTTPS}}, hosts: ['{host}'],"
            " tls: {mode: SIMPLE, credentialName: c}}\n"
        )

    text = gateway("['*']", more=server("a", "one/a.example.com") + server("b", "two/a.example.com"))
    with pytest.raises(ManifestError, match="a name"):
        built(text)
    (found,) = build_all(load(["-"], stdin=io.StringIO(text), strict=False)).mesh.unmodelled
    assert "servers of port 443 have a.example.com for several namespaces" in found.why
    assert found.is_wrong
    apart = gateway("['*']", more=server("a", "one/a.example.com") + server("b", "two/b.example.com"))
    assert built(apart).mesh.unmodelled == ()


@pytest.mark.parametrize("host", ["web.default.svc.cluster.local.", "out.example.com."])
def test_a_host_with_a_dot_at_its_end_is_told(built, host: str) -> None:
    text = (
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\n"
        f"spec: {{hosts: [{host}], http: [{{directResponse: {{status: 418}}}}]}}\n"
    )
    assert "leave the dot out" in [one.needs for one in built(text, proxyless=True).mesh.unmodelled]
    assert not built(text.replace(".]", "]"), proxyless=True).mesh.unmodelled
