"""A running istiod: cases are written to it as lines of JSON, and its answers read."""

from __future__ import annotations

import asyncio
import json
from dataclasses import field
from pathlib import Path
from typing import Any

from meshproof.border.timeouts import Timeouts
from meshproof.envoy.clusters.locality import known_labels, proxy_locality
from meshproof.envoy.istiod.program import program
from meshproof.envoy.istiod.snapshot import Given
from meshproof.envoy.node import Proxy
from meshproof.errors import TargetError, UsageError
from meshproof.mesh.model.mesh import Mesh
from meshproof.process import Child, spawn
from meshproof.records import dataclass

Json = dict[str, Any]

CHUNK = 1 << 16
MOST_BYTES = 256 << 20


# What the embedded mesh does with hosts that no Service has, unless its configuration says otherwise.
OUTBOUND = {"outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}


def described(mesh: Mesh, proxy: Proxy, address: str) -> Json:
    """A proxy as istiod knows one: by its labels those that prefer pods of its place are told which that is."""
    return {
        "type": str(proxy.kind),
        "namespace": proxy.namespace,
        "labels": known_labels(mesh, proxy),
        "address": address,
        "locality": list(proxy_locality(mesh, proxy)),
    }


def settings(mesh: Mesh) -> str:
    """The configuration of a mesh, as istiod reads it."""
    return json.dumps({**OUTBOUND, **json.loads(mesh.config.given or "{}")})


@dataclass(slots=True)
class Istiod:
    """One process for all meshes of a run, asked one at a time."""

    child: Child
    timeouts: Timeouts
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _read: bytearray = field(default_factory=bytearray)

    @classmethod
    async def start(cls, folder: Path, timeouts: Timeouts) -> Istiod:
        """Start it, with its log in `folder`; TargetError where there is none."""
        path = await program(timeouts)
        child = await spawn("istiod", [str(path)], log=folder / "istiod.log", piped=True, remove=folder)
        return cls(child, timeouts)

    async def configurations(self, name: str, given: Given) -> Json:
        """istiod's answer for each proxy; UsageError for what it refuses, TargetError where it ends or breaks."""
        asked = {
            "name": name,
            "manifests": list(given.cluster.objects),
            "mesh": settings(given.mesh),
            "proxies": {role: described(given.mesh, one, given.places[role]) for role, one in given.proxies.items()},
        }
        async with self._turn:
            try:
                async with asyncio.timeout(self.timeouts.istiod_answer):
                    self.child.stdin.write(json.dumps(asked).encode() + b"\n")
                    await self.child.stdin.drain()
                    answer: Json = json.loads(await self._line())
            except TimeoutError:
                raise self.child.failure(f"no answer within {self.timeouts.istiod_answer:g} s") from None
            except OSError:
                raise self.child.failure("istiod ended") from None
        if answer.get("failed"):
            raise TargetError(f"istiod has no configuration for {name}", answer["failed"])
        if refused := answer.get("refused"):
            said = "; ".join(f"{key.partition(' ')[2]}: {why}" for key, why in refused.items())
            raise UsageError(f"istiod refuses what meshproof takes: {said}")
        return answer

    async def stop(self) -> None:
        await self.child.stop(self.timeouts.process_exit)

    async def _line(self) -> bytes:
        """The next line that is an answer."""
        while True:
            while (end := self._read.find(b"\n")) < 0:
                part = await self.child.stdout.read(CHUNK)
                if not part or len(self._read) > MOST_BYTES:
                    raise self.child.failure("istiod ended" if not part else "istiod's answer has no end")
                self._read += part
            line = bytes(self._read[:end])
            del self._read[: end + 1]
            if line.startswith(b"{"):
                return line
