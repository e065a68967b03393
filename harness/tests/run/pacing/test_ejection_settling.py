"""Where traffic goes during ejections counts only where the ejected hosts stayed the same; without Envoy."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from meshproof.border.steps import Fault
from meshproof.run.pacing import failing_hosts
from meshproof.run.pacing.max_ejection import fail_all
from meshproof.targets.base import Host


class Pod:
    def __init__(self, name: str) -> None:
        self.pod = name
        self.failed = 0
        self.made_to_fail = False

    async def fail(self, *_: object, **__: object) -> None:
        self.made_to_fail = True

    async def heal(self) -> None: ...

    async def unblock(self) -> None: ...

    async def books(self, *, requests: bool = True) -> Any:
        self.failed += 5
        return SimpleNamespace(received=self.failed)


class Traffic:
    """A proxy whose ejected hosts are given for each look; the last look repeats."""

    def __init__(self, *looks: set[str]) -> None:
        self.looks = list(looks)
        self.live = self
        self.feed = SimpleNamespace(seen=[0])
        self.now = 0.0
        self.marks: list[str] = []

    async def hosts(self) -> list[Host]:
        out = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return [Host("outbound", name, name in out) for name in ("a", "b", "c")]

    def mark(self, name: str, **_: float) -> None:
        self.marks.append(name)

    def grant(self, _request: int, count: int) -> int:
        return count

    async def until(self, _condition: object) -> None: ...

    async def step(self, _request: int) -> None: ...


@pytest.mark.parametrize(
    ("looks", "shown", "marks"),
    [
        ([set(), {"a", "b"}], True, ["failing", "capped", "settled", "still"]),
        ([{"a"}, {"a", "b"}], True, ["failing", "capped", "settled", "still"]),
        ([set(), {"a", "b"}, {"a", "b"}, {"b"}], False, ["failing", "capped"]),
        ([set(), {"a", "b"}, {"a", "b"}, set()], False, ["failing", "capped"]),
        ([set(), {"a", "b"}, {"a", "b"}, {"a", "b"}, {"b"}], False, ["failing", "capped", "settled", "still"]),
        # One that was out at first is back before all have failed: how many are out at once is not seen then.
        ([{"a"}, {"b"}], False, ["failing"]),
    ],
)
def test_hosts_that_come_back_before_traffic_settles_show_nothing(
    monkeypatch: pytest.MonkeyPatch, looks: list[set[str]], shown: bool, marks: list[str]
) -> None:
    monkeypatch.setattr(failing_hosts, "MERGE_WINDOW", 0.0)
    monkeypatch.setattr(failing_hosts, "MARGIN", 0.0)
    traffic: Any = Traffic(*looks)
    first = set(looks[0])
    trial: Any = SimpleNamespace(enough=4, request=0, stretch=lambda _hosts: 10)
    pods: Any = [Pod("a"), Pod("b"), Pod("c")]
    hosts = failing_hosts.FailingHosts(traffic, pods, 0)
    assert asyncio.run(fail_all(hosts, trial, [Fault(503, 2)])) is shown
    assert traffic.marks == marks
    # It would be ejected once more when it is back.
    assert {pod.pod for pod in pods if not pod.made_to_fail} == first
