"""The command lines of Locust: alone, as a master, and as one of its workers."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from meshproof.border.load import Vantage
from meshproof.border.timeouts import Timeouts
from meshproof.errors import UsageError
from meshproof.fork_server.client import Launch
from meshproof.suite import folder
from meshproof.traffic import wire

LOOPBACK = "127.0.0.1"
LAUNCHER = ("-P", "-m", "meshproof.traffic")
FORK_SERVER = "fork-server"
ONE_USER = ("--users", "1", "--spawn-rate", "1", "--only-summary", "--skip-log-setup")
HEADLESS = ("--headless", *ONE_USER)
# Locust's own web page, on any free port.
WITH_PAGE = ("--autostart", "--web-host", LOOPBACK, "--web-port", "0", *ONE_USER)
AS_WORKER = ("--worker", "--skip-log-setup")
# What sends all at once must be one process, for processes cannot wait for each other so exactly.
ONE_PROCESS = frozenset({"burst"})

Line = tuple[list[str], dict[str, str] | None, Path | None]


def fork_server(timeouts: Timeouts) -> Launch:
    """What forks Locust processes, each by the arguments that `words` gives; raises UsageError."""
    argv = (sys.executable, *LAUNCHER, FORK_SERVER)
    return Launch(
        "fork server of load generators",
        argv,
        environment(),
        timeouts.locust_ready,
        timeouts.process_exit,
        folder("loadtests"),
    )


def words(
    shape: str, role: str, workers: int = 0, bind: str = LOOPBACK, port: int = 0, *, page: bool = False
) -> list[str]:
    """Locust's arguments in that role (wire.DRIVEN); raises UsageError.

    A master of so many `workers` listens at `bind`, on any free port unless one is named. With `page` it serves
    Locust's own web page on this machine.
    """
    if workers and shape in ONE_PROCESS:
        raise UsageError(f"a load of the shape {shape!r} cannot be spread over workers: it is sent all at once")
    named = ["-f", str(locustfile(shape))]
    if role == wire.WORKER:
        return [*named, *AS_WORKER]
    shown = WITH_PAGE if page else HEADLESS
    if role == wire.MASTER:
        listening = ["--master-bind-host", bind, "--master-bind-port", str(port)]
        return [*named, *shown, "--master", "--expect-workers", str(workers), *listening]
    return [*named, *shown]


def role_of(arguments: Sequence[str]) -> str:
    """The role (wire.DRIVEN) that Locust has with these arguments of `words`."""
    return wire.WORKER if "--worker" in arguments else wire.MASTER if "--master" in arguments else wire.ALONE


def command_line(shape: str, vantage: Vantage, *, page: bool = False) -> Line:
    """The arguments, the environment and the working folder of a generator; raises UsageError.

    It is a master where the vantage has workers; `page` is for one on this machine. Environment and folder are None
    where they are not ours to decide.
    """
    count = len(vantage.workers)
    role = wire.MASTER if count else wire.ALONE
    arguments = words(shape, role, count, page=page)
    if vantage.command:
        # Where it runs, the locustfiles are somewhere else.
        spread = ["--master", str(count)] if count else []
        return [*vantage.command, "python", *LAUNCHER, shape, *spread], None, None
    return locust(arguments, role)


def worker_line(shape: str, vantage: Vantage) -> Line:
    """Locust as a worker, which reads on its standard input where its master is; raises UsageError."""
    if vantage.command:
        return [*vantage.command, "python", *LAUNCHER, shape, "--worker"], None, None
    return locust(words(shape, wire.WORKER), wire.WORKER)


def locust(arguments: Sequence[str], role: str) -> Line:
    """Locust on this machine, in that role (wire.DRIVEN)."""
    argv = [sys.executable, "-P", "-m", "locust", *arguments]
    return argv, {**environment(), wire.DRIVEN: role}, folder("loadtests")


def locustfile(shape: str) -> Path:
    """The locustfile of that shape; raises UsageError."""
    file = folder("loadtests") / f"{shape}.py"
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in file.parent.glob("*.py")))
        raise UsageError(f"there is no load shape {shape!r}; there are: {known}")
    return file


def environment() -> dict[str, str]:
    # Locust takes options from LOCUST_* and from locust.conf where it stands: neither is meant for this run.
    return {name: value for name, value in os.environ.items() if not name.startswith("LOCUST_")}
