"""What the documentation claims of commands, files and code holds."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from meshproof.border.request import parse
from meshproof.cli.group import group
from meshproof.cli.options.exit_codes import EXIT_CODES
from meshproof.run.discover import discover
from sure import options

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
PATTERNS = ("*.md", "docs/*.md", "docs/zh/*.md", "reports/*.md", "scenarios/**/*.md")
PAGES = sorted(page for pattern in PATTERNS for page in ROOT.glob(pattern))
PATHS = [page.relative_to(ROOT).as_posix() for page in PAGES]


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def invocations(text: str) -> list[str]:
    """What follows `meshproof` on each command line of the shell blocks."""
    lines = "\n".join(blocks(text, "sh")).replace("\\\n", " ").splitlines()
    commands = [part.strip() for line in lines for part in re.split(r"&&|\|| > ", line)]
    return [found[1] for one in commands if (found := re.match(r"(?:\S*/)?meshproof\s+(.*)", one))]


def here(command: str, cwd: Path, limit: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a command line with this environment's programs first on PATH."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "NO_COLOR": "1"}
    return subprocess.run(["bash", "-c", command], cwd=cwd, env=env, capture_output=True, text=True, timeout=limit)


# Files of the reader's and folders of runs, which commands that only read them want to exist.
FILES = re.compile(r"(?:[\w-]+/)*[\w-]+\.(?:tar\.gz|pem|pub|yaml)")


@pytest.mark.parametrize("path", PATHS)
def test_command_lines_are_understood(path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("examples", "scenarios"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    for line in invocations((ROOT / path).read_text()):
        name, *words = shlex.split(line, comments=True)
        for word in words:
            if word.startswith("meshproof-runs/"):
                (tmp_path / word).mkdir(parents=True, exist_ok=True)
            elif FILES.fullmatch(word):
                (tmp_path / word).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / word).touch()
        context = group.commands[name].make_context(name, words)
        for request in context.params.get("requests", ()):
            parse(request)


def test_the_readme_shows_every_kind_of_command() -> None:
    assert {line.split()[0] for line in invocations(README)} >= {"run", "verify"}


@pytest.mark.parametrize("path", PATHS)
def test_links_lead_somewhere(path: str) -> None:
    page = ROOT / path
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    missing = [one for one in targets if "://" not in one and not (page.parent / one).exists()]
    assert missing == []


@pytest.mark.parametrize("name", ["run", "tests"])
def test_the_two_commands_are_one_line_each(name: str) -> None:
    (block,) = re.findall(rf"^<!-- command: {name} -->\n```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert block.count("\n") == 1


def test_exit_codes_are_those_of_the_command_line() -> None:
    told = re.findall(r"^\| (\d) \| (.*) \|$", README, re.MULTILINE)
    assert told == re.findall(r"^  (\d)  (.*)$", EXIT_CODES, re.MULTILINE)


@pytest.mark.long
def test_the_drift_example_fails_as_shown(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "scenarios", tmp_path / "scenarios", ignore=shutil.ignore_patterns("meshproof-runs"))
    (example,) = [one for one in blocks(README, "sh") if "--applied" in one]
    (shown,) = [one for one in blocks(README, "text") if "Split     failed" in one]
    done = here(example, tmp_path)
    assert done.returncode == 1, done.stderr
    for words in (
        "Split     failed",
        "NoErrors  passed",
        "specified at weight-10.yaml:14:11",
        "failed 2 of 8 checks",
        "proved 0 of 1 rule",
    ):
        assert words in shown
        assert words in done.stdout


def test_the_explained_request_is_shown_as_it_is() -> None:
    (example,) = [one for one in blocks(README, "sh") if "meshproof explain -f" in one]
    (shown,) = [one for one in blocks(README, "text") if "rules, as they are tried" in one]
    done = here(example, ROOT)
    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    assert [line for line in shown.splitlines() if line not in (*printed, "[…]")] == []


def test_the_change_is_shown_as_it_is(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (example,) = [one for one in blocks(README, "sh") if "meshproof diff examples" in one]
    (shown,) = [one for one in blocks(README, "text") if "requests tried" in one]
    done = here(example, tmp_path)
    assert (done.returncode, done.stderr, done.stdout) == (1, "", shown)


def test_the_intents_example_fails_as_shown(tmp_path: Path) -> None:
    shop = shutil.copytree(ROOT / "examples" / "shop", tmp_path / "shop")
    routing = (shop / "routing.yaml").read_text()
    beta = re.compile(r"- headers:\n +x-beta:\n +exact: \"yes\"")
    wrong = (
        beta.sub("- uri: {prefix: /}\n\n", routing)
        .replace("weight: 95", "weight: 50")
        .replace("weight: 5\n", "weight: 50\n")
    )
    (shop / "routing.yaml").write_text(wrong)
    done = here("meshproof test -f . -t intents.yaml --static", shop)
    assert done.returncode == 1, done.stderr
    (shown,) = blocks(README, "console")
    assert [line for line in shown.splitlines() if line not in done.stdout.splitlines()] == []


def test_the_scenario_example_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = blocks(README, "python")
    (tmp_path / "test_hello.py").write_text(code)
    for name in ("helloworld.yaml", "subsets.yaml", "weight-10.yaml"):
        shutil.copy(ROOT / "scenarios/canary" / name, tmp_path)
    monkeypatch.setenv("PYTEST_ADDOPTS", shlex.join(options("--mesh-")))
    done = here("python -m pytest -q", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_environment_of_tox_is_told() -> None:
    told = set(re.findall(r"`([a-z0-9-]+)`", "".join(re.findall(r"^\| (`.*?) \|", CONTRIBUTING, re.MULTILINE))))
    named = re.findall(r"^\[testenv:(.*)\]$", (ROOT / "tox.ini").read_text(), re.MULTILINE)
    (pythons,) = [one for one in named if "{" in one]
    each = {f"py{one}" for one in re.findall(r"\d+", pythons)}
    assert told == {*named, *each} - {pythons}


def test_every_scenario_is_told_below_its_folder() -> None:
    page = (ROOT / "docs/scenarios.md").read_text()
    sections = dict(re.findall(r"^## [^\n]*`scenarios/(\w+)/`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    found = discover(ROOT / "scenarios")
    assert set(sections) == {one.folder.name for one in found}
    assert [one.scenario.name for one in found if f"`{one.scenario.name}`" not in sections[one.folder.name]] == []


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    section = (ROOT / "docs/architecture.md").read_text().partition("## Dependencies")[2]
    wanted = [
        re.split(r"[^\w-]", one)[0] for one in (*project["dependencies"], *project["optional-dependencies"]["test"])
    ]
    assert [one for one in wanted if one not in section] == []
