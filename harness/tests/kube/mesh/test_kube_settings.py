"""The settings for a cluster, and which are refused before any cluster is contacted."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from meshproof.cli.group import group
from meshproof.errors import TargetError, UsageError
from meshproof.targets.cluster.existing import ClusterTarget
from meshproof.targets.cluster.settings import KubeSettings
from meshproof.targets.probe_image import wheel


@pytest.fixture
def contexts(tmp_path: Path) -> str:
    cluster = {"server": "https://127.0.0.1:1"}
    named = [{"name": "lab", "context": {"cluster": "one", "user": "me"}}]
    body = {"clusters": [{"name": "one", "cluster": cluster}], "users": [{"name": "me", "user": {}}], "contexts": named}
    (tmp_path / "config").write_text(json.dumps({"kind": "Config", "current-context": "lab", **body}))
    return str(tmp_path / "config")


def refused(**said: object) -> str:
    with pytest.raises(UsageError) as error:
        ClusterTarget(KubeSettings(**said)).preflight()  # type: ignore[arg-type]
    return str(error.value)


def test_the_current_context_is_never_taken(contexts) -> None:
    assert "name the context with --context; the kubeconfig has: lab" in refused(kubeconfig=contexts, image="i")


def test_an_unknown_context_names_the_known_ones(contexts) -> None:
    assert "no context 'prod'; it has: lab" in refused(kubeconfig=contexts, context="prod", image="i")


def test_an_image_must_be_where_the_nodes_find_it(contexts) -> None:
    assert "--target cluster needs --image" in refused(kubeconfig=contexts, context="lab")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"nodes": 2}, "--nodes is for --target kind"),
        ({"allow": frozenset({"everything"})}, "--allow everything: there is nothing of that name"),
        ({"skip_install": True, "settings": ("tag=1",)}, "--skip-install leaves Istio as it is"),
        ({"manifest": Path("/nowhere")}, "--istio-manifest /nowhere: there is no such file"),
    ],
)
def test_contradicting_settings_are_refused(said, words) -> None:
    assert words in refused(**said)


def test_istio_is_left_as_it_is_unless_somebody_says_how_to_install_it() -> None:
    assert ClusterTarget(KubeSettings()).plan().skip
    plan = ClusterTarget(KubeSettings(hub="registry.example/library", settings=("a=b",))).plan()
    assert not plan.skip
    assert plan.values == ("profile=demo", "hub=registry.example/library", "a=b")


def test_objects_outside_of_the_namespace_must_be_allowed() -> None:
    assert "GatewayTLS" not in ClusterTarget(KubeSettings()).features
    allowed = ClusterTarget(KubeSettings(allow=frozenset({"gateway-secrets"})))
    assert "GatewayTLS" in allowed.features
    assert allowed.outside == (("Secret", "istio-system"),)


def test_published_images_and_what_is_not_applied_lack_the_probe() -> None:
    assert "ProbeWorkload" in ClusterTarget(KubeSettings()).features
    assert "ProbeWorkload" not in ClusterTarget(KubeSettings(samples=True)).features
    assert "ProbeWorkload" not in ClusterTarget(KubeSettings(applying=False)).features


def test_two_runs_have_two_namespaces() -> None:
    assert ClusterTarget(KubeSettings()).namespace != ClusterTarget(KubeSettings()).namespace


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run", "canary", "--context", "lab"], "--context is for --target kind, cluster and hosts"),
        (["run", "canary", "--kube-proxy-mode", "ipvs"], "--kube-proxy-mode is for --target kind, cluster and hosts"),
        (["verify", "-f", "x.yaml", "--no-apply"], "--no-apply is for --target cluster"),
        (["verify", "-f", "x.yaml", "--target", "cluster", "-n", "shop"], "-n is for what runs already (--no-apply)"),
        (["verify", "-f", "x.yaml", "--no-apply", "--applied", "y.yaml"], "give one of them"),
    ],
)
def test_options_of_another_target_are_refused(words, said) -> None:
    with pytest.raises(UsageError) as error:
        CliRunner().invoke(group, words, catch_exceptions=False, standalone_mode=False)
    assert said in str(error.value)


def test_the_image_gets_a_wheel_of_what_runs_that_is_the_same_for_the_same(tmp_path) -> None:
    (tmp_path / "again").mkdir()
    path, digest = wheel.write(tmp_path)
    again, same = wheel.write(tmp_path / "again")
    assert digest == same
    assert path.read_bytes() == again.read_bytes()
    names = zipfile.ZipFile(path).namelist()
    assert {"meshproof/workload/control/attach.py", "meshproof/_suite/loadtests/steady.py"} <= set(names)
    assert not [name for name in names if "__pycache__" in name]
    shared = tmp_path / "site"
    zipfile.ZipFile(path).extractall(shared)
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "meshproof.workload", "--help"],
        env={"PYTHONPATH": str(shared)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "--socket" in ran.stdout


def test_no_kubectl_is_the_targets_failure(contexts, monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TargetError, match="kubectl is not on PATH"):
        ClusterTarget(KubeSettings(kubeconfig=contexts, context="lab", image="i")).preflight()
