"""pytest's `--mesh-*` options are the command's own: the same names, values and refusals."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import click
import pytest
from meshproof import plugin, plugin_targets
from meshproof.cli.group import group
from meshproof.cli.options.kubernetes import KUBE_OPTIONS, NAMES, kube_settings
from meshproof.errors import UsageError

COMMAND_ONLY = {
    "list": "pytest has --collect-only",
    "output-format": "pytest has its own output",
    "color": "pytest has --color",
    "no-color": "pytest has --color",
    "lanes": "a test of pytest is alone on its target: pytest -n spreads them over workers",
}
OTHERWISE = {"hosts-file": "hosts"}
SAID = {
    "--context": "lab", "--kubeconfig": "a:b", "--image": "probe:1", "--entry": "nodeport", "--samples": None,
    "--keep": None, "--allow": "production", "--istioctl": "/opt/istioctl", "--istio-version": "1.9",
    "--hub": "registry.example", "--set": "a=b", "--revision": "canary", "--skip-install": None, "--cluster": "ours",
    "--kubernetes": "1.34.0", "--kube-proxy-mode": "ipvs", "--nodes": "3", "--istio-manifest": __file__,
}  # fmt: skip
WRONG = (
    *("--nodes -3", "--nodes 21", "--nodes two", "--workers -1", "--workers 5000", "--alpha 0", "--beta nan"),
    *("--tolerance 100", "--max-requests 0", "--port 80", "--port 80=0", "--port 70000=1", "--port a=b", "--seed a"),
    *("--target moon", "--entry door", "--allow all", "--istio-manifest nowhere", "--set a=b --skip-install"),
    *("--entry nodeport --port 80=81",),
)
FAR = ("--target", "kind")


class Options(argparse.ArgumentParser):
    """As much of pytest's parser, and of the configuration that it makes, as the plugin asks for."""

    def getgroup(self, *_: str) -> Options:
        return self

    def addoption(self, *names: str, **attributes: Any) -> None:
        self.add_argument(*names, **attributes)

    def error(self, message: str) -> Any:
        raise pytest.UsageError(message)

    def read(self, *words: str) -> Any:
        self.values = vars(self.parse_args([word.replace("--", "--mesh-", 1) for word in words]))
        return self

    def getoption(self, name: str) -> Any:
        return self.values[name.removeprefix("--").replace("-", "_")]


@pytest.fixture
def options() -> Options:
    made = Options(add_help=False)
    plugin.pytest_addoption(made)  # type: ignore[arg-type]
    return made


def test_the_names_are_the_same(options: Options) -> None:
    mine = {name.removeprefix("--mesh-") for action in options._actions for name in action.option_strings}
    run = group.commands["run"]
    theirs = {name for one in run.params for name in (*one.opts, *one.secondary_opts) if name.startswith("--")}
    there = {OTHERWISE.get(name, name) for name in (name.removeprefix("--") for name in theirs)}
    assert there - mine == COMMAND_ONLY.keys()
    assert mine - there == set()


def given(*words: str) -> dict[str, Any]:
    """What the command receives of its options for Kubernetes."""
    command = click.Command("any", params=[])
    for option in KUBE_OPTIONS:
        option(command)
    context = command.make_context("any", list(words))
    return {name: context.params[name] for name in NAMES}


@pytest.mark.parametrize("name", SAID)
def test_each_makes_the_same_settings(options: Options, name: str) -> None:
    words = [name] if SAID[name] is None else [name, str(SAID[name])]
    asked = plugin_targets.kube_settings(options.read(*FAR, *words))
    assert asked == kube_settings(given(*words), {})
    assert asked != plugin_targets.kube_settings(options.read(*FAR))


def test_every_option_for_kubernetes_is_tried_above() -> None:
    assert {f"--{name}" for name in (*plugin_targets.TEXTS, *plugin_targets.FLAGS, *plugin_targets.OTHERS)} == {*SAID}


def test_ports_are_the_same_too(options: Options) -> None:
    words = ("--port", "80=8080", "--port", "443=8443")
    assert plugin_targets.kube_settings(options.read(*FAR, *words)).ports == {80: 8080, 443: 8443}


@pytest.mark.parametrize("wrong", WRONG)
def test_both_refuse_the_same(options: Options, wrong: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    words = wrong.split()
    target = () if "--target" in words else FAR
    with pytest.raises(pytest.UsageError):
        plugin_targets.check(options.read(*target, *words))
    monkeypatch.setenv("PATH", "")
    with pytest.raises((click.ClickException, UsageError)):
        group.main(["run", "canary", *target, *words], standalone_mode=False)


@pytest.mark.parametrize("words", ["--nodes 2", "--keep", "--hub x", "--hosts FILE", "--show-names"])
def test_what_the_embedded_mesh_has_not_is_refused(options: Options, words: str) -> None:
    with pytest.raises(pytest.UsageError, match=f"{words.split()[0].replace('--', '--mesh-')} is for --mesh-target "):
        plugin_targets.check(options.read(*words.split()))
