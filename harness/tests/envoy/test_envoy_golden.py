"""Manifests to xDS, case by case: harness/tests/golden/NAME.in.yaml must give NAME.xds.json.

To write the expected files anew: MESHPROOF_UPDATE_GOLDEN=1 pytest harness/tests/envoy/test_envoy_golden.py
(then read the difference in git before it is committed).
"""

import json
import os
from pathlib import Path

import pytest
from meshproof.envoy.node import Address, Kind, Proxy
from meshproof.envoy.translate import translate
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path.name.removesuffix(".in.yaml") for path in GOLDEN.glob("*.in.yaml"))
UPDATE = "MESHPROOF_UPDATE_GOLDEN"


def addresses(mesh):
    """Pods on made-up local ports, counted from 10000 on."""
    result, local = {}, 10000
    for workload in mesh.workloads:
        replicas = []
        for number in range(workload.replicas):
            replicas.append(
                Address(f"{workload.name}-{number}", {p.number: ("127.0.0.1", local) for p in workload.ports})
            )
            local += 1
        result[workload.key] = tuple(replicas)
    return result


def translated(case):
    mesh = build(load([str(GOLDEN / f"{case}.in.yaml")]).resources).mesh
    entered = mesh.pods_of(mesh.gateways[0]) if mesh.gateways else None
    proxy = Proxy(Kind.GATEWAY, *entered) if entered else Proxy(labels={"app": "client"})
    return translate(mesh, proxy, addresses(mesh))


def test_there_are_cases():
    assert len(CASES) >= 14
    assert {path.name.removesuffix(".xds.json") for path in GOLDEN.glob("*.xds.json")} == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_the_translation_is_the_expected_one(case):
    document = translated(case).document()
    expected = GOLDEN / f"{case}.xds.json"
    if os.environ.get(UPDATE):
        expected.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    assert document == json.loads(expected.read_text(encoding="utf-8")), f"to accept this, run with {UPDATE}=1"
