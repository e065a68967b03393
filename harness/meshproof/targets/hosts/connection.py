"""One SSH connection to one host, and the commands that share it."""

from __future__ import annotations

import asyncio
import itertools
import shlex
import socket as socket_module
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from meshproof.border.inventory import HostEntry, SshSettings
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.process import Child, Surroundings, call, spawn
from meshproof.records import dataclass
from meshproof.targets.hosts import argv
from meshproof.targets.hosts.redaction import HostRedaction
from meshproof.targets.hosts.stream import drain, feed

if TYPE_CHECKING:
    from testinfra.host import Host

Value = TypeVar("Value")
SSH_FAILED = 255
POLL_SECONDS = 0.02
FORWARD_ATTEMPTS = 5
# A forward for what is removed after the end of a run goes at the latest then, whatever became of its commands.
AFTER_SECONDS = 1800
# The system's own commands, for users whose PATH leaves them out. Exit code 255 means a lost connection to ssh.
SCRIPT = "PATH=$PATH:/usr/sbin:/sbin; export PATH; (\n{}\n); code=$?; [ $code -ne 255 ] || code=254; exit $code"


@dataclass(frozen=True, slots=True)
class Output:
    """A command's exit code, its standard output, and the tail of its standard error."""

    code: int
    stdout: bytes
    stderr: str

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def text(self) -> str:
        return self.stdout.decode(errors="replace")


@dataclass(slots=True)
class Connection:
    """A connected host. Every method raises TargetError, which names the host by its label alone."""

    entry: HostEntry
    settings: SshSettings
    folder: Path
    timeouts: Timeouts
    redaction: HostRedaction
    _master: Child
    _slots: asyncio.Semaphore
    _loop: asyncio.AbstractEventLoop
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _calls: set[Future[Output]] = field(default_factory=set)
    _under_way: set[asyncio.Task[Any]] = field(default_factory=set)
    _closed: bool = False

    @property
    def label(self) -> str:
        """The host's name in reports and errors."""
        return self.redaction.name(self.entry)

    @property
    def alive(self) -> bool:
        return not self._closed and self._master.alive

    async def run(
        self,
        command: str,
        *args: str,
        stdin: bytes | Path = b"",
        root: bool = False,
        seconds: float | None = None,
        what: str = "",
    ) -> Output:
        """Run a command line in the host's /bin/sh; each `%s` in it stands for one of `args`, quoted.

        Without `args` the line is taken as it is. `stdin` is what the command reads, or a file of this
        machine whose content it reads; `root` runs it through sudo where the inventory says so; `seconds`
        is its limit; `what` names it in an error. An exit code other than 0 is no error. The locale is C.
        """
        line = command % tuple(shlex.quote(arg) for arg in args) if args else command
        return await self._execute(line, stdin, root, seconds or self.timeouts.ssh_command, what)

    async def must(
        self,
        command: str,
        *args: str,
        stdin: bytes | Path = b"",
        root: bool = False,
        seconds: float | None = None,
        what: str = "",
    ) -> bytes:
        """The standard output of a command that must exit with 0: another code is a TargetError."""
        output = await self.run(command, *args, stdin=stdin, root=root, seconds=seconds, what=what)
        if not output.ok:
            message = f"{self.label}: {what or self.redaction(command)} failed (exit code {output.code})"
            raise TargetError(message, output.stderr or self.redaction(output.text[-2000:]))
        return output.stdout

    async def look(self, function: Callable[[Host], Value], *, root: bool = True) -> Value:
        """The result of `function` for the host as testinfra's modules see it; it runs in a thread of its own."""
        from meshproof.targets.hosts.backend import host

        return await asyncio.to_thread(function, host(self, root=root))

    def call(self, line: str, *, root: bool) -> Output:
        """As run(), for the thread of a look()."""
        if self._closed:
            raise self._lost(line)
        work = self._execute(line, b"", root, self.timeouts.ssh_command, "")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        self._calls.add(future)
        try:
            return future.result()
        finally:
            self._calls.discard(future)

    async def forward(self, host: str, port: int) -> int:
        """A port of 127.0.0.1 that leads to an address as the host sees it, for as long as the connection lasts."""
        what = f"{self.label}: forwarding a local port"
        for _ in range(FORWARD_ATTEMPTS):
            # `ssh -O forward` cannot choose a free port itself.
            with socket_module.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                local: int = probe.getsockname()[1]
            words = argv.forward(self._socket, local, host, port)
            ended = await call(words, limit=self.timeouts.ssh_command, what=what)
            if not ended.code:
                return local
        raise TargetError(f"{what} failed", self.redaction(ended.err))

    def by_itself(self, command: str, *, root: bool = False) -> list[str]:
        """The command line for the same command over a connection of its own, for use after this one ends."""
        remote = remote_line(self.entry, command, root=root)
        return argv.alone(self.entry, self.settings, remote, self.timeouts)

    def forward_by_itself(self, local: int, host: str, port: int, folder: Path) -> Surroundings:
        """What makes and ends the same forward, for commands that need it after this connection has ended."""
        # A short name: a socket's path may have about a hundred characters.
        path = folder / "after"
        lasting = argv.lasting(self.entry, self.settings, path, AFTER_SECONDS, self.timeouts)
        return Surroundings((lasting, argv.forward(path, local, host, port)), (argv.ended(path),))

    async def close(self) -> None:
        """End the connection and every command on it; safe to call more than once."""
        self._closed = True
        for future in list(self._calls):
            future.cancel()
        await self._master.stop(self.timeouts.ssh_closed)
        # The commands end with the connection, and their tasks remove their log files.
        others = self._under_way - {asyncio.current_task()}
        if others:
            await asyncio.wait(others, timeout=self.timeouts.ssh_closed)
        self._socket.unlink(missing_ok=True)

    @property
    def _socket(self) -> Path:
        return socket(self.folder, self.entry)

    async def _execute(self, line: str, stdin: bytes | Path, root: bool, seconds: float, what: str) -> Output:
        what = what or self.redaction(line)
        remote = remote_line(self.entry, line, root=root)
        async with self._slots:
            if not self.alive:
                raise self._lost(what)
            log = self.folder / f"{self.entry.label}-{next(self._numbers)}.err"
            words = argv.command(self.entry, self.settings, self._socket, remote)
            task = asyncio.current_task()
            assert task is not None
            self._under_way.add(task)
            try:
                # Unguarded: the master connection is guarded, and every command ends with it.
                child = await spawn(f"ssh to {self.label}", words, log=log, piped=True, guarded=False)
                try:
                    async with asyncio.timeout(seconds):
                        _, stdout = await asyncio.gather(feed(child, stdin), drain(child, f"{self.label}: {what}"))
                        code = await child.process.wait()
                except TimeoutError:
                    message = f"{self.label}: {what} did not end within {seconds:g} s"
                    raise TargetError(message, self.redaction(child.stderr_tail())) from None
                finally:
                    stderr = self.redaction(child.stderr_tail())
                    await child.stop(self.timeouts.ssh_closed)
            finally:
                self._under_way.discard(task)
                log.unlink(missing_ok=True)
        if code is None or code == SSH_FAILED:
            raise self._lost(what, stderr)
        return Output(code, stdout, stderr)

    def _lost(self, what: str, stderr: str = "") -> TargetError:
        said = self.redaction(self._master.stderr_tail()) or stderr
        return TargetError(f"{self.label}: the SSH connection was lost before the end of {what}", said)


