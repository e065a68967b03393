"""A real sshd of this machine on a free port of 127.0.0.1, with keys of its own, for one test module.

What it shows is this machine itself: logins and commands are real, states of services need not be.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from held_port import held_port
from meshproof.border.timeouts import Timeouts
from meshproof.targets.hosts.connection import Connection, connect
from meshproof.targets.hosts.inventory import load_inventory
from meshproof.targets.hosts.redaction import HostRedaction

SSHD = shutil.which("sshd") or shutil.which("/usr/sbin/sshd")
SFTP = "/usr/lib/openssh/sftp-server"
READY_SECONDS = 10.0


@dataclass(frozen=True)
class Sshd:
    """Where it listens, and the files that a client needs."""

    port: int
    user: str
    key: Path
    known_hosts: Path
    config: Path
    log: Path
    process: subprocess.Popen[bytes]

    def inventory(self, folder: Path, expect: str = "{}", *, more: str = "", host: str = "") -> Path:
        path = folder / "hosts.yaml"
        path.write_text(
            f"ssh: {{config: {self.config}, knownHosts: {self.known_hosts}}}\n"
            f"hosts:\n- name: the-host\n  role: worker\n  address: 127.0.0.1\n  port: {self.port}\n"
            f"  user: {self.user}\n  key: {self.key}\n  expect: {expect}\n{host}{more}"
        )
        return path


def keygen(path: Path) -> str:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path], check=True)
    return path.with_suffix(".pub").read_text().strip()


@contextmanager
def started(folder: Path, port: int, *options: str) -> Iterator[Sshd]:
    """Start one on that port; `options` are more lines of its configuration. Skips the test where there is no sshd."""
    if SSHD is None:
        pytest.skip("needs sshd (Debian: openssh-server)")
    if os.getuid() != 0 and sys.platform != "linux":
        pytest.skip("needs an sshd that a plain user may start")
    folder.chmod(0o700)
    host_key, user_key = keygen(folder / "host"), keygen(folder / "user")
    (folder / "authorized_keys").write_text(user_key + "\n")
    (folder / "authorized_keys").chmod(0o600)
    lines = [
        f"ListenAddress 127.0.0.1:{port}", f"HostKey {folder / 'host'}",
        f"AuthorizedKeysFile {folder / 'authorized_keys'}",
        "PidFile none", "StrictModes no", "UsePAM no", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
        "PermitRootLogin prohibit-password", f"Subsystem sftp {SFTP}", *options,
    ]  # fmt: skip
    (folder / "sshd_config").write_text("\n".join(lines) + "\n")
    (folder / "ssh_config").write_text("Host *\n  IdentityAgent none\n  GSSAPIAuthentication no\n")
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    log = folder / "sshd.log"
    with log.open("ab") as stream:
        process = subprocess.Popen([SSHD, "-D", "-e", "-f", folder / "sshd_config"], stderr=stream)
    try:
        until = time.monotonic() + READY_SECONDS
        while not _answers(port):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.02)
        yield Sshd(
            port, getpass.getuser(), folder / "user", folder / "known_hosts", folder / "ssh_config", log, process
        )
    finally:
        process.terminate()
        process.wait(READY_SECONDS)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    folder = Path(tempfile.mkdtemp(prefix="mp-"))
    try:
        with held_port() as port, started(folder, port) as daemon:
            yield daemon
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a path that is short enough for a unix socket in it."""
    folder = Path(tempfile.mkdtemp(prefix="mp-"))
    yield folder
    shutil.rmtree(folder)


@contextlib.asynccontextmanager
async def connected(inventory: Path, folder: Path, **timeouts: float) -> AsyncIterator[Connection]:
    read = load_inventory(inventory)
    connection = await connect(read.hosts[0], read.ssh, folder, replace(Timeouts(), **timeouts), HostRedaction.of(read))
    try:
        yield connection
    finally:
        await connection.close()


@pytest.fixture
def open_connection() -> Callable[..., AbstractAsyncContextManager[Connection]]:
    """Call it with an inventory and a short folder, for a context with the connection to its first host."""
    return connected
