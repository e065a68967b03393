"""Waiting until proxies have no request under way."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Collection, Mapping

from meshproof.errors import TargetError
from meshproof.mesh.model.mesh import Mesh

INTERVAL = 0.01
# istiod may end the name of a cluster in a semicolon.
STATISTIC = re.compile(r"cluster\.outbound\|(\d+)\|[^|]*\|([^;]+?);?\.upstream_rq_(?:pending_)?active")

Gauges = Callable[[], Awaitable[Mapping[str, int]]]


async def at_rest(proxies: Mapping[str, Gauges], mesh: Mesh, limit: float, hosts: Collection[str] = ()) -> None:
    """Wait until none of these proxies has a request under way; raises TargetError after `limit` seconds.

    Only requests to `hosts` count, if there are any: a gateway may serve other hosts too.
    """
    deadline = time.monotonic() + limit
    for name, gauges in proxies.items():
        while busy := under_way(await gauges(), mesh, hosts):
            if time.monotonic() > deadline:
                raise TargetError(f"{name}: requests were still under way after {limit:g} s", "\n".join(busy))
            await asyncio.sleep(INTERVAL)


def under_way(gauges: Mapping[str, int], mesh: Mesh, hosts: Collection[str] = ()) -> list[str]:
    """The clusters to which a proxy has requests under way, as `statistic: number`.

    Where a port speaks no HTTP each connection counts as a request for as long as it is open, and tells nothing.
    """
    found = []
    for name, value in gauges.items():
        matched = STATISTIC.fullmatch(name) if value else None
        if matched is None or (hosts and matched[2] not in hosts):
            continue
        service = mesh.service(matched[2])
        port = next((one for one in service.ports if one.number == int(matched[1])), None) if service else None
        if port is None or port.is_http or port.sniffed:
            found.append(f"{name}: {value}")
    return found
