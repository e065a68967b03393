"""A lock on a cluster's gateways: one scenario uses them at a time, among all the processes of one run.

The workers of `pytest -n` are runs of their own on one cluster, and a gateway serves one name for only one of them.
Runs that share no lock are refused where they claim the same hosts (see targets/kube/conflicts.py).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence

from meshproof.process import RunLock, run_directory
from meshproof.targets.kube.wanted import Wanted

XDIST = "PYTEST_XDIST_TESTRUNUID"
# Kinds that have no effect outside of their namespace: these may stay while another process uses the gateways.
PRIVATE = frozenset({"ConfigMap", "Deployment", "Service", "ServiceAccount"})


def gateway_lock(server: str) -> RunLock | None:
    """The lock on the gateways of the cluster at that address; None where this process is the only one of its run."""
    run = os.environ.get(XDIST, "")
    if not run:
        return None
    name = hashlib.sha256(f"{run}\n{server}".encode()).hexdigest()[:16]
    return RunLock(run_directory() / f"gateways-{name}")


def private_to_namespace(objects: Sequence[Wanted], namespace: str) -> list[Wanted]:
    """Those of the objects that have no effect outside of `namespace`."""
    return [one for one in objects if one.key[0] in PRIVATE and one.key[1] == namespace]
