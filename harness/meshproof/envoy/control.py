"""What the control plane holds of one proxy, and how it changes it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from meshproof.envoy import resource_types as types
from meshproof.envoy.rollout import Step, restoring, steps
from meshproof.envoy.snapshot import Snapshot
from meshproof.envoy.subscription import Answer, Content, Stream
from meshproof.errors import TargetError


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A proxy has taken a snapshot on: `seconds` from the order to the last ACK."""

    version: str
    seconds: float


class RefusedError(TargetError):
    """A proxy refused a configuration (NACK); `detail` is its exact reason."""


@dataclass(eq=False, slots=True)
class Controlled:
    """One proxy under control; `current` is the last snapshot that it acknowledged whole."""

    node: str
    current: Snapshot | None = None
    stream: Stream | None = None
    content: dict[str, Content] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)
    generation: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def connect(self, stream: Stream) -> None:
        """A (re)connected proxy gets on request what is held; an older stream of it no longer counts."""
        self.stream = stream
        self.answers.clear()

    def disconnect(self, stream: Stream) -> None:
        if self.stream is stream:
            self.stream = None

    def receive(self, stream: Stream, request: Any) -> None:
        answer = stream.receive(request, self.content.get(request.type_url))
        if answer is not None and stream is self.stream:
            self.answers[request.type_url] = answer
            self.answered.set()

    async def set(self, snapshot: Snapshot, patience: float) -> Acknowledgement:
        """Roll a snapshot out; on a NACK the former one is put back, and RefusedError raised with the reason.

        A TargetError says after `patience` seconds which types were never acknowledged.
        """
        snapshot.check()
        begun = monotonic()
        async with self.lock:
            if self.current is None or self.current.version != snapshot.version:
                try:
                    await self.roll_out(steps(self.current, snapshot), snapshot.version, begun + patience)
                except RefusedError as refused:
                    await self.restore(refused, patience)
                    raise
                self.current = snapshot
        return Acknowledgement(snapshot.version, monotonic() - begun)

    async def roll_out(self, order: Iterable[Step], version: str, deadline: float) -> None:
        pending = list(order)
        while pending:
            step = pending[0]
            if not await self.push(step, version, deadline):
                missing = ", ".join(dict.fromkeys(types.PLURALS[one.type_url] for one in pending if one.awaited))
                state = "is connected" if self.stream is not None else "is not connected"
                raise TargetError(
                    f"{self.node}: configuration {version} was not acknowledged in time "
                    f"(missing: {missing}; the proxy {state})"
                )
            pending.pop(0)

    async def restore(self, reason: RefusedError, patience: float) -> None:
        """Go back to the former snapshot, so that nothing of a refused one stays."""
        if self.current is None:
            self.content.clear()
            return
        try:
            await self.roll_out(restoring(self.current), self.current.version, monotonic() + patience)
        except TargetError as error:
            message = f"{reason.message}; the former configuration was not restored: {error.message}"
            raise RefusedError(message, reason.detail) from error

    def hold(self, step: Step, version: str) -> Content:
        self.generation += 1
        content = Content(self.generation, version, step.resources)
        self.content[step.type_url] = content
        return content

    async def push(self, step: Step, version: str, deadline: float) -> bool:
        """Send one step and wait for its ACK; False when time is up."""
        content = self.hold(step, version)
        if self.stream is not None:
            self.stream.send(step.type_url, content)
        while step.awaited:
            answer = self.answers.get(step.type_url)
            if answer is not None and answer.generation == content.generation:
                if answer.reason:
                    name = types.PLURALS[step.type_url]
                    raise RefusedError(f"{self.node} refused the {name} of configuration {version}", answer.reason)
                return True
            self.answered.clear()
            try:
                await asyncio.wait_for(self.answered.wait(), max(0.0, deadline - monotonic()))
            except TimeoutError:
                return False
        return True
