"""Start Locust workers, and become their master.

They start beside their master, each waiting on its standard input for the line that says where that is: so they
need not wait for it to start, and its port can be any free one.
"""

from __future__ import annotations

import os
import subprocess
from typing import NoReturn

from meshproof.traffic import wire
from meshproof.traffic.command import Line, master_line, worker_line


def launch(shape: str, workers: int) -> NoReturn:
    """Start so many workers, then replace this process by their master; raises UsageError."""
    argv, env, cwd = worker_line(shape)
    master = master_line(shape, workers)
    started = []
    for _ in range(workers):
        read, write = os.pipe()
        # What a worker prints is not for the wire: it goes to standard error.
        child = subprocess.Popen(argv, env=env, cwd=cwd, stdin=read, stdout=2)
        os.close(read)
        started.append((child.pid, write))
    for _, write in started:
        os.set_inheritable(write, True)
    become(master, {wire.WORKERS: ",".join(f"{pid}:{write}" for pid, write in started)})


def become(line: Line, more: dict[str, str]) -> NoReturn:
    """Replace this process by that command."""
    argv, env, folder = line
    os.chdir(folder or ".")
    os.execve(argv[0], argv, {**(env or dict(os.environ)), **more})  # noqa: S606 - it is Locust from here on
