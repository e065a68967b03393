"""The requirements of a kind cluster, and the errors where one is not met."""

from __future__ import annotations

import asyncio
import json
import os

import pytest
from meshproof.errors import TargetError, UsageError
from meshproof.targets.cluster.settings import REMOTE_TIMEOUTS, KubeSettings
from meshproof.targets.kind.config import node_image
from meshproof.targets.kind.requirements import MEANINGS, kind_version, meaning, survey
from meshproof.targets.kind.target import KindTarget
from meshproof.targets.probe_image.image import engine


def refusal(bench, *without: str) -> str:
    for name in without:
        (bench.folder / name).unlink()
    with pytest.raises(TargetError) as error:
        KindTarget(KubeSettings()).preflight()
    assert error.value.exit_code == 3
    return str(error.value)


def test_no_kind(bench) -> None:
    assert "kind is not on PATH" in (said := refusal(bench, "kind"))
    assert "https://kind.sigs.k8s.io" in said


def test_no_engine(bench) -> None:
    assert "docker (or podman, or nerdctl) is not on PATH" in (said := refusal(bench, "docker"))
    assert "--target cluster or embedded" in said


def test_the_engine_that_kinds_variable_names_is_used(bench, monkeypatch) -> None:
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", "podman")
    assert "podman, which KIND_EXPERIMENTAL_PROVIDER names, is not on PATH" in refusal(bench)
    bench.put("podman")
    assert engine().name == "podman"


def test_no_kubectl(bench) -> None:
    assert "kubectl is not on PATH" in refusal(bench, "kubectl")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (KubeSettings(context="lab"), "--context and --kubeconfig are for --target cluster"),
        (KubeSettings(kube_proxy="ebpf"), "--kube-proxy-mode ebpf: there are iptables, ipvs, nftables"),
        (KubeSettings(ports={8080: 1}), "--port 8080: a kind cluster maps the ingress gateway's ports 80, 443"),
    ],
)
def test_contradicting_settings_are_refused(bench, settings, words) -> None:
    with pytest.raises(UsageError, match=words):
        KindTarget(settings).preflight()


def ask(bench, body: str) -> str:
    bench.put("docker", body)
    with pytest.raises(TargetError) as error:
        asyncio.run(survey(engine(), REMOTE_TIMEOUTS))
    return str(error.value)


def reported(**fields: object) -> str:
    return f"print({json.dumps(json.dumps(fields))})"


def test_a_daemon_that_does_not_run(bench) -> None:
    words = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
    said = ask(bench, f"sys.exit({words!r})")
    assert said.startswith("docker does not answer: its daemon is not running")
    assert words in said
    assert said.endswith("look: docker info")


def test_a_daemon_that_this_user_may_not_use(bench) -> None:
    said = ask(bench, "sys.exit('permission denied while trying to connect to the Docker daemon socket')")
    assert "this user may not (is it in the group docker?)" in said


def test_garbage_instead_of_an_answer(bench) -> None:
    assert "its answer is not what was expected" in ask(bench, "print('<html>')")


def test_too_little_memory(bench) -> None:
    said = ask(bench, reported(Architecture=os.uname().machine, MemTotal=2 << 30))
    assert "docker has 2.0 GB of memory; a node with Istio needs 3 GB" in said


def test_too_little_disk(bench, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1 << 30}))
    said = ask(bench, reported(Architecture=os.uname().machine, DockerRootDir=str(tmp_path)))
    assert f"{tmp_path} has 1.0 GB free" in said
    assert "look: docker system df" in said


def test_another_architecture(bench) -> None:
    other = "aarch64" if os.uname().machine == "x86_64" else "x86_64"
    assert f"docker runs on {other}, this machine is" in ask(bench, reported(Architecture=other))


def test_an_engine_that_hangs(bench, monkeypatch) -> None:
    from dataclasses import replace

    bench.put("docker", "time.sleep(60)")
    with pytest.raises(TargetError, match=r"asking whether docker runs: no end within 0\.5 s"):
        asyncio.run(survey(engine(), replace(REMOTE_TIMEOUTS, container_engine=0.5)))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("print('kind v0.11.1 go1.16.4 linux/amd64')", r"is v0\.11\.1; v0\.20 or newer is needed"),
        ("print('hello')", "does not tell its version: is it kind"),
        ("sys.exit(1)", "does not tell its version"),
    ],
)
def test_another_kind(bench, body, words) -> None:
    with pytest.raises(TargetError, match=words):
        asyncio.run(kind_version(str(bench.put("kind", body)), REMOTE_TIMEOUTS))


@pytest.mark.parametrize(
    "words",
    [
        "Error response from daemon: Bind for 0.0.0.0:80 failed: port is already allocated",
        "write /kind/x: no space left on device",
        'node(s) already exist for a cluster with the name "mesh"',
        'failed to pull image "kindest/node:v9": manifest unknown',
        "could not find a log line that matches",
        "exec /usr/local/bin/entrypoint: exec format error",
        "[kubelet-check] The kubelet is not running",
        "Cannot connect to the Docker daemon",
    ],
)
def test_each_of_kinds_failures_has_a_meaning_and_a_command(words) -> None:
    said = str(meaning(TargetError("creating the kind cluster: kind failed (exit code 1)", f"command: kind\n{words}")))
    assert said.startswith("creating the kind cluster: kind failed (exit code 1): ")
    assert words in said
    assert said.splitlines()[-1].startswith("look: ")
    assert len({what for _, what, _ in MEANINGS}) == len(MEANINGS)


@pytest.mark.parametrize(
    ("settings", "image"),
    [
        (KubeSettings(istio_version="1.9.5"), "kindest/node:v1.20.15"),
        (KubeSettings(kubernetes="1.31.0"), "kindest/node:v1.31.0"),
        (KubeSettings(kubernetes="registry.example/node:v1"), "registry.example/node:v1"),
        (KubeSettings(istio_version="1.15.0"), ""),
    ],
)
def test_the_node_image(settings, image) -> None:
    assert node_image(settings) == image
