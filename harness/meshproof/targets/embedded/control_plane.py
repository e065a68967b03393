"""Who says what each proxy is configured with: this project's own translation, or a real istiod."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from meshproof.border.facts.control_plane import ISTIOD, OWN
from meshproof.border.timeouts import Timeouts
from meshproof.envoy.clusters.endpoint import Addresses
from meshproof.envoy.node import Proxy
from meshproof.envoy.snapshot import Snapshot
from meshproof.envoy.translate import translate
from meshproof.manifest import Resource
from meshproof.mesh.model.mesh import Mesh
from meshproof.records import dataclass

if TYPE_CHECKING:
    from meshproof.envoy.istiod.conversation import Istiod


@dataclass(frozen=True, slots=True)
class Wanted:
    """The configuration of a mesh: `proxies` by role, and where the replicas of each workload listen."""

    name: str
    mesh: Mesh
    resources: Sequence[Resource]
    proxies: Mapping[str, Proxy]
    addresses: Addresses


class ControlPlane(Protocol):
    """What configures the proxies."""

    @property
    def called(self) -> str:
        """Its name and version, as reports say it."""

    async def start(self, folder: Path, timeouts: Timeouts) -> None:
        """Get ready; raises TargetError."""

    async def snapshots(self, wanted: Wanted) -> dict[str, Snapshot]:
        """The snapshot of each role; raises UsageError and TargetError."""

    async def stop(self) -> None: ...


class Own:
    """This project's translation."""

    called = OWN

    async def start(self, folder: Path, timeouts: Timeouts) -> None:
        """Nothing is needed."""

    async def snapshots(self, wanted: Wanted) -> dict[str, Snapshot]:
        return {role: translate(wanted.mesh, one, wanted.addresses) for role, one in wanted.proxies.items()}

    async def stop(self) -> None:
        """Nothing is left."""


class RealIstiod:
    """istiod's own code in a process of its own, which is imported and started only where it is wanted."""

    def __init__(self) -> None:
        from meshproof.envoy.istiod.program import version

        self.called = f"{ISTIOD} {version()}"
        self._process: Istiod | None = None

    async def start(self, folder: Path, timeouts: Timeouts) -> None:
        from meshproof.envoy.istiod.conversation import Istiod

        self._process = await Istiod.start(folder, timeouts)

    async def snapshots(self, wanted: Wanted) -> dict[str, Snapshot]:
        from meshproof.envoy.istiod.snapshot import asked, converted

        assert self._process is not None, "start() comes first"
        given = asked(wanted.resources, wanted.mesh, wanted.proxies, wanted.addresses)
        answer = await self._process.configurations(wanted.name, given)
        return {role: converted(answer["proxies"][role], one, given) for role, one in wanted.proxies.items()}

    async def stop(self) -> None:
        if self._process is not None:
            await self._process.stop()


def control_plane(name: str) -> ControlPlane:
    """The one of that name (border/facts/control_plane.py)."""
    return RealIstiod() if name == ISTIOD else Own()
