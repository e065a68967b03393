"""Ctrl-C and SIGTERM: exit 2, in order, and nothing stays behind."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from meshproof.suite import PACKAGE

pytestmark = pytest.mark.long

SCHEMA = json.loads((PACKAGE.parents[1] / "docs" / "report.schema.json").read_text())
MORE_THAN_A_PIPE_HOLDS = "# not yet a manifest\n" * 20_000

MOMENTS: dict[str, Callable[[Any], Any]] = {
    "at start-up": lambda running: running.saw("RunStarted"),
    "while the mesh starts": lambda running: running.part("bootstrap.json"),
    "under load": lambda running: running.saw("Progress", check="Split", stage=0),
    "during a ramp": lambda running: running.saw("ConfigApplied", stage=1),
}


def interrupted(place: Any, running: Any) -> Any:
    """The report of a run that has been interrupted."""
    ended = running.end()
    assert ended.code == 2, ended.err
    jsonschema.validate(ended.report, SCHEMA)
    assert ended.report["outcome"] == "interrupted"
    assert ended.report["exit_code"] == 2
    assert "Traceback" not in ended.err
    assert running.orphans() == []
    assert place.left_over() == []
    return ended.report


@pytest.mark.parametrize(("moment", "number"), [*zip(MOMENTS, 2 * [signal.SIGINT, signal.SIGTERM], strict=True)])
def test_an_interrupted_run_ends_in_order(place: Any, moment: str, number: int) -> None:
    running = place.start("run", "CanaryRamp", "-o", "json", *place.endless)
    MOMENTS[moment](running)
    running.signal(number)
    assert [check for check in interrupted(place, running)["checks"] if check["outcome"] == "passed"] == []
    assert {"report.html", "junit.xml", "report.json"} <= {file.name for file in running.output.iterdir()}


def test_a_second_ctrl_c_does_not_stop_the_clean_up(place: Any) -> None:
    place.mesh("spec")
    running = place.start(*place.verify, "-o", "json", *place.endless)
    running.saw("Progress", check="Split")
    proxy = running.part("bootstrap.json")
    # This one will not end when it is asked to, only when it is killed.
    running.part("workloads-0.log").suspend()
    running.signal(signal.SIGINT)
    running.saw("Interrupted")
    assert running.process.poll() is None
    running.until("the end of the proxy", lambda: not running.lives(proxy))
    running.signal(signal.SIGINT)
    interrupted(place, running)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("words", ["run CanaryRamp -o json", "selfcheck canary", "certify -f spec"])
def test_signals_without_end_change_nothing(place: Any, words: str, number: int) -> None:
    """As of somebody who keeps Ctrl-C pressed, or of an init system: up to the last moment of the process."""
    place.mesh("spec")
    own = () if "selfcheck" in words else place.endless
    running = place.start(*words.split(), *own)
    running.until("a first process", running.descendants)
    while running.process.poll() is None:
        running.process.send_signal(number)
        time.sleep(0.002)
    ended = running.end()
    assert ended.code == 2, ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_before_anything_is_started(place: Any, number: int) -> None:
    running = place.launch("meshproof", "verify", "-f", "-", output=place.here / "out", piped=True)
    # Written only when the command is reading it.
    running.process.stdin.write(MORE_THAN_A_PIPE_HOLDS)
    running.process.stdin.flush()
    running.signal(number)
    ended = running.end()
    assert ended.code == 2, ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err
    assert list(place.here.iterdir()) == []
