"""What the control plane holds of one proxy, and how it changes it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

from meshproof.envoy import resource_types as types
from meshproof.envoy.control_plane.rollout import Part, Stage, Warming, changes, restoring, stages
from meshproof.envoy.control_plane.subscription import Answer, Content, Stream
from meshproof.envoy.snapshot import Snapshot
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

    async def set(self, snapshot: Snapshot, limit: float) -> Acknowledgement:
        """Roll a snapshot out; on a NACK the former one is put back, and RefusedError raised with the reason.

        A TargetError says after `limit` seconds which types were never acknowledged.
        """
        snapshot.check()
        begun = monotonic()
        async with self.lock:
            if self.current is None or self.current.version != snapshot.version:
                try:
                    await self.roll_out(stages(self.current, snapshot), snapshot.version, begun + limit)
                except RefusedError as refused:
                    await self.restore(refused, limit)
                    raise
                self.current = snapshot
        return Acknowledgement(snapshot.version, monotonic() - begun)

    async def roll_out(self, order: Iterable[Stage], version: str, deadline: float) -> None:
        pending, warming = list(order), Warming()
        while pending:
            if not await self.push(pending[0], version, deadline, warming):
                unanswered = [part for part in pending[0] if not self.answer(part)]
                later = [part for stage in pending[1:] for part in stage]
                missing = dict.fromkeys(types.PLURALS[one.type_url] for one in unanswered + later if one.awaited)
                state = "is connected" if self.stream is not None else "is not connected"
                raise TargetError(
                    f"{self.node}: configuration {version} was not acknowledged in time "
                    f"(missing: {', '.join(missing)}; the proxy {state})"
                )
            pending.pop(0)

    async def restore(self, reason: RefusedError, limit: float) -> None:
        """Go back to the former snapshot, so that nothing of a refused one stays."""
        if self.current is None:
            self.content.clear()
            return
        try:
            await self.roll_out(restoring(self.current), self.current.version, monotonic() + limit)
        except TargetError as error:
            message = f"{reason.message}; the former configuration was not restored: {error.message}"
            raise RefusedError(message, reason.detail) from error

    async def push(self, stage: Stage, version: str, deadline: float, warming: Warming) -> bool:
        """Send what one stage changes and wait for its ACKs; False when time is up."""
        acknowledged = {part.type_url: self.acknowledged(part.type_url) for part in stage}
        changed = changes(stage, acknowledged, warming)
        for part in stage:
            held = acknowledged[part.type_url]
            if held is None or part.type_url in changed:
                self.generation += 1
                self.content[part.type_url] = Content(self.generation, version, part.resources)
            else:
                self.content[part.type_url] = replace(held, resources=part.resources)
        for type_url, resources in changed.items():
            if self.stream is not None:
                self.stream.send(type_url, self.content[type_url], resources)
        while True:
            answers = [self.answer(part) for part in stage if part.awaited]
            for answer in answers:
                if answer is not None and answer.reason:
                    name = types.PLURALS[answer.type_url]
                    raise RefusedError(f"{self.node} refused the {name} of configuration {version}", answer.reason)
            if all(answers):
                return True
            self.answered.clear()
            try:
                async with asyncio.timeout(max(0.0, deadline - monotonic())):
                    await self.answered.wait()
            except TimeoutError:
                return False

    def acknowledged(self, type_url: str) -> Content | None:
        """The content of a type, if it is known that the proxy has taken it on."""
        content, answer = self.content.get(type_url), self.answers.get(type_url)
        taken = content and answer and answer.generation == content.generation and not answer.reason
        return content if taken else None

    def answer(self, part: Part) -> Answer | None:
        """What the proxy said to the content that is held of a type now."""
        answer = self.answers.get(part.type_url)
        content = self.content.get(part.type_url)
        return answer if answer and content and answer.generation == content.generation else None
