"""What a machine limits is told with the number that is needed, before it runs out; and nothing outlives its owner."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from meshproof.fork_server import limits as process_limits
from meshproof.workload import limits
from meshproof.workload.listener import Listener

OWNER = """\
import asyncio, contextlib, sys
from pathlib import Path
from meshproof.border.timeouts import Timeouts
from meshproof.errors import Location, TargetError
from meshproof.mesh.model.kubernetes import Workload
from meshproof.workload.pool import pool as module
from meshproof.workload.pool.pool import Pool, Wanted

ECHO = Workload("echo", "default", 1, {{}}, "echo", (), Location("t", 1, 1))
module._processors = lambda: 1

async def connected(port):
    return (await asyncio.open_connection("127.0.0.1", port))[1]

async def main():
    pool = await Pool.start(Path(sys.argv[1]), Timeouts())
    try:
{use}
    except TargetError as error:
        print(error.message, error.detail)
    finally:
        await pool.stop()

asyncio.run(main())
"""
REPLICAS = "probes = await pool.replicas([Wanted(f'echo-{{n}}', ECHO, {ports}) for n in range({count})])\n"


def owner(folder: Path, limit: int, use: str) -> subprocess.Popen[str]:
    """A process of its own that runs `use` with so many descriptors, which cannot be made more."""
    code = OWNER.format(use="".join(f"        {line}\n" for line in use.splitlines()))
    argv = ["sh", "-c", 'ulimit -n "$1"; shift; exec "$@"', "sh", str(limit), sys.executable, "-c", code, str(folder)]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def said(folder: Path, limit: int, use: str) -> str:
    running = owner(folder, limit, use)
    output, _ = running.communicate(timeout=60)
    assert running.returncode == 0
    return output


def test_what_one_process_cannot_take_more_processes_do(tmp_path: Path) -> None:
    use = REPLICAS.format(ports=(80,), count=120) + "print(len(pool.pids), len({p.ports[80] for p in probes}))"
    most = limits.listeners_per_process(256)
    assert said(tmp_path, 256, use).split() == [str(-(-120 // most)), "120"]


def test_a_replica_with_more_ports_than_a_process_may_have_is_told_how_many_descriptors_it_needs(
    tmp_path: Path,
) -> None:
    use = REPLICAS.format(ports=tuple(range(1, 61)), count=1)
    message = said(tmp_path, 200, use)
    needed = limits.descriptors_for(60)
    assert f"a process may open 200 descriptors (ulimit -Hn), and {needed} are needed for 60 ports" in message
    assert limits.listeners_per_process(needed) == 60
    assert limits.listeners_per_process(needed - 8) < 60


def test_a_process_without_a_descriptor_left_ends_and_says_why(tmp_path: Path) -> None:
    use = REPLICAS.format(ports=(80,), count=1) + (
        "dying = asyncio.ensure_future(probes[0].died())\n"
        "kept = []\n"
        "while not dying.done() and len(kept) < 100:\n"
        "    with contextlib.suppress(ConnectionError):\n"
        "        kept.append(await connected(probes[0].ports[80]))\n"
        "raise await dying\n"
    )
    message = said(tmp_path, 128, use)
    assert message.startswith("workload echo-0: died (exit code 1)")
    assert "128 descriptors (ulimit -Hn) do not suffice" in message
    assert "256 are needed" in message


def test_an_owner_that_is_killed_leaves_no_process(tmp_path: Path) -> None:
    use = REPLICAS.format(ports=(80,), count=3) + "print('ready', flush=True)\nawait probes[0].died()"
    running = owner(tmp_path, 1024, use)
    assert running.stdout is not None
    assert running.stdout.readline() == "ready\n"
    family = psutil.Process(running.pid).children(recursive=True)
    assert len(family) == 2
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    assert psutil.wait_procs(family, timeout=10)[1] == []


def test_ports_that_a_machine_does_not_have_are_told_with_the_number_that_is_needed(tmp_path: Path) -> None:
    told = tmp_path / "ip_local_port_range"
    told.write_text("40000\t40099\n")
    assert limits.lacking_ports(50, told) == ""
    assert limits.lacking_ports(51, told).startswith("102 ports are needed")
    assert "gives out 100 (sysctl net.ipv4.ip_local_port_range: 40000 40099)" in limits.lacking_ports(51, told)
    assert limits.lacking_ports(51, tmp_path / "missing") == ""


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    code = (
        "import resource; from meshproof.fork_server.limits import raise_descriptors; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (100, 150)); "
        "print(raise_descriptors(), resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout == "150 (150, 150)\n"


def test_why_the_kernel_refused() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    descriptors = process_limits.why(OSError(errno.EMFILE, "x"), descriptors=77)
    assert descriptors == f"no descriptor is left of a process' (ulimit -n {soft}, ulimit -Hn {hard}): 77 are needed"
    assert process_limits.why(OSError(errno.ENFILE, "x")) == "no descriptor is left of this machine's: more are needed"
    assert process_limits.why(OSError(errno.EAGAIN, "x"), processes=2).startswith("no process can be added, 2 needed")
    assert process_limits.why(MemoryError(), megabytes=16) == "no memory is left: 16 MB are needed"
    assert process_limits.why(OSError(errno.EACCES, "no")) == "[Errno 13] no"


def test_a_listener_that_runs_full_keeps_nothing_else_waiting() -> None:
    async def run() -> None:
        listener = Listener(asyncio.Protocol)
        await listener.open()
        blocking = asyncio.ensure_future(listener.block())
        turns = 0
        while not blocking.done():
            await asyncio.sleep(0)
            turns += 1
        await blocking
        # Less than one for each connection of the queue if it waited by itself.
        assert turns > 100
        listener.close()

    asyncio.run(run())


def test_a_listener_that_is_closed_while_it_opens_is_not_open() -> None:
    async def run() -> None:
        listener = Listener(asyncio.Protocol)
        opening = asyncio.ensure_future(listener.open())
        await asyncio.sleep(0)
        listener.close()
        with pytest.raises(OSError, match="is closed"):
            await opening
        with pytest.raises(OSError, match="is closed"):
            await listener.open()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", listener.port)

    asyncio.run(run())
