"""A mutant is prepared with what it can touch: that shows what the whole folder would, and costs the same in any."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from meshproof.border.verdict import Precision
from meshproof.mutate import differences, mutants
from meshproof.run.selfcheck import folder as own
from meshproof.run.selfcheck.folder import Case, Folder, case, read_folder
from meshproof.run.verification.specification import Specification, nothing_more

SERVICE = """\
---
apiVersion: v1
kind: Service
metadata: {{name: s{n}}}
spec: {{selector: {{app: s{n}}}, ports: [{{name: http, port: 80}}]}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: s{n}}}
spec:
  selector: {{matchLabels: {{app: s{n}}}}}
  template:
    metadata: {{labels: {{app: s{n}}}}}
    spec: {{containers: [{{name: web, image: example/web}}]}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: s{n}}}
spec:
  hosts: [s{n}]
  http:
  - match: [{{uri: {{prefix: /old/}}}}]
    timeout: 2s
    route: [{{destination: {{host: s{n}}}}}]
  - route: [{{destination: {{host: s{n}}}}}]
"""
# Rules that lead from a gateway to one Service, and from another one to two.
BETWEEN = """\
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: entry}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [shop.example.com]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: entry}
spec:
  hosts: [shop.example.com]
  gateways: [entry]
  http:
  - match: [{uri: {prefix: /s1}}]
    route: [{destination: {host: s1}}]
  - redirect: {uri: /s1}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: beside}
spec:
  hosts: [beside.example.com, s3]
  gateways: [mesh, entry]
  http:
  - mirror: {host: s1}
    route: [{destination: {host: s0}, weight: 50}, {destination: {host: s2}, weight: 50}]
"""


def read(path: Path) -> Folder:
    return read_folder([str(path)], (), Precision(), namespace="default", any_client=True, limits=nothing_more)


def shown(found: Case) -> set[tuple[str, frozenset[str]]]:
    """The requests that show a mutant, each with what is otherwise."""
    pairs = (
        pair
        for load in (found.loads if found.prepared else ())
        for stage in zip(load.plan.stages, load.plan.applied, strict=True)
        for pair in zip(*stage, strict=True)
    )
    return {(str(ours.request), found) for ours, theirs in pairs if (found := differences(ours, theirs))}


def test_as_much_is_known_of_a_mutant_as_by_the_whole_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "all.yaml").write_text("".join(SERVICE.format(n=n) for n in range(3)) + BETWEEN)
    folder = read(tmp_path)
    several = random.Random(5).sample(list(mutants(folder.own, folder.manifests.resources)), 6)
    narrow = [case(folder, one) for one in several]
    monkeypatch.setattr(own, "neighbourhood", _whole)
    whole = [case(folder, one) for one in several]
    assert [one.judged for one in narrow] == [one.judged for one in whole]
    assert [shown(one) for one in narrow] == [shown(one) for one in whole]
    assert sum(map(bool, map(shown, whole))) >= 2


def _whole(specified: Specification, _own: object, mutated: object) -> Specification:
    return own.replace(specified, applied=mutated.built)  # type: ignore[attr-defined]


def test_a_mutant_costs_what_it_touches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = (asked(tmp_path / str(services), services, monkeypatch) for services in (3, 30))
    assert 0 < large <= small


def asked(path: Path, services: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many requests are predicted for one mutant of a folder with so many Services."""
    path.mkdir()
    (path / "all.yaml").write_text("".join(SERVICE.format(n=n) for n in range(services)))
    folder = read(path)
    (mutant,) = [
        one
        for one in mutants(folder.own, folder.manifests.resources)
        if one.operator == "timeout-dropped" and one.original.name == "s1"
    ]
    found = case(folder, mutant)
    assert found.prepared is not None
    return sum(len(stage) for load in found.loads for stage in load.plan.stages)
