"""`python -m meshproof.workload relay`: the admin page of the pod's own proxy, over standard input and output.

A container shares its pod's network, so it reaches the sidecar's admin page by the loopback. Kept running, that
answers in milliseconds, where each `kubectl exec` takes hundreds of them. The lines are as a workload's
own: {"id": …, "do": "get", "path": …, "from": …} is answered with {"id": …, "body": …, "next": …}, a
part of the page and where its next part begins. Standard library only.
"""

from __future__ import annotations

import http.client
import json
import sys
from typing import Any

from meshproof.pod_version import pod_version

ADMIN_PORT = 15000
PART = 64 << 10
SECONDS = 10.0


class Relay:
    """One proxy's admin page; it keeps the page that it read last, so that its parts are of one reading."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._text = ""

    def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carry out one command; never raises for a bad one."""
        number = command.get("id")
        try:
            if command.get("do") != "get":
                raise ValueError("no such command")
            start = int(command.get("from", 0))
            if not start:
                self._text = self._get(str(command["path"]))
        except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
            return {"id": number, "error": f"{command.get('path')}: {error}"}
        end = start + PART
        return {"id": number, "body": self._text[start:end], "next": end if end < len(self._text) else None}

    def _get(self, path: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=SECONDS)
        try:
            connection.request("GET", f"/{path}")
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise ValueError(f"the proxy answers {answer.status}: {text[:200]}")
        return text


def relay(port: int) -> None:
    """Serve until standard input ends."""
    proxy = Relay(port)
    _send({"ready": True, "ports": {}, "version": pod_version()})
    for line in sys.stdin.buffer:
        try:
            command = json.loads(line)
        except ValueError as error:
            _send({"id": None, "error": f"not JSON: {error}"})
            continue
        _send(proxy.answer(command if isinstance(command, dict) else {}))


def _send(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(message).encode() + b"\n")
    sys.stdout.buffer.flush()
