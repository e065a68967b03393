"""A live cluster, read."""

from __future__ import annotations

from meshproof.border.facts.captured import Captured
from meshproof.cli.cluster.options import Live
from meshproof.cli.execute import carried_out
from meshproof.targets.capture.capture import Wanted, capture
from meshproof.targets.cluster.settings import REMOTE_TIMEOUTS
from meshproof.targets.kube.api.connection import connect


def captured(
    live: Live, namespaces: tuple[str, ...], *, secrets: bool = False, dumps: bool = False, kept: bool = False
) -> Captured:
    """What the cluster runs, to be `kept` in a file or looked at now; raises UsageError and TargetError."""
    wanted = Wanted(() if live.everywhere else namespaces, secrets, dumps, kept, live.revision)
    return carried_out(_read(live, wanted))


async def _read(live: Live, wanted: Wanted) -> Captured:
    cluster = await connect(live.kubeconfig or None, live.context, REMOTE_TIMEOUTS, allow=frozenset(live.allow))
    try:
        return await capture(cluster, wanted)
    finally:
        await cluster.close()
