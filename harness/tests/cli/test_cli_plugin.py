"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from meshproof.suite import PACKAGE, folder

SCHEMA = json.loads((PACKAGE.parents[1] / "docs" / "report.schema.json").read_text())

# Loads the fixtures of a target as the plugin does, and prints what came with them.
LOAD = "import runpy, sys; runpy.run_path(sys.argv[1]); print(*(one for one in sys.modules if 'meshproof' in one))"

# How a pytest run may go: in one process, or with workers of xdist.
WORKERS = [pytest.param((), id="alone"), pytest.param(("-n", "2"), id="workers", marks=pytest.mark.long)]


@pytest.mark.long
def test_the_built_in_canary_passes_on_two_workers(place: Any) -> None:
    running = place.pytest(folder("scenarios") / "canary", "-n", "2", "--dist", "worksteal", *place.pytest_rates)
    ended = running.end()
    assert ended.code == 0, ended.out + ended.err
    assert "3 passed" in ended.out
    workers = sorted(running.output.glob("gw*"))
    assert [worker.name for worker in workers] == ["gw0", "gw1"]
    ran = []
    for worker in workers:
        report = json.loads((worker / "report.json").read_text())
        jsonschema.validate(report, SCHEMA)
        assert report["outcome"] == "passed"
        ran += [one["scenario"] for one in report["scenarios"]]
    assert [line for line in ended.out.splitlines() if line.startswith("meshproof: ")] == [
        f"meshproof: {running.output / 'report.html'}"
    ]
    merged = json.loads((running.output / "report.json").read_text())
    jsonschema.validate(merged, SCHEMA)
    assert (merged["outcome"], [one["scenario"] for one in merged["scenarios"]]) == ("passed", ran)
    assert {one.name for one in (running.output / "manifests").iterdir()} == set(ran)
    assert sorted(ran) == ["CanaryByHeader", "CanaryRamp", "CanarySplit"]


