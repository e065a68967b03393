"""The guest as one host of an inventory: how it is judged, and how it is changed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from guest_machine import Guest
from meshproof.border.facts.hosts import HostsFacts
from meshproof.border.timeouts import Timeouts
from meshproof.judge.hosts import GrubDefault, IpvsBalances, IpvsModules, IpvsModulesPersist, NextBoot, RunningKernel
from meshproof.targets.hosts.inventory import load_inventory
from meshproof.targets.hosts.prepare.sequence import Preparation, Prepared, PrepareOptions
from meshproof.targets.hosts.target import HostsTarget

LIMIT = 3600.0
# Software emulation is slow, and much slower where the machine has other work.
SLOW = replace(
    Timeouts(),
    ssh_connected=300,
    ssh_again=60,
    ssh_silent=300,
    ssh_command=600,
    ipvs_balanced=1200,
    remote_file=600,
    boot_loader_config=1800,
    host_reboot=2400,
)
CHECKS = (GrubDefault(), NextBoot(), RunningKernel(), IpvsModules(), IpvsModulesPersist(), IpvsBalances())


def inventory(guest: Guest, folder: Path, expect: str, *, port: int = 0) -> Path:
    """An inventory of this one host with the expectations `expect`; `port` leads to the host's port 22."""
    path = folder / "hosts.yaml"
    path.write_text(
        f"ssh: {{config: /dev/null, knownHosts: {guest.known_hosts}}}\n"
        f"hosts:\n- {{name: guest, role: worker, address: 127.0.0.1, port: {port or guest.port}, user: deploy,\n"
        f"  become: true, key: {guest.key}, expect: {expect}}}\n"
    )
    return path


def looked_at(path: Path) -> HostsFacts:
    """The facts of the hosts of an inventory."""

    async def look() -> HostsFacts:
        target = HostsTarget(path, SLOW)
        target.preflight()
        try:
            await target.up()
            return await target.facts(HostsFacts)
        finally:
            await target.down()

    return asyncio.run(asyncio.wait_for(look(), LIMIT))


def judged(path: Path, *checks: Any) -> dict[str, tuple[str, str]]:
    """Outcome and reason of each check of the hosts in an inventory, by its name."""
    facts = looked_at(path)
    verdicts = {check.name: check.judge(facts) for check in checks or CHECKS}
    return {name: (str(verdict.outcome), verdict.reason) for name, verdict in verdicts.items()}


class Runs:
    """Runs of prepare and restore over one inventory, with journals of their own; `progress` are their lines."""

    def __init__(self, path: Path, folder: Path) -> None:
        self._path, self._folder = path, folder
        self.progress: list[str] = []

    def prepare(
        self, *, apply: bool = True, at: str = "", then: Callable[[], None] | None = None, **options: Any
    ) -> Prepared:
        """One run; `then` is called when a line of its progress holds the text `at`."""
        return asyncio.run(asyncio.wait_for(self._preparation(at, then, options).prepare(apply=apply), LIMIT))

    def restore(self, **options: Any) -> None:
        """Restore everything."""
        asyncio.run(asyncio.wait_for(self._preparation("", None, options).restore(apply=True), LIMIT))

    def stopped(self) -> str:
        """The step of the last entry in the journal that is kept here."""
        (journal,) = (self._folder / "state").glob("*.ndjson")
        return str(json.loads(journal.read_text().splitlines()[-1])["step"])

    def _preparation(self, at: str, then: Callable[[], None] | None, options: dict[str, Any]) -> Preparation:
        def tell(line: str) -> None:
            self.progress.append(line)
            if then and at in line:
                then()

        state, cache = self._folder / "state", self._folder / "cache"
        return Preparation(load_inventory(self._path), PrepareOptions(**options), tell, SLOW, state, cache)
