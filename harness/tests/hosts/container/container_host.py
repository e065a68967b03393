"""A host in a container: systemd, sshd, sudo, on a Docker engine that the lab starts by hand where none runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "lab"))

from airgap import debian, engine
from airgap.step import Lab

PACKAGES = ("dbus", "iproute2", "kmod", "openssh-server", "procps", "sudo", "systemd", "systemd-sysv")
ROOT = debian.root("host-root", PACKAGES, *debian.LEAN)
NEEDED = ("docker", "dockerd", "mmdebstrap", "go", "iptables", "ssh-keygen")
ANSWER_SECONDS = 120.0
SETTLED = ("running", "degraded")


@dataclass(frozen=True, slots=True)
class Container:
    """A running container whose sshd is published on a port of 127.0.0.1; `folder` holds the keys."""

    name: str
    port: int
    folder: Path
    env: dict[str, str]

    def run(self, script: str) -> str:
        """What a script prints that runs in it as root, without SSH."""
        return docker(self.env, "exec", self.name, "sh", "-c", script).strip()

    def inventory(self, expect: str = "{modules: []}", *, user: str = "deploy") -> Path:
        """An inventory with this one host; its key is known."""
        (self.folder / "known").write_text(
            f"[127.0.0.1]:{self.port} {self.run('cat /etc/ssh/ssh_host_ed25519_key.pub')}\n"
        )
        (self.folder / "config").write_text("Host *\n  IdentityAgent none\n  GSSAPIAuthentication no\n")
        path = self.folder / "hosts.yaml"
        path.write_text(
            f"ssh: {{config: config, knownHosts: known}}\nhosts:\n- {{name: box, role: worker, address: 127.0.0.1, "
            f"port: {self.port}, user: {user}, become: true, key: id, expect: {expect}}}\n"
        )
        return path


def lacking() -> str:
    """What this machine lacks for it, as a sentence; empty when it lacks nothing."""
    if os.geteuid() != 0:
        return "an engine of the tests' own needs root"
    missing = [name for name in NEEDED if not shutil.which(name)]
    return f"{', '.join(missing)} not found (Debian: docker.io, mmdebstrap, iptables; Go)" if missing else ""


def docker(env: dict[str, str], *words: str, limit: float = ANSWER_SECONDS) -> str:
    """What a docker command prints; raises RuntimeError with the tail of its output."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True, env={**os.environ, **env}, timeout=limit)
    if done.returncode != 0:
        raise RuntimeError(f"docker {words[0]} failed: {done.stderr[-1000:]}")
    return done.stdout


@contextmanager
def running(folder: Path) -> Iterator[Container]:
    """A new container for the length of the block; the engine is stopped too, unless it ran before."""
    lab = Lab.default()
    there = engine.pid(lab) is not None
    engine.up(lab)
    env = engine.environment(lab)
    name, image = f"meshproof-host-{os.getpid()}", f"meshproof-host:{ROOT.key}"
    try:
        if not docker(env, "images", "--quiet", image).strip():
            docker(env, "import", "--change", 'CMD ["/sbin/init"]', str(ROOT.ensure(lab)), image, limit=600)
        mounts = ["--tmpfs", "/run", "--tmpfs", "/tmp"]
        docker(env, "run", "--detach", "--rm", "--name", name, "--privileged", *mounts, "-p", "127.0.0.1::22", image)
        try:
            port = int(docker(env, "port", name, "22/tcp").rpartition(":")[2])
            container = Container(name, port, folder, env)
            _settle(container)
            yield container
        finally:
            docker(env, "rm", "--force", name)
    finally:
        if not there:
            engine.down(lab)


def _settle(container: Container) -> None:
    """Wait for systemd, and authorise the one key that is made for this container."""
    key = container.folder / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "box", "-f", str(key)], check=True)
    began, state = time.monotonic(), ""
    while state not in SETTLED:
        if time.monotonic() - began > ANSWER_SECONDS:
            raise RuntimeError(f"systemd in the container is not up: {state}")
        time.sleep(0.2)
        state = container.run("systemctl is-system-running 2>&1 || true")
    container.run(
        "rm -f /etc/ssh/ssh_host_*; ssh-keygen -A -q; systemctl restart ssh; useradd --create-home --shell /bin/bash "
        "deploy; echo 'deploy ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/deploy; mkdir -m 700 ~deploy/.ssh; "
        f"echo '{key.with_suffix('.pub').read_text().strip()}' > ~deploy/.ssh/authorized_keys; "
        "chown -R deploy: ~deploy/.ssh"
    )
