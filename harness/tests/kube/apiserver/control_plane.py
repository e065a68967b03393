"""A real control plane on loopback: etcd, kube-apiserver and its controllers. No node: nothing runs a pod."""

from __future__ import annotations

import base64
import contextlib
import datetime
import json
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trustme
from held_port import held_port
from meshproof.border.timeouts import Timeouts
from meshproof.process.child import PARENT_DEATH_GUARD
from meshproof.targets.kube.api.connection import Cluster, connect

sys.path.insert(0, str(Path(__file__).parent))

from kubernetes_programs import KINDS, NAMES, found

ADMIN, MANAGER = "admin", "controllers"
# By that name, and no other, a cluster allows kube-proxy what it reads.
PROXY = "system:kube-proxy"


def programs() -> dict[str, Path]:
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
    _ports: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _guards: list[int] = field(default_factory=list)
    _children: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        etcd, peer, secure, manager = (self._ports.enter_context(held_port()) for _ in range(4))
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
            "current-context": "lab" if user in (MANAGER, PROXY) else "",
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
        self._ports.close()

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


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@contextmanager
def running() -> Iterator[ControlPlane]:
    """A control plane of one's own, which ends with the block; skips where a program is missing."""
    there = programs()
    folder = Path(tempfile.mkdtemp(prefix="control-plane-"))
    linked = folder / "programs"
    linked.mkdir()
    for name, path in there.items():
        (linked / name).symlink_to(path)
    plane = ControlPlane(linked, folder)
    try:
        plane.start()
        yield plane
    finally:
        plane.stop()
        shutil.rmtree(folder, ignore_errors=True)
