"""A canary of ninety and ten, and answers that are drawn by shares."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from meshproof.border.observation import Observation


def drawn(build: Any, shares: dict[str, float], seed: int = 1) -> Iterator[Observation]:
    """An endless stream of answers; the subset "" is the proxy's 503."""
    source = random.Random(seed)
    answers = [build.seen(subset) if subset else build.seen(status=503) for subset in shares]
    while True:
        yield from source.choices(answers, list(shares.values()), k=64)


def canary(build: Any, **fields: Any) -> Any:
    return build.plan(build.expectation(build.arm("v1", 90), build.arm("v2", 10), **fields))