def remote_line(entry: HostEntry, line: str, *, root: bool) -> str:
    """A command line as it is sent to the host's sshd."""
    sudo = "sudo -n -- " if root and entry.become else ""
    return f"{sudo}env LC_ALL=C /bin/sh -c {shlex.quote(SCRIPT.format(line))}"


def socket(folder: Path, entry: HostEntry) -> Path:
    """The socket of a host's shared connection; its path must stay below 100 bytes."""
    return folder / f"{entry.label}.ssh"


async def connect(
    entry: HostEntry, settings: SshSettings, folder: Path, timeouts: Timeouts, redaction: HostRedaction
) -> Connection:
    """Connect to a host; raises TargetError with what ssh said (an unknown host key, a refused login).

    `folder` is of mode 0700, and its path is short, because it holds a unix socket.
    """
    path, log = socket(folder, entry), folder / f"{entry.label}.log"
    path.unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    label = redaction.name(entry)
    master = await spawn(f"ssh to {label}", argv.master(entry, settings, path, timeouts), log=log, remove=folder)
    try:
        async with asyncio.timeout(timeouts.ssh_connected):
            while not path.is_socket():
                if not master.alive:
                    raise TargetError(f"{label}: no SSH connection", redaction(master.stderr_tail()))
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        await master.stop(timeouts.ssh_closed)
        message = f"{label}: no SSH connection within {timeouts.ssh_connected:g} s"
        raise TargetError(message, redaction(master.stderr_tail())) from None
    except BaseException:
        await master.stop(timeouts.ssh_closed)
        raise
    slots = asyncio.Semaphore(settings.sessions)
    return Connection(entry, settings, folder, timeouts, redaction, master, slots, asyncio.get_running_loop())
