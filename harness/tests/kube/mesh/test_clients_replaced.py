"""Clients whose pods were replaced: each former one is closed once, however many new ones come at the same time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from meshproof.targets.cluster.mesh import shared as module
from meshproof.targets.cluster.mesh.shared import SharedNamespace


class Client:
    def __init__(self) -> None:
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1
        await asyncio.sleep(0)


class Cluster:
    @property
    def kubectl(self) -> Cluster:
        return self

    def within(self, _: str) -> Cluster:
        return self

    def exec_argv(self, *_: str) -> tuple[str, ...]:
        return ()


def test_former_clients_are_closed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    async def opened(*_: Any) -> Client:
        return Client()

    monkeypatch.setattr(module, "relayed", opened)
    monkeypatch.setattr(module, "Sidecar", lambda *_: None)
    made: Any = object.__new__(SharedNamespace)
    for name, value in {
        "cluster": Cluster(),
        "namespace": "n",
        "timeouts": None,
        "folder": tmp_path,
        "_logs": 0,
    }.items():
        setattr(made, name, value)
    former = {"old-1": Client(), "old-2": Client()}
    made.clients, made.wanted_clients = dict(former), 2
    told: list[int] = []

    async def both() -> None:
        there = ["new-1", "new-2"]
        await asyncio.gather(
            *(made._open_client(name, there, lambda: told.append(len(made.clients))) for name in there)
        )

    asyncio.run(both())
    assert sorted(made.clients) == ["new-1", "new-2"]
    assert [one.closed for one in former.values()] == [1, 1]
    assert told == [2]
