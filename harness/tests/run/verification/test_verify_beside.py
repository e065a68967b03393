"""What is applied beside what is specified, and shows in no answer: it is told, and nothing passes for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from meshproof.border.coverage import Unproved
from meshproof.run.verification.verification import Verification, prepare_verification
from sure import SURE

WEB = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: example/web, ports: [{containerPort: 8080}]}]}
"""
RULE = """---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web}
spec: {host: web, trafficPolicy: %s}
"""
RETRIES = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http: [{retries: {attempts: 2, retryOn: 5xx%s}, route: [{destination: {host: web}}]}]
"""
OUTSIDE = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: out}
spec: {hosts: [out.example.com], resolution: STATIC, %s}
"""
HTTP, TCP = "{number: 80, name: http, protocol: HTTP}", "{number: 5432, name: tcp, protocol: TCP}"
ENDPOINTS = "endpoints: [{address: 10.9.9.9}]"

Verify = Callable[..., Verification]


@pytest.fixture
def verify(tmp_path: Path) -> Verify:
    """Prepare a verification of the first manifests, with the others applied where there are any."""

    def make(specified: str, applied: str = "") -> Verification:
        for name, text in (("specified", specified), ("applied", applied)):
            (tmp_path / f"{name}.yaml").write_text(text)
        other = [str(tmp_path / "applied.yaml")] if applied else []
        return prepare_verification([str(tmp_path / "specified.yaml")], other, [], SURE, any_client=True)

    return make


def told(found: Verification) -> list[tuple[str, str]]:
    return [(one.kind, one.why) for one in found.coverage.unproved if isinstance(one, Unproved)]


@pytest.mark.parametrize(
    ("policy", "kind", "why"),
    [
        (
            "{outlierDetection: {consecutive5xxErrors: 2}}",
            "outlierDetection.consecutive5xxErrors",
            "2 is applied, and none",
        ),
        ("{retryBudget: {percent: 10}}", "retryBudget.percent", "10 is applied, and none"),
        ("{connectionPool: {http: {maxRequestsPerConnection: 1}}}", "connectionPool.maxRequestsPerConnection", "1 is"),
        ("{loadBalancer: {simple: RANDOM}}", "loadBalancer", "RANDOM is applied, and LEAST_REQUEST"),
        ("{loadBalancer: {consistentHash: {httpHeaderName: x-a}}}", "loadBalancer", "CONSISTENT_HASH is applied"),
        ("{loadBalancer: {simple: ROUND_ROBIN, warmup: {duration: 60s}}}", "warmup", "is applied, and none"),
    ],
)
def test_a_policy_that_is_applied_and_not_specified_is_not_proved(
    verify: Verify, policy: str, kind: str, why: str
) -> None:
    found = dict(told(verify(WEB, WEB + RULE % policy)))
    assert why in found[kind]
    assert found[kind].endswith(" specified: no load shows it")
    assert told(verify(WEB, WEB)) == []


def test_a_policy_that_is_specified_has_a_load_that_shows_another_one(verify: Verify) -> None:
    one, other = (RULE % f"{{connectionPool: {{tcp: {{maxConnections: {number}}}}}}}" for number in (1, 2))
    assert told(verify(WEB + one, WEB + other)) == []


@pytest.mark.parametrize(("first", "second", "what"), [(1, 0, "specified, and not"), (0, 1, "applied, and not")])
def test_retries_in_further_localities_show_in_no_answer(verify: Verify, first: int, second: int, what: str) -> None:
    said = ("", ", retryRemoteLocalities: true")
    ((kind, why),) = told(verify(WEB + RETRIES % said[first], WEB + RETRIES % said[second]))
    assert (kind, f"it is {what}" in why) == ("retryRemoteLocalities", True)


@pytest.mark.parametrize(
    ("specified", "applied", "kind"),
    [
        ("caCertificates: /etc/a.pem", "caCertificates: /etc/b.pem", "caCertificates"),
        ("caCertificates: /etc/a.pem", "sni: web", "caCertificates"),
    ],
)
def test_certificates_from_elsewhere_are_not_proved(verify: Verify, specified: str, applied: str, kind: str) -> None:
    """What stands in for them is the same."""
    rules = (
        RULE % f"{{tls: {{mode: SIMPLE, {'' if 'sni' in one else 'sni: web, '}{one}}}}}" for one in (specified, applied)
    )
    found = verify(*(WEB + one for one in rules))
    assert [(one, why.partition(" is ")[0]) for one, why in told(found)] == [
        (kind, "/etc/b.pem" if "b.pem" in applied else "none")
    ]


