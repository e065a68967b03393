"""Routing alone is specified, and all that runs is applied: what nobody specifies is taken as it is applied."""

from __future__ import annotations

from pathlib import Path

import pytest
from meshproof.run.verification.verification import Verification, prepare_verification
from sure import SURE

PODS = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports: [{name: http2, port: 80, targetPort: 8080}, {name: http-more, port: 81, targetPort: 8080}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: web-v1}
spec:
  serviceName: web
  selector: {matchLabels: {app: web, version: v1}}
  template:
    metadata: {labels: {app: web, version: v1}}
    spec: {containers: [{name: c, image: example/web, ports: [{containerPort: 8080}]}]}
---
"""
ENTRY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: entry}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
"""
RULE = """
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: other-name}
spec: {host: web, subsets: [{name: one, labels: {version: v1}}]}
---
"""
ROUTE = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web.example.com, web]
  gateways: [mesh, entry]
  http: [{route: [{destination: {host: web, subset: one, port: {number: 80}}}], timeout: 5s}]
"""


def prepared(folder: Path, specified: str, applied: str) -> Verification:
    for name, text in (("specified", specified), ("applied", applied)):
        (folder / f"{name}.yaml").write_text(text)
    return prepare_verification(
        [str(folder / "specified.yaml")], [str(folder / "applied.yaml")], [], SURE, any_client=True
    )


def gaps(found: Verification) -> list[str]:
    return [one.why for one in (*found.coverage.dependences, *found.coverage.unproved)]


@pytest.mark.parametrize(
    ("specified", "taken"),
    [
        (ROUTE, "Service default/web, StatefulSet default/web-v1, Gateway default/entry and 1 more"),
        (RULE + ROUTE, "Service default/web, StatefulSet default/web-v1, Gateway default/entry"),
        (ENTRY + RULE + ROUTE, "Service default/web, StatefulSet default/web-v1"),
        # Beside what runs a subset that nothing defines is a mistake.
        (PODS + ENTRY + ROUTE, ""),
        (PODS + ENTRY + RULE + ROUTE, ""),
    ],
)
def test_what_is_not_specified_is_as_it_is_applied(tmp_path: Path, specified: str, taken: str) -> None:
    found = prepared(tmp_path, specified, PODS + ENTRY + RULE + ROUTE)
    assert gaps(found) == []
    told = [one.message for one in found.notices if "taken as applied" in one.message]
    assert told == ([f"not specified, and taken as applied: {taken}"] if taken else [])
    assert found.coverage.objects == specified.count("apiVersion")


def test_what_is_specified_is_never_taken_from_what_is_applied(tmp_path: Path) -> None:
    found = prepared(tmp_path, RULE + ROUTE, PODS + ENTRY + RULE.replace("v1}", "v2}") + ROUTE.replace("5s", "9s"))
    assert found.boundaries is not None
    (stage,) = found.boundaries.stages
    (rule,) = stage.wanted.mesh.destination_rules
    assert [one.labels for one in rule.subsets] == [{"version": "v1"}]
    assert [one.http[0].timeout for one in stage.wanted.mesh.virtual_services] == [5.0]


def test_where_nothing_is_applied_in_its_place_something_stands_in_on_both_sides(tmp_path: Path) -> None:
    found = prepared(tmp_path, ROUTE, ROUTE)
    assert gaps(found) == []
    assert not [one for one in found.notices if "taken as applied" in one.message]
