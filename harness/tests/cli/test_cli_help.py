"""The help, the version, the list of scenarios and the completion of each command."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import click
import pytest
from click.testing import CliRunner
from meshproof.cli.called import COMMANDS, COMPLETING, called
from meshproof.cli.group import group
from meshproof.cli.options.sections import SECTIONS, Sectioned
from meshproof.run.discover import discover


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


def test_what_only_helps_loads_nothing_that_reads_or_drives_a_mesh() -> None:
    listed = "import sys, meshproof.cli.entry, meshproof.cli.group; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True).stdout.split()
    heavy = ("meshproof.manifest", "meshproof.mesh", "meshproof.targets", "meshproof.run", "asyncio", "yaml", "rich")
    assert [name for name in loaded if name.startswith(heavy)] == []


def test_a_command_that_is_called_is_the_only_one_that_is_loaded() -> None:
    listed = "import sys; from meshproof.cli.called import called; called(['explain'], {}); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", listed], capture_output=True, text=True, check=True).stdout.split()
    assert "meshproof.cli.explain.command" in loaded
    assert not {"meshproof.cli.group", "meshproof.cli.verify", "meshproof.manifest"} & {*loaded}


def test_each_command_is_called_by_itself_and_is_the_same_as_among_all() -> None:
    assert [*COMMANDS, "completion"] == [*sorted(group.commands, key=[*COMMANDS, "completion"].index)]
    for name in COMMANDS:
        alone = called([name, "--help"], {})
        assert [*alone.commands.values()] == [group.commands[name]]
        assert sum("--lang" in one.opts for one in group.commands[name].params) == 1
    for words, environment in (([], {}), (["explian"], {}), (["--lang", "zh"], {}), (["explain"], {COMPLETING: "1"})):
        assert called(words, environment) is group


def commands(of: click.Group, *words: str) -> Iterator[tuple[str, ...]]:
    """The words of every command, groups included."""
    yield words
    for name, command in of.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *words, name)
        else:
            yield (*words, name)


@pytest.mark.parametrize("words", list(commands(group)), ids=" ".join)
def test_every_help_fits_80_columns(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(group, [*words, "--help"], env={"COLUMNS": "80"}, terminal_width=80)
    assert shown.exit_code == 0
    assert [line for line in shown.output.splitlines() if len(line) > 80] == []


SECTIONED = sorted(name for name, command in group.commands.items() if isinstance(command, Sectioned))


@pytest.mark.parametrize("name", SECTIONED)
def test_help_is_short_by_default_and_whole_in_sections_when_asked(name: str) -> None:
    short, whole = (CliRunner().invoke(group, [name, asked]).output for asked in ("--help", "--help-all"))
    options = [one for one in group.commands[name].params if isinstance(one, click.Option) and one.name != "lang"]
    placed = {parameter for _, own in SECTIONS for parameter in own}
    assert [one.name for one in options if one.name not in placed] == []
    assert [one.opts for one in options if f"{one.opts[-1]}" not in whole] == []
    assert "more options" not in whole
    shown = re.findall(r"^  (?:-\w, )?(--[\w-]+)", short, re.MULTILINE)
    left_out = len(options) + 3 - len(shown)
    assert f"{left_out} more options: " in " ".join(short.split())
    assert 20 < left_out < len(options)
    assert shown[-3:] == ["--lang", "--help", "--help-all"]
    assert whole.index("Error rates:") < whole.index("Kubernetes:") < whole.index("--lanes") < whole.index("Hosts:")


def test_help_of_hosts_check_names_every_inspection() -> None:
    told = CliRunner().invoke(group, ["hosts", "check", "--help"]).output
    named = set(re.findall(r"\bHost[A-Z]\w+", told[: told.index("Nothing is changed")]))
    assert named == {one.scenario.name for one in discover() if one.folder.name == "hosts"}


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


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("run canaryb", ["plain,CanaryByHeader"]),
        ("selfcheck canaryb", ["plain,CanaryByHeader"]),
        ("hosts p", ["plain,prepare"]),
        ("hosts check hosti", ["plain,HostIpvs", "plain,HostIstio"]),
        ("hosts check --hosts-file ho", ["file,ho"]),
        ("hosts prepare --allow-", ["plain,--allow-reboot"]),
        ("verify -f k8", ["file,k8"]),
        ("verify --applied k8", ["file,k8"]),
        ("run --target c", ["plain,cluster"]),
        ("run --work", ["plain,--workers"]),
        ("run inst", ["plain,install", "plain,Installation"]),
        ("run --kube-proxy-mode ip", ["plain,iptables", "plain,ipvs"]),
        ("image pro", ["dir,pro"]),
        ("report 20", ["dir,20"]),
    ],
)
def test_words_are_completed(place: Any, words: str, completed: list[str]) -> None:
    typed = f"meshproof {words}"
    count = str(len(typed.split()) - 1)
    ended = place.run(env={"_MESHPROOF_COMPLETE": "bash_complete", "COMP_WORDS": typed, "COMP_CWORD": count})
    assert ended.code == 0
    assert ended.out.split() == completed
