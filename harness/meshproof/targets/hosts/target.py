"""Hosts as a target that is only inspected; load is driven through their cluster (see cluster.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar, cast

from meshproof.border.facts.hosts import HostsFacts
from meshproof.border.inventory import CONTROL_PLANE, HostEntry, Inventory
from meshproof.border.request import Request
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError, UsageError
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.process import OwnedFolder
from meshproof.targets.base import LiveMesh
from meshproof.targets.hosts.connection import Connection, connect
from meshproof.targets.hosts.facts.gather import all_facts, raise_all
from meshproof.targets.hosts.facts.registry import credentials
from meshproof.targets.hosts.inventory import load_inventory
from meshproof.targets.hosts.redaction import HostRedaction

Facts = TypeVar("Facts")
FEATURE = "Hosts"


class HostsTarget:
    """The hosts of an inventory; with `names` reports and errors have the hosts' own names and addresses."""

    name = "hosts"
    namespace = "default"
    local = False
    features: frozenset[str] = frozenset({FEATURE})

    def __init__(self, path: Path, timeouts: Timeouts | None = None, *, names: bool = False) -> None:
        self._path = path
        self.timeouts = timeouts or Timeouts()
        self._names = names
        self.redaction = HostRedaction(names)
        self._inventory: Inventory | None = None
        self._folder: OwnedFolder | None = None
        self._connections: list[Connection] = []
        self._facts: HostsFacts | None = None

    @property
    def versions(self) -> dict[str, str]:
        return {}

    @property
    def inventory(self) -> Inventory:
        """The inventory of the file; preflight() comes first."""
        assert self._inventory is not None, "preflight() comes first"
        return self._inventory

    def control_plane(self) -> HostEntry:
        """The first control-plane host; raises UsageError where there is none."""
        for host in self.inventory.hosts:
            if host.role == CONTROL_PLANE:
                return host
        raise UsageError(f"{self._path}: no host has the role {CONTROL_PLANE}, so there is no cluster to reach")

    def connected(self, entry: HostEntry) -> Connection:
        """The connection to a host; up() comes first."""
        return next(one for one in self._connections if one.entry is entry)

    def redacted(self, text: str) -> str:
        return self.redaction(text)

    def preflight(self) -> None:
        """Read the inventory, and the files and variables that it names; raises UsageError."""
        inventory = load_inventory(self._path)
        for path in filter(None, (inventory.ssh.config, inventory.ssh.known_hosts, *keys(inventory))):
            if not path.exists() or path.is_dir():
                raise UsageError(f"{path}: the inventory names this file, and it is not there")
        if inventory.registry is not None:
            credentials(inventory.registry)
        self._inventory, self.redaction = inventory, HostRedaction.of(inventory, names=self._names)

    def unsupported(self, mesh: Mesh) -> Iterable[Unmodelled]:  # noqa: ARG002
        """Nothing: istiod carries it out."""
        return ()

    async def up(self) -> None:
        """Connect to every host, as many at once as the inventory allows."""
        inventory, redaction = self.inventory, self.redaction
        self._folder = OwnedFolder.make("mp-")
        path, slots = self._folder.path, asyncio.Semaphore(inventory.ssh.hosts)

        async def one(entry: HostEntry) -> None:
            async with slots:
                self._connections.append(await connect(entry, inventory.ssh, path, self.timeouts, redaction))

        raise_all(
            [
                failure
                for failure in await asyncio.gather(*map(one, inventory.hosts), return_exceptions=True)
                if failure is not None
            ]
        )

    async def facts(self, kind: type[Facts]) -> Facts:
        """HostsFacts, which are gathered once in a run. Raises TargetError."""
        if kind is not HostsFacts:
            raise TargetError(f"the {self.name} target has no facts of the kind {kind.__name__}")
        if self._facts is None:
            order = {entry.label: number for number, entry in enumerate(self.inventory.hosts)}
            known = sorted(self._connections, key=lambda connection: order[connection.entry.label])
            self._facts = await all_facts(known, self.inventory)
        return cast(Facts, self._facts)

    def mesh(
        self,
        name: str,
        requests: Sequence[Request] = (),  # noqa: ARG002
        namespace: str = "",  # noqa: ARG002
        labels: Mapping[str, str] | None = None,  # noqa: ARG002
        workers: int = 0,  # noqa: ARG002
    ) -> LiveMesh:
        raise TargetError(f"{name}: load is driven through the cluster that the hosts make, not through hosts alone")

    async def down(self) -> None:
        try:
            await asyncio.gather(*(connection.close() for connection in self._connections))
        finally:
            if self._folder is not None:
                self._folder.remove()
            self._connections, self._folder, self._facts = [], None, None


def keys(inventory: Inventory) -> list[Path | None]:
    """The key files that an inventory names."""
    return [key for host in inventory.hosts for key in (host.key, host.jump.key if host.jump else None)]
