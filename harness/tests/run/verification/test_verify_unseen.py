"""What runs otherwise than specified, and no request shows, is never green: mutual TLS, and whose gateway it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.border.verdict import Precision
from meshproof.run.verification.verification import Verification, prepare_verification

SHOP = """\
apiVersion: v1
kind: Service
metadata: {name: cart}
spec: {selector: {app: cart}, ports: [{name: http, port: 80}]}
---
"""
RULE = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: cart}\n"
POLICY = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: default}\n"
NONE = f"{RULE}spec: {{host: cart}}\n"
PLAIN = f"{RULE}spec: {{host: cart, trafficPolicy: {{tls: {{mode: DISABLE}}}}}}\n"
MUTUAL = f"{RULE}spec: {{host: cart, trafficPolicy: {{tls: {{mode: ISTIO_MUTUAL}}}}}}\n"
ASKING = MUTUAL.replace("ISTIO_MUTUAL", "ISTIO_MUTUAL, sni: a.example")
PERMISSIVE, OPEN = (f"{POLICY}spec: {{mtls: {{mode: {mode}}}}}\n" for mode in ("PERMISSIVE", "DISABLE"))

LEFT_OUT = "mutual TLS is left out between proxies and pods here"


def prepared(folder: Path, *texts: str) -> Verification:
    places = []
    for number, text in enumerate(texts):
        places.append(folder / f"{number}.yaml")
        places[-1].write_text(SHOP + text)
    first, *applied = map(str, places)
    return prepare_verification([first], applied, (), Precision(), any_client=True)


@pytest.mark.parametrize("text", [NONE, PLAIN, PERMISSIVE])
def test_what_runs_as_specified_is_proved(tmp_path: Path, text: str) -> None:
    assert prepared(tmp_path, text).coverage.dependences == ()
    assert prepared(tmp_path, text, text).coverage.dependences == ()


@pytest.mark.parametrize(
    ("specified", "applied", "whys"),
    [
        (MUTUAL, MUTUAL, [LEFT_OUT, LEFT_OUT]),
        (MUTUAL, PLAIN, [LEFT_OUT, "tls DISABLE is applied and not specified"]),
        (NONE, PLAIN, ["tls DISABLE is applied and not specified"]),
        (MUTUAL, NONE, [LEFT_OUT]),
        (NONE, MUTUAL, [LEFT_OUT]),
        (ASKING, MUTUAL, [LEFT_OUT, LEFT_OUT, "tls ISTIO_MUTUAL with sni a.example is specified and not applied"]),
        (PERMISSIVE, OPEN, ["DISABLE is applied and not specified", "PERMISSIVE is specified and not applied"]),
        (PERMISSIVE, "", ["PERMISSIVE is specified and not applied"]),
    ],
)
def test_what_runs_otherwise_is_told_with_its_place(
    tmp_path: Path, specified: str, applied: str, whys: list[str]
) -> None:
    found = prepared(tmp_path, specified, applied).coverage.dependences
    assert sorted(one.why.partition(":")[0] for one in found) == whys
    assert all(one.location.line > 5 for one in found)
    assert not any(one.requests for one in found)


ENTRY = """\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: entry}
spec: {selector: {istio: SELECTED}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [a.example]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: cart}
spec: {hosts: [a.example], gateways: [entry], http: [{route: [{destination: {host: cart}}]}]}
"""


def test_a_gateway_for_other_pods_proves_nothing_of_what_enters_by_it(tmp_path: Path) -> None:
    specified, applied = (ENTRY.replace("SELECTED", name) for name in ("ingressgateway", "elsewhere"))
    assert prepared(tmp_path, specified, specified).coverage.dependences == ()
    (found,) = prepared(tmp_path, specified, applied).coverage.dependences
    assert found.why == "it selects istio: elsewhere, and istio: ingressgateway is specified"
    assert any("by gateway default/entry" in one for one in found.requests)
    assert not any("GET http://cart/" in one for one in found.requests)
