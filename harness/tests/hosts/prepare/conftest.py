"""A scratch copy of this machine's root, reached through a real sshd: what is done to it is gone with the test.

The root is an overlay whose writable half lies in memory, in mount and process namespaces of its own; neither the
kernel nor a service is another than this machine's. What needs these is tried on a guest.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from held_port import held_port
from meshproof.border.timeouts import Timeouts
from meshproof.targets.hosts.inventory import load_inventory
from meshproof.targets.hosts.prepare.sequence import Preparation, PrepareOptions

ASKED_FOR, LONGER = "MESHPROOF_HOSTS_SCRATCH", ("test_prepare_faults", "test_prepare_cuts", "test_prepare_el")
NEEDED = ("unshare", "sshd", "ssh-keygen", "dpkg-deb", "apt-get", "grub-mkconfig")
ENTER = """
set -e
mount --make-rprivate /
mount -t tmpfs -o size=1g tmpfs "$1"
mkdir "$1/upper" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" overlay "$1/root"
mount -t proc proc "$1/root/proc"
mount --rbind /dev "$1/root/dev"
for one in run tmp root boot; do mount -t tmpfs -o size=64m tmpfs "$1/root/$one"; done
mkdir -p "$1/root/run/sshd"
cp -r "$2" "$1/root/run/keys"
chmod 700 "$1/root/root"
chmod 755 "$1/root/run/keys"
exec chroot "$1/root" /usr/sbin/sshd -D -e -f /run/keys/sshd_config
"""
# Nothing in the scratch root may restart or change this machine.
FENCE = r"""
for one in reboot shutdown systemctl modprobe; do
  ! command -v $one || printf '#!/bin/sh\nexit 1\n' > "$(command -v $one)"
