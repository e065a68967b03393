"""The gateways of a cluster: which pods they are, and how a client outside of the mesh enters them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE
from meshproof.mesh.model.mesh import Mesh
from meshproof.records import dataclass
from meshproof.targets.cluster.entry import FORWARD, Address, entry
from meshproof.targets.istio.proxy.forwarded import ADMIN_PORT, ForwardedSidecar
from meshproof.targets.istio.proxy.sidecar import Sidecar
from meshproof.targets.kube import pods
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.api.forward import Forward

Selector = tuple[tuple[str, str], ...]
INGRESS = {"istio": "ingressgateway"}

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GatewayPod:
    """One pod that Gateways select, and the Services that select it.

    `listeners` maps a server's port to the port that its proxy listens on for it.
    """

    name: str
    address: str
    labels: Mapping[str, str]
    listeners: Mapping[int, int]
    body: Json
    services: Sequence[Json] = ()

    def listener(self, port: int) -> int:
        """istiod opens the target port of the gateway's Service, and the port itself where no Service has it."""
        return self.listeners.get(port, port)


@dataclass(slots=True)
class Gateways:
    """The gateways that one mesh after another uses.

    `mapped` are ports of this machine that lead to the ingress gateway, by the server's port; for
    every other one a port of 127.0.0.1 is forwarded. Or all of them are entered as `entry` says (see entry.py).
    """

    cluster: Cluster
    timeouts: Timeouts
    mapped: Mapping[int, int] = field(default_factory=dict)
    entry: str = ""
    namespace: str = ROOT_NAMESPACE
    _pods: dict[str, tuple[GatewayPod, ...]] = field(default_factory=dict)
    _selectors: dict[str, Selector] = field(default_factory=dict)
    _served: dict[str, frozenset[int]] = field(default_factory=dict)
    _local: dict[tuple[str, int], Address] = field(default_factory=dict)
    _forwards: dict[tuple[str, int], Forward] = field(default_factory=dict)

    async def find(self, mesh: Mesh) -> None:
        """Find the pods that the Gateways of this mesh select; TargetError for one that selects none."""
        several = [one for one in mesh.gateways if one.is_written]
        self._selectors = {one.key: tuple(sorted(one.selector.items())) for one in several}
        self._pods = {}
        self._served = {}
        if not several:
            return
        services = await self.cluster.objects.list("v1", "Service", self.namespace)
        found: dict[Selector, tuple[GatewayPod, ...]] = {}
        for key, selector in self._selectors.items():
            if selector not in found:
                found[selector] = tuple(await self._selected(key, selector, services))
            self._pods[key] = found[selector]
            # Gateways of the same pods are one proxy: a port that one of them opens is open for all.
            ports = (s.port for one in several if self._selectors[one.key] == selector for s in one.servers)
            self._served[key] = frozenset(ports)
        for name in self._names():
            if (name, ADMIN_PORT) not in self._forwards:
                await self._forward(name, ADMIN_PORT, ADMIN_PORT)

    def _names(self) -> list[str]:
        return sorted({one.name for several in self._pods.values() for one in several})

    async def _selected(self, key: str, selector: Selector, services: Sequence[Json]) -> Iterator[GatewayPod]:
        labels = ",".join(f"{name}={value}" for name, value in selector)
        listed = await self.cluster.objects.list("v1", "Pod", self.namespace, labels=labels)
        ready = sorted((one for one in listed if pods.ready(one)), key=lambda one: str(one["metadata"]["name"]))
        if not ready:
            look = self.cluster.kubectl.within(self.namespace).shown("get", "pods", "--selector", labels)
            state = await pods.account(self.cluster, self.namespace, listed)
            raise TargetError(
                f"Gateway {key} selects no ready pod of namespace {self.namespace} ({labels})",
                state or f"there is no such pod\nlook: {look}",
            )
        return (_gateway_pod(one, services) for one in ready)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Those of all pods that the mesh's Gateways select."""
        return tuple(sorted({one.address for several in self._pods.values() for one in several}))

    @property
    def selectors(self) -> tuple[dict[str, str], ...]:
        """The different selectors of the mesh's Gateways."""
        return tuple(dict(one) for one in dict.fromkeys(self._selectors.values()))

    def proxies(self) -> dict[str, Sidecar]:
        """Each gateway pod's proxy, by the name that its counters are reported under."""
        kubectl = self.cluster.kubectl.within(self.namespace)
        return {
            f"gateway-{number}": ForwardedSidecar(kubectl, name, self.timeouts, self._forwards[name, ADMIN_PORT])
            for number, name in enumerate(self._names())
        }

    def serves(self, gateway: str, port: int) -> bool:
        """Whether any Gateway of those pods has a server on that port."""
        return port in self._served.get(gateway, ())

    def inside(self, gateway: str, port: int) -> Address:
        """Where a client in the cluster enters."""
        chosen = self._pods.get(gateway, ())
        return (chosen[0].address, chosen[0].listener(port)) if chosen else ("127.0.0.1", 0)

    def outside(self, gateway: str, port: int) -> Address:
        """Where a client on this machine enters; a port without a server refuses every connection."""
        chosen = self._pods.get(gateway, ())
        if not chosen or not self.serves(gateway, port):
            return "127.0.0.1", 0
        if self._is_mapped(chosen[0], port):
            return "127.0.0.1", self.mapped[port]
        return self._local[chosen[0].name, port]

    def _is_mapped(self, pod: GatewayPod, port: int) -> bool:
        return not self.entry and port in self.mapped and INGRESS.items() <= pod.labels.items()

    async def forward(self) -> None:
        """Have an address for every server that `outside` may be asked for; UsageError where there is no such entry."""
        wanted = {
            (several[0].name, port): several[0]
            for key, several in self._pods.items()
            for port in self._served[key]
            if several and not self._is_mapped(several[0], port)
        }
        for name, port in sorted(wanted.keys() - self._local.keys()):
            pod = wanted[name, port]
            if self.entry in ("", FORWARD):
                self._local[name, port] = "127.0.0.1", await self._forward(name, port, pod.listener(port))
            else:
                self._local[name, port] = entry(self.entry, pod.body, port, pod.services)

    async def _forward(self, name: str, port: int, listener: int) -> int:
        look = self.cluster.kubectl.within(self.namespace).shown("get", "pod", name, "-o", "wide")
        made = Forward(self.cluster.api, self.namespace, name, listener, self.timeouts, hint=f"look: {look}")
        await made.start()
        self._forwards[name, port] = made
        return made.port

    @property
    def failure(self) -> TargetError | None:
        """Why one of the forwarded ports no longer leads to its pod; None while all do."""
        return next((one.failure for one in self._forwards.values() if one.failure), None)

    async def renew(self) -> None:
        """Close the forwarded ports that failed under an earlier mesh; `forward` opens them again."""
        for key in [key for key, one in self._forwards.items() if one.failure]:
            self._local.pop(key, None)
            await self._forwards.pop(key).close()

    async def close(self) -> None:
        """End all forwarding."""
        forwards, self._forwards, self._local = self._forwards, {}, {}
        await asyncio.gather(*(one.close() for one in forwards.values()))


def _gateway_pod(pod: Json, services: Sequence[Json]) -> GatewayPod:
    metadata = pod["metadata"]
    labels = metadata.get("labels") or {}
    named = {
        port["name"]: port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or ()
        if "name" in port
    }
    listeners: dict[int, int] = {}
    chosen = [one for one in services if (wanted := one["spec"].get("selector")) and wanted.items() <= labels.items()]
    for service in chosen:
        for port in service["spec"].get("ports") or ():
            target = port.get("targetPort", port["port"])
            number = named.get(target) if isinstance(target, str) else target
            listeners.setdefault(port["port"], number or port["port"])
    return GatewayPod(metadata["name"], pod["status"].get("podIP", ""), labels, listeners, pod, chosen)
