"""What must become of TLS within the mesh, by the names in handshakes."""

from __future__ import annotations

import pytest
from meshproof.border.request import parse
from meshproof.border.source import source
from meshproof.mesh.coverage.undecided import undecided
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.addresses import POD_TLS, entering
from meshproof.mesh.requests.samples import sample_requests

STORE = """
apiVersion: v1
kind: Service
metadata: {name: store}
spec:
  selector: {app: greeter}
  ports: [{name: https, port: 443, targetPort: 5000}, {name: tls-two, port: 8443, targetPort: 5000}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: store}
spec: {host: store, subsets: [{name: v1, labels: {version: v1}}, {name: v2, labels: {version: v2}}]}
---
"""
FULL = "store.default.svc.cluster.local"


def rules(*several: str, hosts: str = "store", name: str = "vs") -> str:
    listed = "".join(f"  - {one}\n" for one in several)
    head = f"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: {name}}}\n"
    return f"{head}spec:\n  hosts: [{hosts}]\n  tls:\n{listed}---\n"


def rule(names: str, subset: str, more: str = "") -> str:
    return f"{{match: [{{sniHosts: [{names}]{more}}}], route: [{{destination: {{host: store, subset: {subset}}}}}]}}"


@pytest.fixture
def led(built):
    def ask(text: str, *requests: str, labels: dict[str, str] | None = None):
        mesh = built(STORE + text).mesh
        found = [predict(mesh, parse(one), source("default", labels)) for one in requests]
        return [one.refused or "+".join(arm.destination.partition("default")[2] for arm in one.arms) for one in found]

    return ask


def test_without_a_rule_the_service_itself_answers(led) -> None:
    assert led("", "tls://store:443", f"tls://{FULL}:8443") == ["", ""]


def test_the_name_decides_and_one_that_no_rule_has_is_closed(led) -> None:
    text = rules(rule("store", "v1"), rule(f"'*.{FULL[6:]}'", "v2"), hosts=f"store, '*.{FULL[6:]}'")
    asked = ("tls://store:443", f"tls://{FULL}:443", "tls://store.default:443")
    assert led(text, *asked) == ["/v1", "/v2", "handshake"]


def test_conditions_that_name_others_count_for_nothing(led) -> None:
    text = rules(rule("store", "v1", ", port: 8443, sourceLabels: {app: web}"), rule("store", "v2"))
    assert led(text, "tls://store:443", "tls://store:8443") == ["/v2", "/v2"]
    assert led(text, "tls://store:8443", labels={"app": "web"}) == ["/v1"]
    assert led(rules(rule("store", "v1", ", port: 1")), "tls://store:443") == [""]


def test_of_two_rules_for_the_same_names_the_first_decides(led) -> None:
    assert led(rules(rule("store", "v1")) + rules(rule("store", "v2"), name="b"), "tls://store:443") == ["/v1"]


@pytest.mark.parametrize(
    ("several", "why"),
    [
        ((rule(f"store, {FULL}", "v1"), rule("store", "v2")), "Envoy refuses the port"),
        ((rule("store", "v1", ", destinationSubnets: [10.0.0.0/8]"),), "addresses of the connection"),
    ],
)
def test_what_cannot_be_told_is_undecided(built, several, why: str) -> None:
    mesh = built(STORE + rules(*several, hosts=f"store, {FULL}")).mesh
    found = predict(mesh, parse("tls://store:443"))
    assert why in found.undecided
    assert undecided(mesh, found)


def test_without_a_rule_nobody_looks_at_what_a_port_with_tls_carries(led) -> None:
    assert led("", "tcp://store:443") == [""]
    assert led(rules(rule("store", "v1")), "tcp://store:443") == ["connection"]


def test_tls_on_a_port_that_speaks_tcp_is_what_any_connection_is(led) -> None:
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: deep}\n"
    service += "spec: {selector: {app: greeter}, ports: [{name: tcp, port: 9000}]}\n---\n"
    rule = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: vs}\n"
    rule += "spec: {hosts: [deep], tcp: [{route: [{destination: {host: store, subset: v2, port: {number: 443}}}]}]}\n"
    assert led(service, "tls://deep:9000") == [""]
    assert led(service + rule, "tls://deep:9000", "tcp://deep:9000") == ["/v2", "/v2"]


def test_where_hosts_have_no_address_names_alone_find_a_port_with_tls(built) -> None:
    entry = (
        "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {{name: {0}}}\nspec:\n  hosts: [{0}.org]\n"
    )
    entry += "  {1}ports: [{{number: 443, name: tls, protocol: TLS}}]\n  resolution: DNS\n---\n"
    mesh = built(entry.format("far", "") + entry.format("near", "addresses: [10.0.0.1]\n  ")).mesh
    by_name, by_address = (predict(mesh, parse(f"tcp://{one}.org:443")) for one in ("far", "near"))
    assert (by_name.refused, "a name in a handshake alone" in by_name.note) == ("connection", True)
    assert (by_address.refused, [arm.destination for arm in by_address.arms]) == ("", ["near.org"])


def test_a_port_of_http_or_of_nothing_shows_no_rules_to_connections(built) -> None:
    head = "apiVersion: v1\nkind: Service\nmetadata: {name: plain}\n"
    mesh = built(head + "spec: {selector: {app: greeter}, ports: [{port: 82}]}\n").mesh
    for scheme in ("tcp", "tls"):
        refused = predict(mesh, parse(f"{scheme}://greeter:5000"))
        assert (refused.refused, "speaks http" in refused.note) == ("connection", True)
        sniffed = predict(mesh, parse(f"{scheme}://plain:82"))
        assert (sniffed.refused, "does not say what it carries" in sniffed.undecided) == ("", True)


def test_samples_ask_every_port_by_the_names_of_the_rule(built) -> None:
    mesh = built(STORE + rules(rule("store", "v1", ", port: 443"), rule(FULL, "v2"), hosts=f"store, {FULL}")).mesh
    requests, notices = sample_requests(mesh, called=())
    assert [str(one) for one in requests] == ["tls://store:443", f"tls://{FULL}:443", f"tls://{FULL}:8443"]
    assert {one.tls for one in requests} == {POD_TLS}
    assert notices == ()
    assert entering(mesh, parse("tls://store:443")).tls == POD_TLS