@pytest.mark.parametrize("path", sorted(folder("fixtures").glob("*.py")), ids=lambda path: path.stem)
def test_a_worker_that_gets_no_scenario_imports_no_target(path: Path) -> None:
    loaded = subprocess.run([sys.executable, "-c", LOAD, path], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""


def test_a_mesh_that_is_wrong_fails_with_the_reason_alone(place: Any) -> None:
    suite = place.suite("suite", "one", "two", "three")
    place.route("suite", place.undefined)
    junit = place.here / "junit.xml"
    ended = place.run_pytest(suite, "-x", "-k", "two or three", "--junitxml", junit)
    assert ended.code == 1, ended.out + ended.err
    assert "1 failed, 1 deselected" in ended.out
    events = [json.loads(line) for line in (place.here / "out" / "events.ndjson").read_text().splitlines()]
    assert [event["scenario"] for event in events if event["event"] == "ScenarioStarted"] == ["Canary"]
    assert "Split failed: helloworld.default/v3 " in ended.out
    assert "NoErrors failed: " in ended.out
    assert f"{suite / 'route.yaml'}:11:11" in ended.out
    assert "def test_two" not in ended.out
    assert "Traceback" not in ended.out
    failure = ElementTree.parse(junit).find(".//failure")
    assert failure is not None
    assert "Split failed: helloworld.default/v3 " in (failure.text or "")
    bundle = place.here / "out" / "bundle.tar.gz"
    assert f"replay anywhere: meshproof replay {bundle}" in ended.out
    moved = bundle.rename(place.here / "elsewhere.tar.gz")
    again = place.run("replay", moved, "-o", "json", "--output", "again")
    assert again.code == 1, again.err
    assert "scenario Canary: none of its name is built in" in again.err
    assert any("no DestinationRule defines" in one["reason"] or "v3" in one["reason"] for one in again.report["checks"])


@pytest.mark.parametrize("workers", WORKERS)
def test_a_harness_that_breaks_is_no_failure_of_the_mesh(place: Any, workers: tuple[str, ...]) -> None:
    running = place.pytest(place.suite("suite", "one"), *place.pytest_endless, *workers)
    running.saw("Progress", check="Split")
    running.part("bootstrap.json").send_signal(signal.SIGKILL)
    ended = running.end()
    assert ended.code == 3, ended.out + ended.err
    assert "Canary-1-sidecar: Envoy ended" in ended.out
    assert "Traceback" not in ended.out
    assert place.left_over() == []


def test_a_manifest_that_is_wrong_is_no_failure_of_the_mesh(place: Any) -> None:
    suite = place.suite("suite", "one")
    (suite / "route.yaml").write_text("kind: [\n")
    ended = place.run_pytest(suite)
    assert ended.code == 4, ended.out + ended.err
    assert f"{suite / 'route.yaml'}:2:1: " in ended.out
    assert "Traceback" not in ended.out


def test_wrong_options(place: Any) -> None:
    suite = place.suite("suite", "one")
    wrong = {
        "--mesh-alpha=0": "--mesh-alpha",
        "--mesh-tolerance=nan": "nan is not between",
        "--mesh-target=moon": "moon",
        "--mesh-nodes=-3": "-3 is not between 0 and 20",
        "--mesh-context=lab": "--mesh-context is for --mesh-target kind, cluster and hosts",
    }
    for option, words in wrong.items():
        ended = place.run_pytest(suite, option)
        assert ended.code == 4, option
        assert words in ended.err, option
        assert not (place.here / "out").exists()


def test_a_local_port_that_is_taken(place: Any) -> None:
    suite = place.suite("suite", "one")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = place.run_pytest(suite, "--mesh-port", f"5000={port}")
    assert ended.code == 3, ended.out + ended.err
    assert f"port {port} on 127.0.0.1, asked for by --mesh-port 5000={port}, cannot be had" in ended.out


def test_an_output_folder_that_is_in_use(place: Any) -> None:
    suite = place.suite("suite", "one")
    ended = place.run_pytest(suite, output="suite")
    assert ended.code == 4, ended.out + ended.err
    assert f"{suite} is not empty: name another folder" in ended.out


UNRELATED = """\
import sys

def test_that_has_nothing_to_do_with_meshes():
    heavy = {"click", "rich", "yaml", "grpc", "google.protobuf", "jinja2", "envoy", "locust", "kubernetes"}
    assert not heavy & sys.modules.keys()
    loaded = [name for name in sys.modules if name.startswith("meshproof")]
    packages = ("meshproof.targets", "meshproof.run", "meshproof_")
    assert not [name for name in loaded if name.startswith(packages)], loaded
"""


def test_a_pytest_that_has_nothing_to_do_with_meshes_is_left_alone(place: Any) -> None:
    (place.here / "test_unrelated.py").write_text(UNRELATED)
    alone = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    arguments = ("-q", "-p", "meshproof.plugin", "test_unrelated.py")
    ended = place.launch("pytest", *arguments, output=place.here, env=alone).end()
    assert ended.code == 0, ended.out + ended.err
    assert "meshproof" not in ended.out
    assert not (place.here / "meshproof-runs").exists()


def test_an_inspection_is_skipped_where_the_target_cannot_be_inspected(place: Any) -> None:
    suite = place.here / "suite"
    suite.mkdir()
    (suite / "test_inspection.py").write_text(
        "from meshproof import Inspection\n\n\n"
        "def test_installation(verify):\n"
        "    verify(Inspection('Ports', '', int, [], {'Ports'}))\n"
    )
    ended = place.run_pytest(suite, "-rs")
    assert ended.code == 0, ended.out + ended.err
    assert "the embedded target does not offer Ports" in ended.out


STUCK = """\
import pytest
from meshproof.errors import TargetError
from meshproof.targets.embedded.target import EmbeddedTarget

class Stuck(EmbeddedTarget):
    async def down(self):
        await super().down()
        raise TargetError("namespace meshproof-1 is still being deleted after 120 s", "look: kubectl get namespaces")

@pytest.fixture(scope="session")
def mesh_target():
    return Stuck()
"""


@pytest.mark.parametrize("workers", WORKERS)
def test_an_error_while_ending_is_reported_and_is_no_success(place: Any, workers: tuple[str, ...]) -> None:
    suite = place.suite("suite", "one")
    (suite / "conftest.py").write_text(STUCK)
    ended = place.run_pytest(suite, *place.pytest_rates, *workers)
    assert ended.code == 3, ended.out + ended.err
    assert "1 passed, 1 error" in ended.out
    assert "namespace meshproof-1 is still being deleted after 120 s" in ended.out
    assert "look: kubectl get namespaces" in ended.out
    assert "Traceback" not in ended.out


def test_a_worker_that_crashes_is_no_failure_of_the_mesh(place: Any) -> None:
    suite = place.suite("suite", "one")
    (suite / "conftest.py").write_text("import os\ndef pytest_runtest_call(item):\n    os._exit(9)\n")
    ended = place.pytest(suite, "-n", "1").end()
    assert ended.code == 3, ended.out + ended.err
    assert "crashed while running" in ended.out


@pytest.mark.long
def test_an_error_while_ending_after_ctrl_c_is_reported_too(place: Any) -> None:
    suite = place.suite("suite", "one")
    (suite / "conftest.py").write_text(STUCK)
    running = place.pytest(suite, *place.pytest_endless)
    running.saw("Progress", check="Split")
    running.signal(signal.SIGINT)
    ended = running.end()
    assert ended.code == 2, ended.out + ended.err
    assert "namespace meshproof-1 is still being deleted after 120 s" in ended.out
    assert running.orphans() == []
