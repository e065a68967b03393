"""Commands to a running qemu: save the guest's state to a file, reset it, query its state."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from meshproof.errors import TargetError

ANSWER_SECONDS = 60.0


class Monitor:
    """qemu's QMP over its unix socket: one command at a time, events skipped."""

    def __init__(self, link: socket.socket, lines: TextIO) -> None:
        self._link = link
        self._lines = lines
        self._lines.readline()
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:
        """What the command returns; raises TargetError when qemu refuses it."""
        self._link.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while line := self._lines.readline():
            answer = json.loads(line)
            if "error" in answer:
                raise TargetError(f"qemu refused {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise TargetError(f"qemu ended before it answered to {command}")

    def save(self, file: Path, *, limit: float = 600.0) -> None:
        """Stop the guest and write its memory and devices to `file`; its disk does not change any more."""
        self.execute("stop")
        self.execute("migrate", uri=f"exec:cat > {file}")
        began = time.monotonic()
        while (status := self.execute("query-migrate")["status"]) != "completed":
            if status == "failed" or time.monotonic() - began > limit:
                raise TargetError(f"the guest's state was not saved: {status}")
            time.sleep(0.1)

    def go_on(self, *, limit: float = 600.0) -> None:
        """Let a guest run whose state is being read: it was saved at rest, and would stay so."""
        began = time.monotonic()
        while (status := self.execute("query-status")["status"]) == "inmigrate":
            if time.monotonic() - began > limit:
                raise TargetError("the guest's state was not read")
            time.sleep(0.1)
        if status != "running":
            self.execute("cont")


@contextmanager
def monitor(path: Path) -> Iterator[Monitor]:
    """Talk to the qemu whose QMP socket is `path`."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(ANSWER_SECONDS)
        began = time.monotonic()
        while (error := link.connect_ex(str(path))) and time.monotonic() - began < ANSWER_SECONDS:
            time.sleep(0.05)
        if error:
            raise TargetError(f"qemu does not answer on {path}")
        # The reader is closed too: qemu accepts the next connection only when this one is fully closed.
        with link.makefile("r") as lines:
            yield Monitor(link, lines)
