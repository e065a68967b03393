"""Where looks take too long for an ejection that is to come soon after a return, its errors come without looks."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from meshproof.border.steps import Fault
from meshproof.run.pacing.ejection import _Pacing

FAULT = Fault(503, 3)


class Hosts:
    """A victim that gets every other request, and is ejected after so many errors (0: never)."""

    def __init__(self, ejected_after: int) -> None:
        self.pods = [SimpleNamespace(pod="a"), SimpleNamespace(pod="b")]
        self.traffic = self
        self.marks: list[tuple[str, dict[str, float]]] = []
        self.now = 5.0
        self.healed = False
        self.looks = 0
        self._after = ejected_after
        self._sent = 0

    def mark(self, name: str, **values: float) -> None:
        self.marks.append((name, values))

    async def fail(self, _pod: object, _fault: Fault) -> None: ...

    async def heal(self, _pod: object) -> None:
        self.healed = True

    async def send(self, requests: int) -> None:
        self._sent += requests
        self.now += 0.1

    async def errors(self, _pod: object, _fault: Fault) -> int:
        return min(self._sent // 2, self._after or self._sent)

    async def ejected(self) -> set[str]:
        self.looks += 1
        return {"a"} if self._after and self._sent // 2 >= self._after else set()


def paced(ejected_after: int, lasting: float = 2.0) -> tuple[Hosts, bool]:
    hosts: Any = Hosts(ejected_after)
    trial: Any = SimpleNamespace(enough=12, soon=1.0, request=0, lasting=lambda _number: lasting)
    return hosts, asyncio.run(_Pacing(trial, hosts)._is_ejected_at_once(2, FAULT))


def test_one_look_suffices_where_the_rule_is_right() -> None:
    hosts, ejected = paced(3)
    assert (ejected, hosts.looks, hosts.healed) == (True, 1, True)
    assert hosts.marks == [("ejected", {"number": 2, "status": 503, "before": 0, "after": 3, "sent": 5.0})]


@pytest.mark.parametrize("after", [0, 30])
def test_a_host_is_spared_only_after_so_many_errors_that_any_rule_would_have_ejected_it(after: int) -> None:
    hosts, ejected = paced(after)
    assert not ejected
    ((name, values),) = hosts.marks
    assert name == "spared"
    assert values["after"] >= 12


def test_what_may_be_a_second_ejection_is_not_taken_for_the_first() -> None:
    hosts, ejected = paced(3, lasting=0.09)
    assert (ejected, hosts.healed) == (False, True)
    ((name, values),) = hosts.marks
    assert (name, values["seconds"]) == ("missed", pytest.approx(0.1))


def test_a_victim_that_a_worker_has_not_back_yet_is_waited_for() -> None:
    hosts: Any = Hosts(3)
    hosts.unseen = 12

    async def send(requests: int) -> None:
        hosts.now += 0.1
        hosts.unseen -= 1
        hosts._sent += requests if hosts.unseen < 0 else 0

    hosts.send = send
    trial: Any = SimpleNamespace(enough=12, soon=1.0, request=0, lasting=lambda _number: 2.0)
    assert asyncio.run(_Pacing(trial, hosts)._is_ejected_at_once(2, FAULT))
