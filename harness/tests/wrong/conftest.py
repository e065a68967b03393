"""The real command in this process, with nothing on PATH but stand-ins, and a cluster that is one."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from meshproof.cli.entry import main
from meshproof.targets.cluster.existing import ClusterTarget
from meshproof.targets.cluster.settings import REMOTE_TIMEOUTS
from meshproof.targets.kind.target import KindTarget

sys.path.insert(0, str(Path(__file__).parents[1] / "istio"))

from stand_in_cluster import Api, serving

SCRIPT = """#!{python} -IS
import json, os, sys, time
words = sys.argv[1:]
{body}
"""
DOCKER = """
if words[:1] == ["info"]:
    print(json.dumps({"Architecture": os.uname().machine, "MemTotal": 16 << 30, "DockerRootDir": "/nowhere"}))
"""
KIND = """
if words == ["version"]:
    print("kind v0.30.0 go1.24.6 linux/amd64")
"""
KUBECTL = """
if "--client" in words:
    print('{"clientVersion": {"gitVersion": "v1.34.4"}}')
elif "version" in words:
    ANSWER
else:
    sys.exit("not expected")
"""
REACHED = """print('{"serverVersion": {"gitVersion": "v1.34.4"}}')"""
IMPATIENT = replace(
    REMOTE_TIMEOUTS,
    kube_answer=2.0,
    kube_ready=0.3,
    kube_gone=0.3,
    istio_ready=0.3,
    istio_injected=0.3,
    istio_inspected=2.0,
)


@dataclass(frozen=True, slots=True)
class Environment:
    """`folder` is all of PATH; `api` the cluster that the context `lab` of the file `kubeconfig` leads to.

    `call` runs the command with these words: its exit code, and both of its streams.
    """

    folder: Path
    api: Api
    call: Callable[..., tuple[int, str]]
    patch: pytest.MonkeyPatch

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    def put(self, name: str, body: str) -> None:
        """A program of that name, in Python; `words` are its arguments."""
        path = self.folder / name
        path.write_text(SCRIPT.format(python=sys.executable, body=body))
        path.chmod(0o700)

    def without(self, name: str) -> None:
        (self.folder / name).unlink()

    def kubectl(self, answer: str) -> None:
        """A kubectl that does this when it is to reach the cluster."""
        self.put("kubectl", KUBECTL.replace("ANSWER", answer))

    def context(self, server: str, **identity: Any) -> None:
        """The kubeconfig, whose user proves to be who they are in this way."""
        reported = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "lab", "cluster": {"server": server}}],
            "users": [{"name": "me", "user": identity or {"token": "s3cr3t"}}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "me"}}],
        }
        self.kubeconfig.write_text(json.dumps(reported))

    def istio(self, **pod: Any) -> None:
        """An istiod, ready unless `pod` is the status of its pod."""
        count = 0 if pod else 1
        metadata = {"labels": {"app": "istiod", "istio.io/rev": "default"}}
        container = {"name": "discovery", "image": "hub.example/pilot:1.30.4"}
        spec = {"replicas": 1, "selector": {"matchLabels": {"app": "istiod"}}}
        self.api.put(
            *("Deployment", "istiod", "istio-system"),
            metadata=dict(metadata),
            spec={**spec, "template": {"spec": {"containers": [container]}}},
            status={"updatedReplicas": count, "availableReplicas": count, "replicas": 1},
        )
        status = pod or {"conditions": [{"type": "Ready", "status": "True"}]}
        self.api.put("Pod", "istiod-1", "istio-system", metadata=dict(metadata), spec={}, status=status)


@pytest.fixture
def environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Environment]:
    """Programs and a cluster that work, apart from what a test changes."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for name, value in (("PATH", folder), ("TMPDIR", tmp_path), ("HOME", tmp_path)):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr("tempfile.tempdir", None)
    # The command would replace pytest's captured streams, which the rest of this process uses.
    monkeypatch.setattr("meshproof.cli.entry.repair", lambda: None)
    for name in ("KIND_EXPERIMENTAL_PROVIDER", "PYTEST_XDIST_TESTRUNUID", "KUBECONFIG", "DOCKER_HOST", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for target in (ClusterTarget, KindTarget):
        monkeypatch.setattr(target.__init__, "__defaults__", (IMPATIENT,))
    monkeypatch.chdir(tmp_path)
    # The command ends this process' heed of both, and whatever is started later would inherit that.
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def call(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["meshproof", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capfd.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    with serving() as api:
        environment = Environment(folder, api, call, monkeypatch)
        environment.context(api.url)
        environment.put("docker", DOCKER)
        environment.put("kind", KIND)
        environment.kubectl(REACHED)
        yield environment
    for number, action in before.items():
        signal.signal(number, action)
    assert os.environ["PATH"] == str(folder)
