"""The proxies of one mesh in a cluster: the client's sidecar, its gateways, and how all of them converge."""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.errors import TargetError
from meshproof.mesh.model.mesh import Mesh
from meshproof.records import dataclass
from meshproof.targets.cluster.mesh.names import endpoints
from meshproof.targets.cluster.mesh.objects import limits_connections
from meshproof.targets.cluster.mesh.shared import SharedNamespace
from meshproof.targets.istio.proxy import injection
from meshproof.targets.istio.proxy.convergence import Watched, converged
from meshproof.targets.istio.proxy.relayed import RelayedSidecar
from meshproof.targets.istio.proxy.sidecar import Sidecar
from meshproof.targets.kube.concurrent import gather_all
from meshproof.targets.kube.objects import Json
from meshproof.targets.kube.pods import ready

SIDECAR = "sidecar"


@dataclass(frozen=True, slots=True)
class MeshProxies:
    """The proxies that a mesh's requests pass, by the names that their counters go under."""

    shared: SharedNamespace

    @property
    def sidecars(self) -> Sequence[RelayedSidecar]:
        """The clients' own proxies; TargetError before a pod of theirs is there."""
        if not self.shared.clients:
            raise TargetError(f"namespace {self.shared.namespace}: there is no client")
        return tuple(self.shared.clients.values())

    @property
    def clients(self) -> dict[str, Sidecar]:
        """The clients' own proxies by name, as far as their pods are there."""
        return {
            SIDECAR + f"-{number}" * (number > 1): one for number, one in enumerate(self.shared.clients.values(), 1)
        }

    def all(self) -> dict[str, Sidecar]:
        """Each client's sidecar, and each gateway pod's proxy; TargetError before a client's pod is there."""
        assert self.sidecars
        return self.reachable()

    def reachable(self) -> dict[str, Sidecar]:
        """The same without clients' sidecars whose pod never came up."""
        return {**self.clients, **self.shared.gateways.proxies()}

    async def counters(self) -> dict[str, dict[str, int]]:
        """All counters of each proxy."""
        proxies = self.all()
        counters = await gather_all([proxy.counters() for proxy in proxies.values()])
        return dict(zip(proxies, counters, strict=True))

    async def converged(self, mesh: Mesh, pods: Sequence[Json]) -> None:
        """Wait until every proxy that decides about this mesh's requests runs the newest revision."""
        known = endpoints(mesh.services, [pod for pod in pods if ready(pod)])
        watched = [Watched(one, endpoints=known) for one in self.sidecars]
        watched += [Watched(proxy, gateway=True) for proxy in self._marked_gateways()]
        watched += [Watched(proxy) for proxy in self._limiting_workloads(mesh, pods)]
        await self._wait(watched)

    async def entered_converged(self) -> None:
        """Wait until the client's sidecar and the gateways run the newest revision, whatever the endpoints are."""
        await self._wait([Watched(proxy, gateway=name not in self.clients) for name, proxy in self.all().items()])

    async def _wait(self, watched: Sequence[Watched]) -> None:
        shared = self.shared
        await converged(watched, shared.namespace, shared.revision, shared.timeouts, shared.istioctl)

    def _marked_gateways(self) -> Sequence[Sidecar]:
        """Gateways that get a marker: none where nothing is applied, because they run what they ran before."""
        return tuple(self.shared.gateways.proxies().values()) if self.shared.applying else ()

    def _limiting_workloads(self, mesh: Mesh, pods: Sequence[Json]) -> Sequence[Sidecar]:
        """The workloads' own sidecars where a connection pool limits what they let in.

        They are waited for once more after the last such rule has gone: until then they limit still.
        """
        shared = self.shared
        before, shared.limited = shared.limited, limits_connections(mesh)
        if not shared.applying or not (before or shared.limited):
            return ()
        own = [one for one in pods if one["metadata"].get("namespace") == shared.namespace and ready(one)]
        names = sorted(str(one["metadata"]["name"]) for one in own if injection.proxy(one) is not None)
        kubectl = shared.cluster.kubectl.within(shared.namespace)
        return [Sidecar(kubectl, name, shared.timeouts) for name in names if name not in shared.clients]
