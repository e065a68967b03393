"""A real control plane on loopback: etcd, kube-apiserver and its controllers. No node: nothing runs a pod."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from meshproof.border.timeouts import Timeouts
from meshproof.process.child import PARENT_DEATH_GUARD
from meshproof.targets.kube.api.connection import Cluster, connect

sys.path.insert(0, str(Path(__file__).parent))

from kubernetes_programs import KINDS, NAMED, NAMES, found

ROOT = Path(__file__).parents[4]
ADMIN, MANAGER = "admin", "controllers"
Json = dict[str, Any]


def _programs() -> dict[str, Path]:
    """The path of each program; skips where one is missing."""
    there = {name: found(name) for name in (*NAMES, KINDS)}
    if missing := [name for name, path in there.items() if path is None]:
        pytest.skip(f"no {', '.join(missing)}: `tox -e kube` builds a real API server and runs this (Go, 2 GB)")
    return {name: path for name, path in there.items() if path}


@dataclass(slots=True)
class ControlPlane:
    """etcd, an API server and the controllers; `url` is the API server's."""

    programs: Path
    folder: Path
    url: str = ""
    ca: trustme.CA = field(default_factory=trustme.CA)
    _guards: list[int] = field(default_factory=list)
    _children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        etcd, peer, secure, manager = _free_ports(4)
        self.url = f"https://127.0.0.1:{secure}"
        self.ca.cert_pem.write_to_path(str(self.folder / "ca.crt"))
        served = self.ca.issue_cert("127.0.0.1", "localhost")
        served.private_key_pem.write_to_path(str(self.folder / "server.key"))
        served.cert_chain_pems[0].write_to_path(str(self.folder / "server.crt"))
        store = f"http://127.0.0.1:{etcd}"
        mine = f"http://127.0.0.1:{peer}"
        self._spawn(
            *("etcd", "--data-dir", str(self.folder / "etcd"), "--unsafe-no-fsync", "--name", "one"),
            *("--listen-client-urls", store, "--advertise-client-urls", store),
            *("--listen-peer-urls", mine, "--initial-advertise-peer-urls", mine, "--initial-cluster", f"one={mine}"),
        )
        key, crt = str(self.folder / "server.key"), str(self.folder / "server.crt")
        self._spawn(
            *("kube-apiserver", "--etcd-servers", store, "--bind-address", "127.0.0.1", "--secure-port", str(secure)),
            *("--advertise-address", "127.0.0.1", "--tls-cert-file", crt, "--tls-private-key-file", key),
            *("--client-ca-file", str(self.folder / "ca.crt"), "--authorization-mode", "RBAC"),
            *("--service-cluster-ip-range", "10.96.0.0/16", "--service-account-issuer", self.url),
            *("--service-account-key-file", key, "--service-account-signing-key-file", key),
            *("--disable-admission-plugins", "ServiceAccount", "--endpoint-reconciler-type", "none"),
        )
        self._wait("/readyz", 120)
        self._spawn(
            *("kube-controller-manager", "--kubeconfig", str(self.kubeconfig(MANAGER, "system:masters"))),
            *("--bind-address", "127.0.0.1", "--secure-port", str(manager), "--leader-elect=false"),
            *("--controllers", "namespace-controller,garbage-collector-controller,deployment-controller"),
            *("--controllers", "replicaset-controller,clusterrole-aggregation-controller"),
            *("--namespace-sync-period", "1s", "--use-service-account-credentials=false"),
        )

    def kubeconfig(self, user: str, group: str = "", *, days: float = 1, url: str = "", **identity: Any) -> Path:
        """A kubeconfig with the one context `lab`, for a client certificate, or for `identity` in its place."""
        if not identity:
            end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
            begin = end - datetime.timedelta(days=30)
            # Go refuses a certificate without a subjectAltName.
            issued = self.ca.issue_cert(
                "client.test", common_name=user, organization_name=group, not_after=end, not_before=begin
            )
            identity = {
                "client-certificate-data": _b64(issued.cert_chain_pems[0].bytes()),
                "client-key-data": _b64(issued.private_key_pem.bytes()),
            }
        reported = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "lab",
                    "cluster": {
                        "server": url or self.url,
                        "certificate-authority-data": _b64(self.ca.cert_pem.bytes()),
                    },
                }
            ],
            "users": [{"name": user, "user": identity}],
            "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": user}}],
            "current-context": "lab" if user == MANAGER else "",
        }
        path = Path(tempfile.mkdtemp(dir=self.folder), "kubeconfig")
        path.write_text(json.dumps(reported))
        return path

    async def connect(self, kubeconfig: Path | None = None, **limits: float) -> Cluster:
        """The product's own connection, by default an administrator's."""
        file = kubeconfig or self.kubeconfig(ADMIN, "system:masters")
        return await connect((file,), "lab", Timeouts(**limits), kubectl=str(self.programs / "kubectl"))

    def kubectl(self, *args: str, stdin: str = "", check: bool = True) -> str:
        """A command of an administrator, beside the run."""
        file = self.kubeconfig(ADMIN, "system:masters")
        command = [str(self.programs / "kubectl"), "--kubeconfig", str(file), "--context", "lab", *args]
        done = subprocess.run(command, input=stdin.encode(), capture_output=True, timeout=180, check=False)
        assert not check or done.returncode == 0, done.stderr.decode()
        return (done.stdout + (b"" if check else done.stderr)).decode()

    def stop(self) -> None:
        for guard in self._guards:
            os.close(guard)
        for child in self._children:
            child.wait(20)

    def _spawn(self, program: str, *args: str) -> None:
        held, kept = os.pipe()
        argv = [sys.executable, "-I", "-S", str(PARENT_DEATH_GUARD), str(held), "", str(self.programs / program), *args]
        with (self.folder / f"{program}.log").open("wb") as log:
            child = subprocess.Popen(argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, pass_fds=(held,))
        os.close(held)
        self._guards.append(kept)
        self._children.append(child)

    def _wait(self, path: str, limit: float) -> None:
        context = ssl.create_default_context(cadata=self.ca.cert_pem.bytes().decode())
        deadline = time.monotonic() + limit
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(self.url + path, timeout=5, context=context).read()
                return
            ended = [child.args for child in self._children if child.poll() is not None]
            if ended or time.monotonic() > deadline:
                logs = "\n".join(log.read_text()[-2000:] for log in self.folder.glob("*.log"))
                pytest.fail(f"the API server does not get ready\n{logs}")
            time.sleep(0.1)


