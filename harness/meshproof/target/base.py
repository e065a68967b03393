"""What every target offers to the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from meshproof.border.books import Books
from meshproof.border.load import Vantage
from meshproof.border.request import Request
from meshproof.manifest import Resource
from meshproof.mesh.model import Mesh


@dataclass(frozen=True, slots=True)
class Applied:
    """A configuration that every proxy has acknowledged: its version, and seconds from push to the last ACK."""

    version: str
    seconds: float


class LiveMesh(Protocol):
    """One running mesh, made for one scenario and gone after it."""

    async def apply(self, mesh: Mesh, resources: Sequence[Resource]) -> Applied:
        """Put a configuration in force; returns when every proxy has acknowledged it.

        May be called again while traffic runs. Raises TargetError.
        """

    def vantage(self, requests: Sequence[Request]) -> Vantage:
        """Where the load generator has to stand to send these requests."""

    async def open_books(self) -> None:
        """Begin new books: what is counted from now on."""

    async def books(self) -> Books:
        """What the workloads and the proxies counted since the books were opened."""

    async def check(self) -> None:
        """Ask every part for a sign of life; raises TargetError naming the one that gives none."""

    async def watch(self) -> None:
        """Return never; raises TargetError as soon as a part of the mesh dies."""

    async def save_state(self, folder: Path) -> None:
        """Write the proxies' configuration dumps and statistics, for whoever looks into a failure."""

    async def close(self) -> None:
        """Leave nothing behind."""


class Target(Protocol):
    """A place for live meshes. `features` are the capabilities that scenarios may ask for."""

    @property
    def name(self) -> str: ...

    @property
    def features(self) -> frozenset[str]: ...

    @property
    def versions(self) -> dict[str, str]:
        """The versions of what traffic really passes through (Envoy, Istio, Kubernetes)."""

    async def up(self) -> None: ...

    def mesh(self, name: str) -> LiveMesh:
        """A mesh of its own for the scenario of that name, not started yet."""

    async def down(self) -> None: ...