SITE = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: site}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: [shop.example.com]
    tls: {mode: SIMPLE, credentialName: site, %s}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: site}
spec: {hosts: [shop.example.com], gateways: [site], http: [{route: [{destination: {host: web}}]}]}
"""
SUITE = "cipherSuites: [ECDHE-ECDSA-AES128-GCM-SHA256]"


@pytest.mark.parametrize(
    ("specified", "applied", "seen"),
    [
        (SUITE, "cipherSuites: [ECDHE-ECDSA-AES256-GCM-SHA384]", False),
        (SUITE, f"{SUITE}, minProtocolVersion: TLSV1_3", False),
        ("minProtocolVersion: TLSV1_2", "minProtocolVersion: TLSV1_3", True),
    ],
)
def test_other_cipher_suites_of_a_server_are_not_proved(
    verify: Verify, specified: str, applied: str, seen: bool
) -> None:
    found = verify(WEB + SITE % specified, WEB + SITE % applied)
    assert any("TLS of port 443 is" in one.why for one in found.coverage.dependences) is not seen


@pytest.mark.parametrize(
    ("specified", "applied", "kind"),
    [
        (", backoff: 1s", ", backoff: 2s", "backoff"),
        (", retryIgnorePreviousHosts: true", "", ""),
        ("", ", retryIgnorePreviousHosts: false", "retryIgnorePreviousHosts"),
        (", backoff: 1s", ", backoff: 1s", ""),
    ],
)
def test_pauses_and_pods_of_retries_show_in_no_answer(verify: Verify, specified: str, applied: str, kind: str) -> None:
    found = verify(*(WEB + RETRIES % one for one in (specified, applied)))
    assert [one for one, _ in told(found)] == ([kind] if kind else [])


def test_the_size_of_a_ring_shows_in_no_answer(verify: Verify) -> None:
    policy = "{loadBalancer: {consistentHash: {httpHeaderName: x%s}}}"
    found = verify(*(WEB + RULE % (policy % more) for more in ("", ", ringHash: {minimumRingSize: 4096}")))
    assert told(found) == [
        ("the table of its hash", "a ring of 4,096 is applied, and a ring of 1,024 is specified: no load shows it")
    ]


def test_a_limit_that_other_clients_lack_is_told(verify: Verify) -> None:
    limits = "{connectionPool: {tcp: {maxConnections: 3}}}"
    own = (RULE % limits).replace("spec: {", "spec: {exportTo: ['.'], ")
    found = told(verify(WEB + RULE % limits, WEB + own))
    assert found == [
        ("connectionPool.maxConnections", "none is applied, and 3 is specified: no load shows it"),
    ]


def test_the_port_of_endpoints_that_stand_in_shows_in_no_answer(verify: Verify) -> None:
    both = (f"ports: [{HTTP[:-1]}{target}}}], {ENDPOINTS}" for target in ("", ", targetPort: 8080"))
    found = verify(*(OUTSIDE % one for one in both))
    assert told(found) == [
        ("the port of its endpoints", "8080 is applied, and 80 is specified: no load shows it"),
    ]


@pytest.mark.parametrize(("port", "asked"), [(HTTP, "GET http://10.1.1.1/"), (TCP, "tcp://10.1.1.1:5432")])
def test_the_address_of_an_entry_is_asked_for_as_its_name_is(verify: Verify, port: str, asked: str) -> None:
    found = verify(OUTSIDE % f"addresses: [10.1.1.1], ports: [{port}], {ENDPOINTS}")
    assert found.samples is not None
    assert asked in [str(one) for one in found.samples.load.requests]


def test_a_block_of_addresses_is_not_proved(verify: Verify) -> None:
    (one,) = verify(OUTSIDE % f"addresses: [10.1.1.0/24], ports: [{TCP}], {ENDPOINTS}").coverage.dependences
    why = "requests to a block of addresses of a ServiceEntry are not modelled: no client is known to call one"
    assert one.why == why


@pytest.mark.parametrize(("applied", "kinds"), [("3s", []), ("3500ms", ["timeout"]), ("4s", ["timeout"]), ("5s", [])])
def test_a_timeout_that_is_hardly_longer_than_specified_is_cut_off_by_no_answer(
    verify: Verify, applied: str, kinds: list[str]
) -> None:
    rule = RETRIES.replace("retries:", "timeout: TIME, retries:") % ", perTryTimeout: 1s"
    found = verify(*(WEB + rule.replace("TIME", one) for one in ("3s", applied)))
    assert [one for one, _ in told(found)] == kinds
