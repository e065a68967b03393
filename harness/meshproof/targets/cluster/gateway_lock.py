"""Whose turn it is with a cluster's gateways: one scenario's at a time, among all the processes of one run.

The workers of `pytest -n` are runs of their own on one cluster, and its gateways serve one name for one of them. Runs
that do not know of each other are told that they meet (see kube/conflicts).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from meshproof.process import RunLock, run_directory
from meshproof.targets.kube.wanted import Wanted

XDIST = "PYTEST_XDIST_TESTRUNUID"
# What may stand on while others have the gateways: nothing of it is seen outside of its namespace.
STAYING = frozenset({"ConfigMap", "Deployment", "Service", "ServiceAccount"})


def gateway_lock(server: str) -> RunLock | None:
    """The turn with the gateways of the cluster at that address; None where this process is the only one of its run."""
    run = os.environ.get(XDIST, "")
    if not run:
        return None
    name = hashlib.sha256(f"{run}\n{server}".encode()).hexdigest()[:16]
    return RunLock(run_directory() / f"gateways-{name}")


def staying(objects: Sequence[Wanted], namespace: str) -> list[Wanted]:
    """What of these need not go before somebody else has the gateways."""
    return [one for one in objects if one.key[0] in STAYING and one.key[1] == namespace]
