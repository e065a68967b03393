"""What a run without applying reads of the cluster that it is held against; the cluster is a stand-in."""

from __future__ import annotations

import asyncio
from typing import Any

from meshproof.targets.cluster.existing import ClusterTarget
from meshproof.targets.cluster.settings import REMOTE_TIMEOUTS, KubeSettings
from meshproof.targets.istio.installation.plan import Installed
from meshproof.targets.kube.api.connection import connect


def test_what_runs_is_read_without_secrets_and_without_the_runs_own_namespace(shop: Any) -> None:
    async def running() -> Any:
        target = ClusterTarget(KubeSettings(context="lab", image="probe:1", applying=False))
        assert target.is_standing
        target.cluster = await connect(None, "lab", REMOTE_TIMEOUTS)
        target.installed = Installed("1.31.0", "default", fresh=False)
        shop.api.put("Namespace", target.namespace)
        try:
            # Of a namespace that only the specification knows nothing runs.
            return await target.running(["shop", "planned"])
        finally:
            await target.cluster.close()

    found = asyncio.run(running())
    names = [one.name for one in found.documents]
    assert {"VirtualService/shop/reviews", "Deployment/shop/reviews-v1", "ConfigMap/istio-system/istio"} <= set(names)
    assert [one for one in names if one.startswith("Namespace/meshproof")] == []
    assert b"hunter2" not in found.text


def test_a_run_that_applies_stands_on_nothing() -> None:
    assert not ClusterTarget(KubeSettings(context="lab", image="probe:1")).is_standing
