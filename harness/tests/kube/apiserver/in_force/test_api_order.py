"""The order in which objects are applied, on a real API server: the marker comes after all others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.apply import ObjectsInForce
from meshproof.targets.kube.objects import Objects
from meshproof.targets.kube.wanted import Wanted

Body = Callable[[Cluster, ObjectsInForce], Awaitable[None]]
InForce = Callable[..., None]


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requests that write, as `METHOD kind/name`, in their order."""
    seen: list[str] = []
    asked = Objects.raw

    async def raw(self: Objects, path: str, method: str = "GET", **given: Any) -> Any:
        answer = await asked(self, path, method, **given)
        if method in ("PATCH", "DELETE") and ("dryRun", "All") not in given.get("query", ()):
            seen.append(f"{method} {'/'.join(path.split('/')[-2:])}")
        return answer

    monkeypatch.setattr(Objects, "raw", raw)
    return seen


def mark(one: Wanted, revision: int) -> Wanted:
    """A VirtualService of the harness' own, which changes with each revision."""
    metadata = {**one.body["metadata"], "name": "mark"}
    spec = {**one.body["spec"], "hosts": [f"r{revision}"]}
    return replace(one, body={**one.body, "metadata": metadata, "spec": spec}, source=None)


def test_the_last_objects_are_applied_after_deletions_too(
    in_force: InForce, shop: Callable[..., Sequence[Wanted]], writes: list[str]
) -> None:
    async def body(cluster: Cluster, in_force: ObjectsInForce) -> None:
        *others, route = shop()
        await in_force.apply([*others, route], [mark(route, 1)])
        assert writes[-2:] == ["PATCH virtualservices/shop", "PATCH virtualservices/mark"]
        assert writes.index("PATCH services/shop") < writes.index("PATCH destinationrules/shop")
        writes.clear()
        change = await in_force.apply(others, [mark(route, 2)])
        assert writes[:2] == ["DELETE virtualservices/shop", "PATCH virtualservices/mark"]
        assert [key[2] for key in change.changed] == ["mark"]
        assert [key[2] for key in change.deleted] == ["shop"]
        writes.clear()
        # Without anything new, nothing at all is written.
        await in_force.apply(others, [mark(route, 2)])
        assert writes == []

    in_force(body)
