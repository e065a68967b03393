"""A pod's proxy: Envoy's admin pages, read through the pod's own pilot-agent.

https://istio.io/latest/docs/reference/commands/pilot-agent/#pilot-agent-request
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

from meshproof.border.timeouts import Timeouts
from meshproof.bounded import DEEPEST, read_json
from meshproof.envoy.process.admin import host_status
from meshproof.errors import TargetError
from meshproof.records import dataclass
from meshproof.targets.base import Host
from meshproof.targets.kube.kubectl import Kubectl

CONTAINER = "istio-proxy"
KEPT = ("cluster.outbound", "cluster.inbound", "http.", "listener.")


def client_annotations() -> dict[str, str]:
    """The annotations of a client's pod: its proxy keeps the statistics that are read, and has one worker thread.

    By default Istio keeps few statistics. The first annotation is for every version that reads ProxyConfig from
    it (1.7 on), the second, which outweighs it, for all. Each worker thread has a connection pool of its own and
    may open at least one connection, so a limit is exact with one thread alone; Istio's default is two.
    """
    config = {"concurrency": 1, "proxyStatsMatcher": {"inclusionPrefixes": list(KEPT)}}
    return {
        "proxy.istio.io/config": json.dumps(config),
        "sidecar.istio.io/statsInclusionPrefixes": ",".join(KEPT),
    }


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The proxy of one pod, a gateway's too; `kubectl` is for the pod's namespace. Every method raises TargetError."""

    kubectl: Kubectl
    pod: str
    timeouts: Timeouts

    async def get(self, path: str) -> bytes:
        """The admin page at `path`, which goes without its slash."""
        return await self.kubectl.run(
            *("exec", self.pod, "-c", CONTAINER, "--", "pilot-agent", "request", "GET", path),
            timeout=self.timeouts.kube_command,
            what=f"asking the proxy of {self.pod} for {path}",
        )

    async def ready(self) -> None:
        """Return when the proxy is ready; else raise TargetError."""
        await self.get("ready")

    async def counters(self) -> dict[str, int]:
        """All counters by Envoy's names (an Envoy before 1.23 gives its gauges too)."""
        return await self._stats("Counters")

    async def gauges(self, services: Collection[str] = ()) -> dict[str, int]:
        """The gauges of these hosts' clusters, or all, by Envoy's names (before Envoy 1.23 counters are among them)."""
        return await self._stats("Gauges", services)

    async def hosts(self, pods: Mapping[str, str], services: Collection[str] = ()) -> tuple[Host, ...]:
        """The endpoints that it knows of these hosts, or all (as an older Envoy, without that filter, always does).

        `pods` gives a pod's name by its address, others go by their address.
        """
        found = []
        page = "clusters?format=json" + _narrowed(services)
        for cluster in (await self._json(page)).get("cluster_statuses", ()):
            for one in cluster.get("host_statuses", ()):
                status = host_status(cluster["name"], one)
                found.append(Host(status.cluster, pods.get(status.address[0], status.address[0]), status.ejected))
        return tuple(found)

    async def config_dump(self) -> Any:
        """What the proxy runs, endpoints included."""
        return await self._json("config_dump?include_eds")

    async def _stats(self, kind: str, services: Collection[str] = ()) -> dict[str, int]:
        text = (await self.get(f"stats?type={kind}{_narrowed(services)}")).decode(errors="replace")
        pairs = (line.rpartition(": ") for line in text.splitlines())
        return {plain(name): int(value) for name, _, value in pairs if value.isdecimal()}

    async def _json(self, path: str) -> Any:
        answer = await self.get(path)
        try:
            page = read_json(answer, deepest=DEEPEST)
        except ValueError:
            page = None
        if not isinstance(page, dict):
            # pilot-agent returns the body of a 404 as if it were the page.
            shown = answer[:500].decode(errors="replace")
            raise TargetError(f"the proxy of {self.pod} does not answer {path} in JSON", shown)
        return page


def _narrowed(services: Collection[str]) -> str:
    """A filter for these hosts' clusters: in a large mesh the whole page is long, and it is read often.

    https://www.envoyproxy.io/docs/envoy/latest/operations/admin#get--stats?filter=regex
    """
    return "&filter=" + quote("|".join(map(re.escape, services)), safe="") if services else ""


def plain(name: str) -> str:
    """A statistic by Envoy's own name: since 1.23 istiod adds a semicolon after the variable part."""
    return name.replace(";.", ".", 1)
