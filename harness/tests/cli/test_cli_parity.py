"""pytest's `--mesh-*` options are those of the command: the same names, values, help and refusals."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import click
import pytest
from meshproof import plugin
from meshproof.cli.group import group
from meshproof.cli.options.kubernetes import on_kubernetes
from meshproof.errors import UsageError
from meshproof.options import KUBERNETES, kube_settings
from meshproof.plugin import options as of_pytest
from meshproof.plugin.wording import as_pytest

COMMAND_ONLY = {
    "lang": "pytest speaks English",
    "list": "pytest has --collect-only",
    "output-format": "pytest has its own output",
    "color": "pytest has --color",
    "no-color": "pytest has --color",
    "lanes": "a test of pytest is alone on its target: pytest -n spreads them over workers",
}
OTHERWISE = {"hosts-file": "hosts"}
VALUES = {
    "--context": "lab", "--kubeconfig": "a:b", "--image": "probe:1", "--entry": "nodeport", "--samples": None,
    "--keep": None, "--allow": "production", "--istioctl": "/opt/istioctl", "--istio-version": "1.9",
    "--hub": "registry.example", "--set": "a=b", "--revision": "canary", "--skip-install": None, "--cluster": "ours",
    "--kubernetes": "1.34.0", "--kube-proxy-mode": "ipvs", "--nodes": "3", "--istio-manifest": __file__,
}  # fmt: skip
WRONG = (
    *("--nodes -3", "--nodes 21", "--nodes two", "--workers -1", "--workers 5000", "--alpha 0", "--beta nan"),
    *("--tolerance 100", "--max-requests 0", "--port 80", "--port 80=0", "--port 70000=1", "--port a=b", "--seed a"),
    *("--target moon", "--entry tunnel", "--allow all", "--istio-manifest nowhere", "--set a=b --skip-install"),
    *("--entry nodeport --port 80=81",),
)
ON_KIND = ("--target", "kind")


class Options(argparse.ArgumentParser):
    """As much of pytest's parser, and of the configuration that it makes, as the plugin uses."""

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
    command = on_kubernetes(click.Command("any", params=[]))
    return dict(command.make_context("any", list(words)).params)


@pytest.mark.parametrize("name", VALUES)
def test_each_makes_the_same_settings(options: Options, name: str) -> None:
    words = [name] if VALUES[name] is None else [name, str(VALUES[name])]
    settings = of_pytest.kube_settings(options.read(*ON_KIND, *words))
    assert settings == kube_settings(given(*words), {})
    assert settings != of_pytest.kube_settings(options.read(*ON_KIND))


def test_every_option_for_kubernetes_is_tried_above() -> None:
    assert {f"--{option.name}" for option in KUBERNETES if not option.command_only} == {*VALUES}


def test_both_show_the_same_help(options: Options) -> None:
    shown = {action.option_strings[0]: action.help for action in options._actions}
    theirs = {param.opts[0]: param.help for param in on_kubernetes(click.Command("any", params=[])).params}
    for option in KUBERNETES:
        assert option.help[1:] in theirs[f"--{option.name}"]
        assert option.targets in theirs[f"--{option.name}"]
        if not option.command_only:
            words = option.help.replace("--", "--mesh-")
            assert shown[f"--mesh-{option.name}"] == f"{words} ({option.targets})"


def test_ports_are_the_same_too(options: Options) -> None:
    words = ("--port", "80=8080", "--port", "443=8443")
    assert of_pytest.kube_settings(options.read(*ON_KIND, *words)).ports == {80: 8080, 443: 8443}


@pytest.mark.parametrize("wrong", WRONG)
def test_both_refuse_the_same(options: Options, wrong: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    words = wrong.split()
    target = () if "--target" in words else ON_KIND
    with pytest.raises(pytest.UsageError):
        of_pytest.check(options.read(*target, *words))
    monkeypatch.setenv("PATH", "")
    with pytest.raises((click.ClickException, UsageError)):
        group.main(["run", "canary", *target, *words], standalone_mode=False)


@pytest.mark.parametrize("words", ["--nodes 2", "--keep", "--hub x", "--hosts FILE", "--show-names"])
def test_options_of_other_targets_are_refused_on_the_embedded_mesh(options: Options, words: str) -> None:
    with pytest.raises(pytest.UsageError, match=f"{words.split()[0].replace('--', '--mesh-')} is for --mesh-target "):
        of_pytest.check(options.read(*words.split()))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("name the context with --context; there is: a", "name the context with --mesh-context; there is: a"),
        ("--port 80=1: leave --port out", "--mesh-port 80=1: leave --mesh-port out"),
        ("--hosts-file is for --target hosts", "--mesh-hosts is for --mesh-target hosts"),
        (
            "name it with --istioctl, or leave it with --skip-install",
            "name it with --mesh-istioctl, or leave it with --mesh-skip-install",
        ),
        (
            "look: kubectl --context lab get pods; or --context",
            "look: kubectl --context lab get pods; or --mesh-context",
        ),
        ("look: kind get clusters; use it with --keep", "look: kind get clusters; use it with --mesh-keep"),
        ("remove it with kind delete cluster --cluster N", "remove it with kind delete cluster --cluster N"),
        ("command: python -m workload --image probe:1", "command: python -m workload --image probe:1"),
        ("istioctl uninstall --set a=b\nthen --set a=c", "istioctl uninstall --set a=b\nthen --mesh-set a=c"),
        ("--allow-reboot, --no-apply and --mesh-keep", "--allow-reboot, --no-apply and --mesh-keep"),
        ("--kubernetes 1, --kubeconfig x", "--mesh-kubernetes 1, --mesh-kubeconfig x"),
    ],
)
def test_messages_name_options_as_pytest_has_them(said: str, told: str) -> None:
    assert as_pytest(said) == told


def test_what_contradicts_itself_is_told_in_pytests_words(options: Options) -> None:
    words = ["--target", "kind", "--entry", "nodeport", "--port", "80=81"]
    with pytest.raises(pytest.UsageError, match="--mesh-port fixes local ports of the gateway, and --mesh-entry "):
        of_pytest.check(options.read(*words))
