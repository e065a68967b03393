"""The action, the pre-commit hooks and the examples for CI run as written, as far as that goes without a network."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
HOOKS = {one["id"]: one for one in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
HERE = Path(sys.executable).parent


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the shop's manifests and intents."""
    shutil.copytree(ROOT / "examples" / "shop", tmp_path / "k8s")
    shutil.move(tmp_path / "k8s" / "intents.yaml", tmp_path / "intents.yaml")
    return tmp_path


def act(repository: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """The action's last step, as a runner executes it where the first one has installed the command."""
    step = ACTION["runs"]["steps"][-1]
    given = {name: one.get("default", "") for name, one in ACTION["inputs"].items()} | inputs
    env = {name: given[re.fullmatch(r"\$\{\{ inputs\.(\w+) \}\}", value)[1]] for name, value in step["env"].items()}
    place = repository / "runner" / "meshproof" / "bin"
    place.mkdir(parents=True, exist_ok=True)
    (place / "meshproof").write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m meshproof "$@"\n')
    (place / "meshproof").chmod(0o755)
    summary = repository / "summary.md"
    own = {**os.environ, **env, "RUNNER_TEMP": str(repository / "runner"), "GITHUB_STEP_SUMMARY": str(summary)}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(command, cwd=repository, env=own, capture_output=True, text=True, timeout=120)


def test_the_action_passes_what_is_as_wanted(repository: Path) -> None:
    done = act(repository, manifests="k8s", intents="intents.yaml\n", static="true", arguments="--min-coverage\n50")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9 passed of 9 intents by prediction\n" in done.stdout
    assert (repository / "summary.md").read_text().startswith("## meshproof: passed\n")


def test_the_action_annotates_the_line_that_is_not(repository: Path) -> None:
    routing = repository / "k8s" / "routing.yaml"
    routing.write_text(routing.read_text().replace("weight: 95", "weight: 50").replace("weight: 5\n", "weight: 50\n"))
    done = act(repository, manifests="k8s", intents="intents.yaml", static="true")
    assert done.returncode == 1
    assert "\n::error file=k8s/routing.yaml,line=10,col=7,title=Intent failed%3A a canary" in done.stdout


def test_an_input_of_the_action_is_a_word_and_never_a_command(repository: Path) -> None:
    done = act(repository, manifests="$(touch pwned); k8s", intents="intents.yaml", static="true")
    assert done.returncode == 4
    assert not (repository / "pwned").exists()


def test_the_action_installs_what_it_stands_in() -> None:
    (first, _) = ACTION["runs"]["steps"]
    assert subprocess.run(["bash", "-n", "-c", first["run"]]).returncode == 0
    assert first["env"] == {"SOURCE": "${{ github.action_path }}"}
    assert (ROOT / "pyproject.toml").is_file()
    uses = [one for one in ACTION["runs"]["steps"] if not {"run", "shell"} <= one.keys()]
    assert uses == []


@pytest.mark.parametrize("id", ["meshproof-test"])
def test_the_hook_holds_a_commit(repository: Path, id: str) -> None:
    hook: dict[str, Any] = HOOKS[id]
    assert hook["language"] == "python"
    assert hook["pass_filenames"] is False
    assert re.search(hook["files"], "k8s/routing.yaml")
    words = [*shlex.split(hook["entry"]), "-f", "k8s", "-t", "intents.yaml"]
    env = {**os.environ, "PATH": f"{HERE}{os.pathsep}{os.environ['PATH']}"}
    assert subprocess.run(words, cwd=repository, env=env, capture_output=True, timeout=60).returncode == 0
    gateway = repository / "k8s" / "gateway.yaml"
    gateway.write_text(gateway.read_text().replace("status: 403", "status: 404"))
    assert subprocess.run(words, cwd=repository, env=env, capture_output=True, timeout=60).returncode == 1


def test_the_hook_of_lint_holds_a_commit(repository: Path) -> None:
    hook: dict[str, Any] = HOOKS["meshproof-lint"]
    assert (hook["language"], hook["pass_filenames"]) == ("python", False)
    words = [*shlex.split(hook["entry"]), "-f", "k8s"]
    env = {**os.environ, "PATH": f"{HERE}{os.pathsep}{os.environ['PATH']}"}
    assert subprocess.run(words, cwd=repository, env=env, capture_output=True, timeout=60).returncode == 0
    routing = repository / "k8s" / "routing.yaml"
    routing.write_text(routing.read_text().replace("subset: beta}", "subset: betas}"))
    assert subprocess.run(words, cwd=repository, env=env, capture_output=True, timeout=60).returncode == 1


def commands(example: str, job: str) -> tuple[str, ...]:
    """The lines of a job that call meshproof."""
    whole = yaml.safe_load((ROOT / "examples" / example).read_text())
    steps = whole["jobs"][job]["steps"] if "jobs" in whole else [{"run": line} for line in whole[job]["script"]]
    return tuple(one["run"] for one in steps if one.get("run", "").startswith("meshproof "))


@pytest.mark.parametrize(
    ("example", "variables"),
    [
        ("github-actions.yaml", {"GITHUB_BASE_REF": "main", "GITHUB_STEP_SUMMARY": "change.md"}),
        ("gitlab-ci.yaml", {"CI_MERGE_REQUEST_DIFF_BASE_SHA": "origin/main"}),
    ],
)
def test_an_example_says_what_a_change_changes(
    repository: Path, tmp_path_factory: pytest.TempPathFactory, example: str, variables: dict[str, str]
) -> None:
    def git(*words: str, at: Path = repository) -> None:
        own = ("-c", "user.name=n", "-c", "user.email=n@localhost", "-c", "protocol.file.allow=always")
        subprocess.run(["git", *own, *words], cwd=at, check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-qm", "first")
    git("checkout", "-qb", "change")
    routing = repository / "k8s" / "routing.yaml"
    routing.write_text(routing.read_text().replace("timeout: 2s", "timeout: 3s"))
    git("commit", "-qam", "second")
    [command] = commands(example, "change")
    for depth, code in ((("--no-single-branch",), 0), (("--depth", "1"), 4)):
        place = tmp_path_factory.mktemp("clone") / "clone"
        git("clone", "-q", "-b", "change", *depth, repository.as_uri(), str(place))
        env = {**os.environ, **variables, "PATH": f"{HERE}{os.pathsep}{os.environ['PATH']}"}
        words = ["bash", "-eo", "pipefail", "-c", command]
        done = subprocess.run(words, cwd=place, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stderr
        if code:
            assert "this shallow clone has no revision origin/main: fetch all of it" in done.stderr
        else:
            assert "timeout of all of `payments.shop`: `2 s` → `3 s`" in (place / "change.md").read_text()


def test_no_example_installs_a_name_that_is_not_on_pypi() -> None:
    for page in (*ROOT.glob("examples/*.yaml"), *ROOT.glob("docs/*.md"), ROOT / "README.md"):
        assert "pip install meshproof" not in page.read_text(), page