done
"""
OLD, NEW = "5.10.0-1-test", "6.1.0-2-test"
# The overlay is on no disk, so GRUB's probe would find none: this answers for a plain disk.
PROBE = """#!/bin/sh
case "$*" in *target=fs_uuid*) echo 0f0f-0f0f ;; *target=fs*) echo ext2 ;; *partuuid*) echo 0f0f ;; *target=device*)
echo /dev/sda1 ;; *abstraction*|*hints*|*compat*) ;; *) echo / ;; esac
"""
FRESH = f"""
set -e
rm -rf /var/lib/meshproof /boot/* /etc/default/grub /etc/default/grub.d /etc/modules-load.d /etc/profile.d/meshproof*
mkdir -p /boot/grub /etc/modules-load.d
cat > /usr/sbin/grub-probe <<'X'
{PROBE}X
for one in {OLD} {NEW}; do echo $one > /boot/vmlinuz-$one; done
cat > /etc/default/grub <<'X'
GRUB_DEFAULT=saved
GRUB_TIMEOUT=0
GRUB_DISABLE_SUBMENU=y
GRUB_DISABLE_OS_PROBER=true
X
grub-editenv /boot/grub/grubenv create
grub-editenv /boot/grub/grubenv set saved_entry=gnulinux-{OLD}-advanced-0f0f-0f0f
grub-mkconfig -o /boot/grub/grub.cfg 2>/dev/null
"""


def deb(folder: Path, release: str) -> Path:
    """A package of a kernel of that release, whose file is a text."""
    root = folder.parent / f"root-{release}"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "boot").mkdir()
    (root / f"boot/vmlinuz-{release}").write_text("a kernel of a test\n")
    (root / "DEBIAN/control").write_text(
        f"Package: linux-image-{release}\nVersion: {release}\nArchitecture: amd64\n"
        "Maintainer: Nobody <nobody@localhost>\nDescription: a package of a test\n"
    )
    path = folder / f"linux-image-{release}_{release}_amd64.deb"
    build = ["dpkg-deb", "-Zgzip", "--root-owner-group", "-b", root, path]
    subprocess.run(build, check=True, capture_output=True)
    return path


@dataclass
class Scratch:
    """The scratch root: `root` is its path in the mount namespace, `run` runs a script in it."""

    port: int
    keys: Path
    pid: int
    folder: Path

    def run(self, script: str, *, check: bool = True) -> str:
        inside = [
            "nsenter",
            "-t",
            str(self.pid),
            "-m",
            "-p",
            "chroot",
            str(self.folder / "scratch" / "root"),
            "sh",
            "-c",
        ]
        done = subprocess.run([*inside, script], capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout.strip()

    def inventory(
        self, expect: str = "{modules: []}", *, role: str = "worker", port: int = 0, more: str = "", user: str = "root"
    ) -> Path:
        path = self.folder / "hosts.yaml"
        port = port or self.port
        known = (self.keys / "host.pub").read_text()
        (self.folder / "known").write_text(f"[127.0.0.1]:{port} {known}")
        path.write_text(
            f"ssh: {{config: {self.keys}/client, knownHosts: {self.folder}/known}}\n{more}\n"
            f"hosts:\n- {{name: scratch, role: {role}, address: 127.0.0.1, port: {port}, user: {user}, "
            f"key: {self.keys}/id, expect: {expect}}}\n"
        )
        return path


def available() -> str:
    """Why there can be no scratch root here; empty when there can."""
    missing = [name for name in NEEDED if not shutil.which(name) and not shutil.which(f"/usr/sbin/{name}")]
    if os.geteuid() != 0:
        return "needs root, for an overlay and namespaces"
    if missing:
        return f"needs {', '.join(missing)} (Debian: openssh-server, grub-common, dpkg-dev, util-linux)"
    return ""


@contextlib.contextmanager
def made(port):
    folder = Path(tempfile.mkdtemp(prefix="mp-"))
    keys = folder / "keys"
    keys.mkdir(mode=0o700)
    (folder / "scratch").mkdir()
    for name in ("host", "id"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", keys / name], check=True)
    (keys / "client").write_text("Host *\n  IdentityAgent none\n  GSSAPIAuthentication no\n")
    (keys / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey /run/keys/host\nAuthorizedKeysFile /run/keys/id.pub\nStrictModes no\n"
        "PidFile none\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\nMaxSessions 20\n"
    )
    log = (folder / "sshd.log").open("wb")
    enter = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "sh", folder / "scratch", keys]
    process = subprocess.Popen(enter, stdout=log, stderr=log)
    try:
        end = time.monotonic() + 90
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > end:
                    pytest.skip(f"no scratch root here: {(folder / 'sshd.log').read_text()[-500:]}")
                time.sleep(0.02)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        one = Scratch(port, keys, int(children[0]), folder)
        one.run(FENCE)
        yield one
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        log.close()
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def _scratch(request):
    if request.module.__name__.rpartition(".")[2] in LONGER and not os.environ.get(ASKED_FOR):
        pytest.skip(f"takes longer than a test should: tox -e hosts (or {ASKED_FOR}=1)")
    if reason := available():
        pytest.skip(reason)
    with held_port() as port, made(port) as one:
        yield one


@pytest.fixture
def scratch(_scratch):
    """The module's scratch root, with two kernels of which the boot loader starts the older one."""
    one = _scratch
    one.run(FRESH)
    return one


@pytest.fixture
def preparation(tmp_path):
    """Makes a Preparation over an inventory, with its own journals and caches, and the list of its progress lines."""

    def make(inventory, *, run="", **options):
        limits = {"ssh_command": 20, "remote_file": 20, "package_install": 60, "boot_loader_config": 60}
        reported: list[str] = []
        one = Preparation(
            load_inventory(inventory), PrepareOptions(**options), reported.append, replace(Timeouts(), **limits),
            tmp_path / "state", tmp_path / "cache",
        )  # fmt: skip
        return one, reported

    return make


@pytest.fixture
def go(preparation):
    """Prepare with these options; the result, and the progress lines."""

    def run(inventory, *, apply=True, **options):
        one, reported = preparation(inventory, **options)
        return asyncio.run(asyncio.wait_for(one.prepare(apply=apply), 120)), reported

    return run


@pytest.fixture
def back(preparation):
    """Restore."""

    def run(inventory, *, apply=True, **options):
        one, reported = preparation(inventory, **options)
        return asyncio.run(asyncio.wait_for(one.restore(apply=apply), 120)), reported

    return run