def _definitions(file: Path) -> Iterator[str]:
    """The definitions of Istio's kinds that a run applies; the others would slow the API server down."""
    for text in file.read_text().split("\n---\n"):
        if re.search(r"^  name: (\w+)\.networking\.istio\.io$", text, re.MULTILINE) and re.search(
            r"^    kind: (VirtualService|DestinationRule|Gateway|ServiceEntry|Sidecar|EnvoyFilter)$", text, re.MULTILINE
        ):
            yield text + "\n"


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """A control plane with Istio's CRDs."""
    there = _programs()
    folder = Path(tempfile.mkdtemp(prefix="control-plane-"))
    programs = folder / "programs"
    programs.mkdir()
    for name, path in there.items():
        (programs / name).symlink_to(path)
    plane = ControlPlane(programs, folder)
    try:
        plane.start()
        crds = "---\n".join(_definitions(programs / KINDS))
        plane.kubectl("create", "--validate=false", "-f", "-", stdin=crds)
        plane.kubectl("wait", "--for", "condition=Established", "crd", "--all", "--timeout=150s")
        plane.kubectl("create", "namespace", "istio-system")
        yield plane
    finally:
        plane.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def takes_long() -> None:
    """For slow tests: they run in `tox -e kube` alone, which names the programs."""
    if not os.environ.get(NAMED):
        pytest.skip("it takes long: `tox -e kube` runs it")


@pytest.fixture
def run_id(request: pytest.FixtureRequest) -> str:
    """A unique run id."""
    return re.sub("[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40] + f"-{os.urandom(3).hex()}"


@pytest.fixture
def with_cluster(control_plane: ControlPlane) -> Callable[..., Any]:
    """Run a coroutine function on a connection: `with_cluster(body, kubeconfig=None, **limits)`."""

    def call(body: Callable[[Cluster], Any], kubeconfig: Path | None = None, **limits: float) -> Any:
        async def go() -> Any:
            cluster = await control_plane.connect(kubeconfig, **limits)
            try:
                return await body(cluster)
            finally:
                await cluster.close()

        return asyncio.run(go())

    return call


@pytest.fixture
def rbac() -> Sequence[Json]:
    """The documents of docs/rbac.yaml."""
    return [body for body in yaml.safe_load_all((ROOT / "docs" / "rbac.yaml").read_text()) if body]


@pytest.fixture(scope="module")
def account(control_plane: Any) -> Iterator[Path]:
    """The kubeconfig of the account that docs/rbac.yaml sets up."""
    text = (ROOT / "docs" / "rbac.yaml").read_text()
    control_plane.kubectl("apply", "--validate=false", "-f", "-", stdin=text)
    token = control_plane.kubectl("create", "token", "meshproof", "--namespace", "meshproof").strip()
    kubeconfig = control_plane.kubeconfig("account", token=token)
    # A policy takes effect with a delay.
    probe = ("create", "rolebinding", "probe", "--clusterrole=meshproof-run", "--user=x", "--namespace=default")
    deadline = time.monotonic() + 60
    identity = "--as=system:serviceaccount:meshproof:meshproof"
    while "touches only the namespaces" not in control_plane.kubectl(*probe, identity, "--dry-run=server", check=False):
        assert time.monotonic() < deadline, "the policy is not in force"
        time.sleep(0.2)
    yield kubeconfig
    control_plane.kubectl("delete", "--ignore-not-found", "--wait=false", "-f", "-", stdin=text)


@pytest.fixture(scope="session")
def program() -> str:
    """The real istioctl; skips without one."""
    named = os.environ.get("MESHPROOF_ISTIOCTL") or shutil.which("istioctl") or found("istioctl")
    if not named:
        pytest.skip("there is no istioctl on PATH, in $MESHPROOF_ISTIOCTL or in the cache: get that of a release")
    return str(named)
