"""One ADS stream of one proxy: what it asked for, what it was sent, what it said to that.

State of the world, as https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol describes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from envoy.service.discovery.v3 import discovery_pb2

from meshproof.envoy.resource import Resource


@dataclass(slots=True)
class Subscription:
    """A resource type on a stream; `generation` numbers the content of the response `nonce`."""

    names: frozenset[str] = frozenset()
    nonce: str = ""
    generation: int = -1


@dataclass(frozen=True, slots=True)
class Content:
    """What a type holds at the moment; `generation` grows with every change."""

    generation: int
    version: str
    resources: tuple[Resource, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """A proxy's answer to a response: an empty `reason` is an ACK, any other a NACK."""

    type_url: str
    generation: int
    reason: str = ""


@dataclass(eq=False, slots=True)
class Stream:
    """The sending half is a queue of DiscoveryResponse."""

    outbox: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    nonces: Iterable[int] = field(default_factory=lambda: count(1))

    def send(self, type_url: str, content: Content, changed: Sequence[Resource] | None = None) -> None:
        """Queue the content of a type, if the proxy has asked for that type: all of it, or what has `changed`."""
        subscription = self.subscriptions.get(type_url)
        if subscription is None:
            return
        subscription.nonce = str(next(iter(self.nonces)))
        subscription.generation = content.generation
        response = discovery_pb2.DiscoveryResponse(
            version_info=content.version,
            type_url=type_url,
            nonce=subscription.nonce,
            resources=[
                {"type_url": one.type_url, "value": one.content}
                for one in (content.resources if changed is None else changed)
            ],
        )
        self.outbox.put_nowait(response)

    def receive(self, request: Any, content: Content | None) -> Answer | None:
        """Take a request in; gives the proxy's answer to what it was last sent, if it is one."""
        known = self.subscriptions.get(request.type_url)
        subscription = known or self.subscriptions.setdefault(request.type_url, Subscription())
        names = frozenset(request.resource_names)
        grown = known is None or not names <= subscription.names
        subscription.names = names
        current = bool(subscription.nonce) and request.response_nonce == subscription.nonce
        if current and request.error_detail.code:
            return Answer(request.type_url, subscription.generation, request.error_detail.message)
        # An ACK that asks for more is none yet: the names that it adds have not been answered.
        if grown:
            if content is not None:
                self.send(request.type_url, content)
            return None
        return Answer(request.type_url, subscription.generation) if current else None
