"""One running guest: qemu with software emulation, reached over SSH on a port of 127.0.0.1 and by nothing else."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from guest_qmp import monitor
from guest_recipe import HARDWARE
from meshproof.errors import TargetError
from meshproof.process import Child, spawn

# Software emulation is slow, and much slower where the machine has other work.
BOOT_SECONDS = 1800.0
# One attempt to connect: TCP repeats packets to a starting guest at growing intervals, so new attempts are faster.
SSH_SECONDS = 45.0
EXIT_SECONDS = 60.0
SSH_FAILED = 255


@dataclass(frozen=True, slots=True)
class Guest:
    """How it is reached; its serial console is kept in `folder`/serial.log."""

    folder: Path
    port: int
    key: Path
    runner: asyncio.Runner
    child: Child

    @property
    def known_hosts(self) -> Path:
        return self.folder / "known_hosts"

    def ssh(self, *, user: str = "root", port: int = 0, shared: bool = False) -> list[str]:
        """The command that opens a session; it reads no settings of the user's own.

        Sessions may share one connection: software emulation takes seconds to exchange keys.
        """
        options = ("BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=120", "IdentitiesOnly=yes")
        named = [argument for option in options for argument in ("-o", option)]
        hosts = ["-o", f"UserKnownHostsFile={self.known_hosts}", "-o", "GlobalKnownHostsFile=/dev/null"]
        # A dead connection to an earlier boot is noticed; one to a busy guest is not taken for dead.
        sharing = ["-o", "ControlMaster=auto", "-o", "ControlPersist=yes", "-o", "ServerAliveInterval=60"]
        share = [*sharing, "-S", str(self.folder / f"{user}.ssh")] if shared else ["-S", "none"]
        reach = ["-i", str(self.key), "-p", str(port or self.port), f"{user}@127.0.0.1"]
        return ["ssh", "-F", "none", *named, *hosts, *share, *reach]

    def run(
        self, script: str, *, limit: float = 600.0, user: str = "root", check: bool = True, shared: bool = True
    ) -> str:
        """What a shell script in the guest prints; raises TargetError when it fails and `check` is set."""
        done, words = self._once([*self.ssh(user=user, shared=shared), "sh -s"], script, limit)
        if shared and done.returncode == SSH_FAILED:
            # The shared connection was one to an earlier boot.
            self.hang_up()
            done, words = self._once([*self.ssh(user=user, shared=shared), "sh -s"], script, limit)
        if check and done.returncode != 0:
            raise TargetError(f"in the guest: {script.strip()[:200]} ended with {done.returncode}", words[-3000:])
        return done.stdout.strip()

    def _once(self, command: Sequence[str], script: str, limit: float) -> tuple[subprocess.CompletedProcess[str], str]:
        with (self.folder / "ssh.log").open("w+") as said:
            # The shared connection's own process keeps standard error open: a pipe would not come to its end.
            done = subprocess.run(command, input=script, stdout=subprocess.PIPE, stderr=said, text=True, timeout=limit)
            said.seek(0)
            return done, said.read()

    def boot_id(self) -> str:
        """The kernel's id of this boot; empty when the guest does not answer."""
        try:
            return self.run("cat /proc/sys/kernel/random/boot_id", limit=SSH_SECONDS, shared=False)
        except (TargetError, subprocess.TimeoutExpired):
            return ""

    def wait(self, *, other_than: str = "", limit: float = BOOT_SECONDS) -> float:
        """Wait until the guest answers with a boot id other than the given one; gives the seconds that it took."""
        began = time.monotonic()
        while time.monotonic() - began < limit:
            if self.boot_id() not in ("", other_than):
                self.hang_up()
                return time.monotonic() - began
            if not self._alive(0.5):
                raise self.child.failure("the guest ended while it was waited for")
        raise TargetError(f"the guest did not answer over SSH within {limit:g} s", self.console())

    def hang_up(self) -> None:
        """End the shared connections: one to an earlier boot would never answer."""
        for path in self.folder.glob("*.ssh"):
            subprocess.run(
                ["ssh", "-F", "none", "-S", str(path), "-O", "exit", "guest"], capture_output=True, timeout=30
            )
            path.unlink(missing_ok=True)

    def power_off(self) -> None:
        """Shut down in order, and wait until qemu has ended."""
        self.run("systemctl poweroff", check=False)
        if self._alive(EXIT_SECONDS * 2):
            raise TargetError("the guest did not power off", self.console())

    def reset(self) -> None:
        """A power failure: no process is notified, nothing is written."""
        with monitor(self.folder / "qmp") as qemu:
            qemu.execute("system_reset")

    def save(self, file: Path) -> None:
        """Write the guest's state to a file from which it can go on, and end it."""
        self.hang_up()
        with monitor(self.folder / "qmp") as qemu:
            qemu.save(file)
            qemu.execute("quit")
        if self._alive(EXIT_SECONDS):
            raise TargetError("qemu did not quit", self.console())

    def console(self) -> str:
        """The end of what the guest wrote to its serial console."""
        log = self.folder / "serial.log"
        return log.read_text(errors="replace")[-3000:] if log.exists() else ""

    def _alive(self, seconds: float) -> bool:
        async def ended() -> None:
            await asyncio.wait([asyncio.ensure_future(self.child.process.wait())], timeout=seconds)

        self.runner.run(ended())
        return self.child.alive


@contextmanager
def started(
    disk: Path,
    key: Path,
    host_key: str,
    folder: Path,
    *,
    state: Path | None = None,
    flash: tuple[Path, Path] | None = None,
    more: Sequence[str] = (),
) -> Iterator[Guest]:
    """Boot `disk`, or go on from a saved `state` of it, and wait for SSH.

    `flash` are UEFI's code and its variables, which the guest writes to; without them it boots by BIOS. The guest
    ends with the block, and with this process, however that ends. `folder` has a short path.
    """
    port = _free_port()
    # The guest has no network but the one port that is forwarded to its SSH.
    network = f"user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"
    command = ["nice", "-n", "5", "qemu-system-x86_64", *HARDWARE, "-serial", f"file:{folder / 'serial.log'}"]
    command += ["-drive", f"file={disk},if=virtio,cache=unsafe", "-netdev", network]
    command += ["-device", "virtio-net-pci,netdev=n,romfile=", "-device", "virtio-rng-pci"]
    command += ["-qmp", f"unix:{folder / 'qmp'},server=on,wait=off", *more]
    for number, file in enumerate(flash or ()):
        command += ["-drive", f"file={file},if=pflash,format=raw,unit={number}{'' if number else ',readonly=on'}"]
    command += ["-incoming", f"exec:cat {state}"] if state else []
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}\n")
    with asyncio.Runner() as runner:
        child = runner.run(spawn("the guest", command, log=folder / "qemu.log"))
        guest = Guest(folder, port, key, runner, child)
        try:
            if state:
                with monitor(folder / "qmp") as qemu:
                    qemu.go_on()
            guest.wait()
            if state:
                # The restored clock is that of the saved state.
                guest.run(f"date -u -s @{time.time() + 0.5:.0f}")
            yield guest
        finally:
            guest.hang_up()
            runner.run(child.stop(5.0))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
