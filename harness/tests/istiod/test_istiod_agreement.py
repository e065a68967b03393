"""What istiod makes of each scenario's manifests, recorded on a cluster, is what meshproof makes of them.

Each file holds the cases of one folder, recorded under the version of Istio that names the folder above it; a case
holds its manifests, so that a record never grows stale unseen. Recorded by harness/tests/lab (`up`, then `record`).
"""

import functools
import json
from pathlib import Path

import pytest
import yaml
from meshproof.envoy.compared.essence import clusters, detectors, tables
from meshproof.envoy.compared.routes import compared
from meshproof.envoy.node import Address, Kind, Proxy
from meshproof.envoy.translate import translate
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build

RECORDS = sorted(Path(__file__).parent.glob("*/*.json"))
PROXIES = {
    "sidecar": Proxy(labels={"app": "client"}),
    "gateway": Proxy(Kind.GATEWAY, "istio-system", {"istio": "ingressgateway", "app": "istio-ingressgateway"}),
}


@functools.cache
def recorded(path):
    return json.loads(path.read_text(encoding="utf-8"))


def addresses(mesh):
    return {
        workload.key: tuple(
            Address(f"{workload.name}-{number}", {port.number: ("127.0.0.1", 10000) for port in workload.ports})
            for number in range(workload.replicas)
        )
        for workload in mesh.workloads
    }


def translated(case, proxy, folder):
    manifest = folder / "case.yaml"
    manifest.write_text(yaml.safe_dump_all(case["manifests"]), encoding="utf-8")
    mesh = build(load([str(manifest)]).resources).mesh
    return translate(mesh, PROXIES[proxy], addresses(mesh)).document()


CASES = [
    pytest.param(path, name, proxy, id=f"{path.stem}-{name}-{proxy}")
    for path in RECORDS
    for name, case in recorded(path).items()
    for proxy in PROXIES
    if proxy in case
]


def test_there_are_records_of_every_folder():
    assert len(CASES) >= 80
    assert {path.stem for path in RECORDS} >= {"breaker", "canary", "fault", "gateway", "golden", "mirror"}
    refused = [name for path in RECORDS for name, case in recorded(path).items() if "refused" in case]
    assert refused == []


@pytest.mark.parametrize(("path", "name", "proxy"), CASES)
def test_a_proxy_gets_what_istiod_would_give_it(path, name, proxy, tmp_path):
    theirs, ours = recorded(path)[name][proxy], translated(recorded(path)[name], proxy, tmp_path)
    assert clusters(ours["clusters"]) == clusters(theirs["clusters"])
    known = tables(theirs["routes"])
    for table, content in tables(ours["routes"]).items():
        # A table of nothing but unknown hosts was not recorded.
        if content["domains"]:
            assert content == known[table]


def test_a_detector_that_is_not_enforced_counts_nothing():
    silent = {"enforcing_consecutive_5xx": 100, "consecutive_5xx": 5, "enforcing_consecutive_gateway_failure": 0}
    assert detectors({}) == silent
    assert detectors({"consecutive_5xx": 0, "enforcing_consecutive_5xx": 0}) == {
        "enforcing_consecutive_5xx": 0,
        "enforcing_consecutive_gateway_failure": 0,
    }


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
def test_routes_that_are_the_same_have_no_difference_and_a_changed_weight_has_one(path, tmp_path):
    for number, (name, case) in enumerate(recorded(path).items()):
        for proxy in PROXIES:
            if proxy in case:
                (folder := tmp_path / f"{number}-{proxy}").mkdir()
                ours, theirs = translated(case, proxy, folder)["routes"], case[proxy]["routes"]
                assert compared(ours, theirs).differences == (), name
                changed = json.loads(json.dumps(theirs).replace('"weight": 90', '"weight": 50'))
                places = [one.place for one in compared(ours, changed).differences]
                assert all(one.endswith("weight") for one in places)
                assert bool(places) == (changed != theirs), name
