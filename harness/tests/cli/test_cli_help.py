"""What a newcomer sees first."""

from __future__ import annotations

import shutil
import subprocess
from typing import Any

import pytest


def test_help_of_the_whole_and_of_each_command(place: Any) -> None:
    whole = place.run("--help")
    assert whole.code == 0
    assert whole.out.startswith("Usage: meshproof [OPTIONS] COMMAND")
    listed = whole.out.partition("Commands:")[2].partition("Exit codes:")[0].split("\n")
    commands = [line.split()[0] for line in listed if line.strip()]
    assert {"run", "verify", "report", "completion"} <= set(commands)
    assert "..." not in "".join(listed)
    for name in commands:
        ended = place.run(name, "--help")
        assert ended.code == 0
        assert ended.out.startswith(f"Usage: meshproof {name} ")


def test_the_version(place: Any) -> None:
    ended = place.run("--version")
    assert ended.code == 0
    assert ended.out.startswith("meshproof, version ")


def test_the_scenarios_are_listed(place: Any) -> None:
    ended = place.run("run", "--list", "canary")
    assert ended.code == 0
    assert [line.split()[:2] for line in ended.out.splitlines()] == [
        ["CanarySplit", "canary"],
        ["CanaryByHeader", "canary"],
        ["CanaryRamp", "canary"],
    ]
    assert list(place.here.iterdir()) == []


@pytest.mark.parametrize(
    ("shell", "words"), [("bash", "complete -o"), ("zsh", "#compdef meshproof"), ("fish", "complete --no-files")]
)
def test_completion_scripts(place: Any, shell: str, words: str) -> None:
    ended = place.run("completion", shell)
    assert ended.code == 0
    assert words in ended.out
    assert f"_MESHPROOF_COMPLETE={shell}_complete" in ended.out
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=ended.out, text=True, check=True)


def test_scenario_names_are_completed(place: Any) -> None:
    words = {"_MESHPROOF_COMPLETE": "bash_complete", "COMP_WORDS": "meshproof run canaryb", "COMP_CWORD": "2"}
    ended = place.run(env=words)
    assert ended.code == 0
    assert ended.out.split() == ["plain,CanaryByHeader"]
