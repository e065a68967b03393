"""What Gateways are called is no matter to requests: they meet pods, and the servers of all Gateways for these."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from meshproof.border.verdict import Outcome, Precision, Verdict
from meshproof.run.prepare import Prepared
from meshproof.run.verification.verification import Verification, prepare_verification

APPS = """\
apiVersion: v1
kind: Service
metadata: {name: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec: {containers: [{name: shop, image: example/shop, ports: [{containerPort: 8080}]}]}
"""
ROUTES = """\
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [a.example.com, b.example.com]
  gateways: [GATEWAYS]
  http: [{route: [{destination: {host: shop}}]}]
"""
Driven = Callable[[Path, Sequence[Prepared]], list[list[Verdict]]]


def gateway(name: str, hosts: str, pods: str = "ingressgateway") -> str:
    return (
        f"---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: {name}}}\n"
        f"spec:\n  selector: {{istio: {pods}}}\n"
        f"  servers: [{{port: {{number: 80, name: http, protocol: HTTP}}, hosts: [{hosts}]}}]\n"
    )


BOTH = "a.example.com, b.example.com"
ONE = gateway("one", BOTH) + ROUTES.replace("GATEWAYS", "one")
TWO = gateway("one", "a.example.com") + gateway("two", "b.example.com") + ROUTES.replace("GATEWAYS", "one, two")
RENAMED = gateway("other", BOTH) + ROUTES.replace("GATEWAYS", "other")
LOST = gateway("one", "a.example.com") + ROUTES.replace("GATEWAYS", "one")
ELSEWHERE = gateway("other", BOTH, "internal") + ROUTES.replace("GATEWAYS", "other")


def prepared(folder: Path, specified: str, applied: str) -> Verification:
    for name, text in (("specified", specified), ("applied", applied)):
        (folder / name).mkdir(parents=True)
        (folder / name / "all.yaml").write_text(APPS + text)
    return prepare_verification([str(folder / "specified")], [str(folder / "applied")], (), Precision())


def test_gateways_that_are_divided_joined_or_renamed_serve_as_specified(tmp_path: Path, driven: Driven) -> None:
    pairs = {
        "divided": (ONE, TWO, True),
        "joined": (TWO, ONE, True),
        "renamed": (ONE, RENAMED, True),
        "a host lost": (TWO, LOST, False),
        "other pods": (ONE, ELSEWHERE, False),
    }
    loads = [prepared(tmp_path / name, one, other).boundaries for name, (one, other, _) in pairs.items()]
    found = driven(tmp_path, [one for one in loads if one])
    for (name, (_, _, good)), verdicts in zip(pairs.items(), found, strict=True):
        assert all(one.outcome is Outcome.PASSED for one in verdicts) is good, name
