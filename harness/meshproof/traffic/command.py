"""The command lines of Locust: alone, as a master, and as one of its workers."""

from __future__ import annotations

import os
import sys
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
# What sends all at once must be one process, for processes cannot wait for each other so exactly.
ONE_PROCESS = frozenset({"burst"})

Line = tuple[list[str], dict[str, str] | None, Path | None]


def fork_server(timeouts: Timeouts) -> Launch:
    """What forks generators, each by the arguments that `forked_words` gives; raises UsageError."""
    env, cwd = {**environment(), wire.DRIVEN: wire.ALONE}, folder("loadtests")
    argv = (sys.executable, *LAUNCHER, FORK_SERVER)
    return Launch("fork server of load generators", argv, env, timeouts.locust_ready, timeouts.process_exit, cwd)


def forked_words(shape: str) -> list[str]:
    """Locust's arguments where one process sends; raises UsageError."""
    return ["-f", str(locustfile(shape)), *HEADLESS]


def command_line(shape: str, vantage: Vantage, workers: int = 0) -> Line:
    """The arguments, the environment and the working folder of a generator; raises UsageError.

    With `workers` it is what starts that many Locust workers and becomes their master, all of them
    where `vantage.command` leads. Environment and folder are None where they are not ours to decide.
    """
    file = locustfile(shape)
    if workers and shape in ONE_PROCESS:
        raise UsageError(f"a load of the shape {shape!r} cannot be spread over workers: it is sent all at once")
    spread = ["--workers", str(workers)] if workers else []
    if vantage.command:
        # Where it runs, the locustfiles are somewhere else.
        return [*vantage.command, "python", *LAUNCHER, shape, *spread], None, None
    if workers:
        return [sys.executable, *LAUNCHER, shape, *spread], environment(), file.parent
    return [*locust(file), *HEADLESS], {**environment(), wire.DRIVEN: wire.ALONE}, file.parent


def master_line(shape: str, workers: int, bind: str = LOOPBACK) -> Line:
    """Locust as a master on a free port; raises UsageError."""
    file = locustfile(shape)
    argv = [*locust(file), *HEADLESS, "--master", "--expect-workers", str(workers)]
    argv += ["--master-bind-host", bind, "--master-bind-port", "0"]
    return argv, {**environment(), wire.DRIVEN: wire.MASTER}, file.parent


def worker_line(shape: str) -> Line:
    """Locust as a worker, which reads on its standard input where its master is; raises UsageError."""
    file = locustfile(shape)
    return [*locust(file), "--worker", "--skip-log-setup"], {**environment(), wire.DRIVEN: wire.WORKER}, file.parent


HEADLESS = ("--headless", "--users", "1", "--spawn-rate", "1", "--only-summary", "--skip-log-setup")


def locust(file: Path) -> list[str]:
    return [sys.executable, "-P", "-m", "locust", "-f", str(file)]


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
