"""Without applying, a run keeps what it read of the cluster as applied: a bundle that does the same anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest
from meshproof.border.facts.captured import Captured, Document
from meshproof.border.facts.provenance import Question
from meshproof.border.verdict import Precision
from meshproof.report.bundle.archive import read
from meshproof.report.run_folder import RunFolder
from meshproof.run.options import Options
from meshproof.run.provenance.gather import of_verification
from meshproof.run.reproduce import command
from meshproof.run.session import Session
from meshproof.run.verification.verification import Verification, prepare_verification
from meshproof.suite import folder
from meshproof.targets.embedded.target import EmbeddedTarget

CANARY = folder("scenarios") / "canary"
SERVICES = ("helloworld.yaml", "subsets.yaml")


class StandingMesh(EmbeddedTarget):
    """An embedded mesh in the place of a cluster in which half of all requests reach the canary already."""

    is_standing = True

    async def running(self, namespaces: Iterable[str]) -> Captured:
        assert list(namespaces) == ["default"]
        names = (*SERVICES, "weight-50.yaml")
        return Captured(tuple(Document(f"File/{name}", (CANARY / name).read_text()) for name in names))


@pytest.fixture
def drifted() -> Verification:
    """Ten percent are specified, and half of all are what really runs."""
    specified, applied = (
        [str(CANARY / name) for name in (*SERVICES, weights)] for weights in ("weight-10.yaml", "weight-50.yaml")
    )
    return prepare_verification(specified, applied, (), Precision())


def test_the_bundle_of_a_failing_run_has_what_the_cluster_ran(drifted: Verification, tmp_path: Path) -> None:
    target = StandingMesh()
    (samples,) = [one for one in drifted.driven if one.name == "verify"]

    async def run() -> int:
        session = Session(target, tmp_path / "run", [RunFolder(tmp_path / "run")], Options())
        made_of = of_verification(drifted, target, Question())
        await session.open([samples.name], ["steady"], provenance=made_of, coverage=drifted.coverage)
        await session.run_all([samples])
        return await session.close()

    assert asyncio.run(run()) == 1
    bundle = read(tmp_path / "run" / "bundle.tar.gz")
    assert bundle.applied == "manifests/verify/applied-0.yaml"
    assert bundle.files[bundle.applied] == asyncio.run(target.running(["default"])).text
    assert b"weight: 10" in bundle.files[bundle.specified]
    again = [tmp_path / name for name in ("specified.yaml", "applied.yaml")]
    for file, name in zip(again, (bundle.specified, bundle.applied), strict=True):
        file.write_bytes(bundle.files[name])
    replayed = prepare_verification([str(again[0])], [str(again[1])], (), Precision())
    assert replayed.samples is not None
    (stage,) = replayed.samples.stages
    assert [one.weight for one in stage.mesh.virtual_services[0].rules[0].destinations] == [50, 50]


def test_the_command_that_repeats_it_asks_the_cluster_again(drifted: Verification) -> None:
    given = ["verify", "-f", "k8s", "--target", "cluster", "--context", "staging", "-n", "shop", "--no-apply"]
    found = command(given, drifted.driven)
    assert found[:4] == ("meshproof", "verify", "-f", "manifests/verify/specified-0.yaml")
    assert "--applied" not in found
