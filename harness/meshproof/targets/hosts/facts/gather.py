"""All facts of a host, and of all hosts at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from meshproof.border.facts.hosts import HostFacts, HostsFacts
from meshproof.border.inventory import Inventory, RegistryEntry
from meshproof.errors import TargetError
from meshproof.targets.hosts.connection import Connection
from meshproof.targets.hosts.facts.balance import balance
from meshproof.targets.hosts.facts.boot import boot
from meshproof.targets.hosts.facts.clock import clock, reading
from meshproof.targets.hosts.facts.disk import disks
from meshproof.targets.hosts.facts.istioctl import istioctl
from meshproof.targets.hosts.facts.modules import modules
from meshproof.targets.hosts.facts.proxy import proxy
from meshproof.targets.hosts.facts.registry import registry
from meshproof.targets.hosts.facts.service import KUBELET, RUNTIMES, services
from meshproof.targets.hosts.facts.system import root, system


async def host_facts(connection: Connection, entry: RegistryEntry | None = None) -> HostFacts:
    """Inspect one host; nothing on it is changed. Raises TargetError."""
    expect = connection.entry.expect
    # The clock comes first and alone: commands beside it would add to its uncertainty.
    read = await reading(connection)
    async with asyncio.TaskGroup() as group:
        time = group.create_task(clock(connection, *read))
        rights = group.create_task(root(connection))
        about_system = group.create_task(system(connection))
    no_root = rights.result()
    base = replace(about_system.result(), root=no_root)
    known = await modules(connection, expect.modules, base.distribution)
    async with asyncio.TaskGroup() as group:
        booted = group.create_task(boot(connection, base.distribution, no_root))
        balanced = group.create_task(balance(connection, known, no_root))
        space = group.create_task(disks(connection, [path for path, _ in expect.disk]))
        units = group.create_task(services(connection, (*RUNTIMES, KUBELET)))
        mode = group.create_task(proxy(connection))
        tool = group.create_task(istioctl(connection))
        held = group.create_task(registry(connection, entry)) if entry else None
    states = units.result()
    return HostFacts(
        connection.label,
        connection.entry.role,
        expect,
        base,
        booted.result(),
        known,
        balanced.result(),
        time.result(),
        space.result(),
        tuple(states[name] for name in RUNTIMES),
        states[KUBELET],
        mode.result(),
        tool.result(),
        held.result() if held else None,
    )


async def all_facts(connections: Sequence[Connection], inventory: Inventory) -> HostsFacts:
    """Inspect all hosts at once; raises TargetError with what went wrong on any of them."""

    async def one(connection: Connection) -> HostFacts:
        try:
            return await host_facts(connection, inventory.registry)
        except ExceptionGroup as errors:
            known, rest = errors.split(TargetError)
            if known is None or rest is not None:
                raise
            raise leaf(known) from None

    found = await asyncio.gather(*(one(connection) for connection in connections), return_exceptions=True)
    raise_all([result for result in found if isinstance(result, BaseException)])
    return HostsFacts(tuple(result for result in found if isinstance(result, HostFacts)), inventory.registry)


def leaf(group: BaseExceptionGroup[TargetError]) -> TargetError:
    """The first error of a group, at any depth."""
    first = group.exceptions[0]
    return leaf(first) if isinstance(first, BaseExceptionGroup) else first


def raise_all(failures: Sequence[BaseException]) -> None:
    """Raise one error for all; one that is no TargetError is raised first and alone."""
    for failure in failures:
        if not isinstance(failure, TargetError):
            raise failure
    broken = [failure for failure in failures if isinstance(failure, TargetError)]
    if len(broken) == 1:
        raise broken[0]
    if broken:
        raise TargetError("; ".join(one.message for one in broken), "\n".join(one.detail for one in broken))
