"""One mesh in a cluster: a scenario's manifests in force in one of the run's namespaces."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import Any

from meshproof.border.books import Books, added
from meshproof.border.load import Vantage
from meshproof.border.observation import Observation
from meshproof.border.request import Request
from meshproof.manifest import Resource
from meshproof.mesh.model.mesh import Mesh
from meshproof.records import dataclass
from meshproof.targets.at_rest import at_rest
from meshproof.targets.base import Applied, Host
from meshproof.targets.cluster import client_pod
from meshproof.targets.cluster.mesh.attribution import Owner, attributed, owners
from meshproof.targets.cluster.mesh.names import by_address
from meshproof.targets.cluster.mesh.objects import MeshObjects, ejects
from meshproof.targets.cluster.mesh.proxies import MeshProxies
from meshproof.targets.cluster.mesh.shared import SharedNamespace
from meshproof.targets.cluster.mesh.state import save
from meshproof.targets.cluster.mesh.vantage import Inside, sent_from_outside, vantage
from meshproof.targets.istio.proxy import injection, marker
from meshproof.targets.kube import access
from meshproof.targets.kube.concurrent import gather_all
from meshproof.targets.kube.objects import Json
from meshproof.targets.kube.wanted import Wanted
from meshproof.workload.probe import Probe


@dataclass(slots=True)
class KubeMesh:
    """One scenario's mesh, which has its namespace to itself from the first apply until close."""

    name: str
    shared: SharedNamespace
    workers: int = 0
    _objects: MeshObjects = field(init=False)
    _proxies: MeshProxies = field(init=False)
    _applying: bool = True
    _mesh: Mesh | None = None
    _pods: Sequence[Json] = ()
    _services: dict[tuple[str, str], Mapping[str, Any] | None] = field(default_factory=dict)
    _client_ready: asyncio.Event = field(default_factory=asyncio.Event)
    _owners: dict[str, Owner] = field(default_factory=dict)
    _opened: dict[str, dict[str, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._objects, self._proxies = MeshObjects(self.shared), MeshProxies(self.shared)

    async def apply(self, mesh: Mesh, resources: Sequence[Resource]) -> Applied:
        """Put the resources in force, wait for their pods, then until every proxy runs the configuration."""
        shared = self.shared
        # A load that one process sends leaves those idle that another load has had.
        shared.wanted_clients = max(shared.wanted_clients, self.workers)
        if not shared.applying:
            await access.readable(shared.cluster.objects, self._other_namespaces(mesh))
        if self._mesh is None:
            await shared.gateways.renew()
        await shared.gateways.find(mesh)
        # A client that bypasses gateways serves a mesh without gateways too, so its pod is kept.
        shared.bypassed = shared.gateways.addresses or shared.bypassed
        self._applying = True
        objects = self._objects.of(mesh, resources)
        first, self._mesh = self._mesh is None, mesh
        if mesh.gateways and shared.applying and shared.lock is not None:
            await shared.lock.acquire(shared.timeouts.gateways_free, "using the gateways of the cluster")
        await self._objects.check_conflicts(objects)
        if first and shared.ejected and shared.applying:
            await self._forget_ejections(objects)
        shared.ejected |= ejects(mesh)
        began = time.monotonic()
        await self._objects.apply(objects)
        pushed = time.monotonic()
        ready = await shared.wait_ready(self._client_ready.set)
        injection.carried([pod for pod in ready if pod["metadata"]["labels"].get("app") == client_pod.NAME])
        self._pods = await self._all_pods(mesh)
        waited = time.monotonic() - pushed
        await gather_all([self._converged(mesh), self._look_up_services(mesh), shared.gateways.forward()])
        self._applying = False
        return Applied(marker.mark(shared.revision), time.monotonic() - began - waited)

    async def sending(self, requests: Sequence[Request]) -> Vantage:
        """`vantage(requests).unresolved` as soon as it is known, while apply() still waits for other things."""
        await self._client_ready.wait()
        outside = sent_from_outside(requests, self.shared.gateways)
        return Vantage(workers=(Vantage(),) * self.workers) if outside else self._inside()

    def _inside(self) -> Vantage:
        """Where what is sent from within the cluster is sent from: each worker has a pod of its own."""
        commands = [Vantage(self.shared.command(one.pod)) for one in self._proxies.sidecars]
        return Vantage(commands[0].command, workers=tuple(commands[: self.workers]))

    async def _forget_ejections(self, objects: Sequence[Wanted]) -> None:
        """Have the proxies forget which hosts they ejected, and how often.

        Envoy keeps a host's ejections with its cluster. Without its DestinationRule that is another cluster,
        and when the rule comes back it is made anew.
        """
        await self._objects.apply_without_destination_rules(objects)
        await self.shared.wait_ready(lambda: None)
        await self._proxies.entered_converged()
        self.shared.ejected = False

    async def _converged(self, mesh: Mesh) -> None:
        await self._proxies.converged(mesh, self._pods)
        self._owners = owners(mesh, self._pods)

    async def _all_pods(self, mesh: Mesh) -> Sequence[Json]:
        """The pods of every namespace that the mesh has a Service in."""
        objects = self.shared.cluster.objects
        namespaces = [self.shared.namespace, *self._other_namespaces(mesh)]
        listed = await gather_all([objects.list("v1", "Pod", namespace) for namespace in namespaces])
        return [pod for several in listed for pod in several if not pod["metadata"].get("deletionTimestamp")]

    def _other_namespaces(self, mesh: Mesh) -> Sequence[str]:
        """The namespaces that the mesh has a Service in, beside the run's own."""
        return sorted({service.namespace for service in mesh.services} - {self.shared.namespace})

    async def _look_up_services(self, mesh: Mesh) -> None:
        objects = self.shared.cluster.objects
        keys = [(service.namespace, service.name) for service in mesh.services if not service.hostname]
        found = await gather_all([objects.get("v1", "Service", name, namespace) for namespace, name in keys])
        self._services |= dict(zip(keys, found, strict=True))

    def attributed(self, batch: Sequence[Observation]) -> Sequence[Observation]:
        """The observations with the pods that answered, which published images do not say."""
        return batch if self.shared.self_identifying else attributed(batch, self._owners)

    def vantage(self, requests: Sequence[Request]) -> Vantage:
        """This machine when every request enters by a gateway that is open here; else the client's pod."""
        inside = Inside(self._mesh, self.shared.namespace, self._services, self._pods) if self._mesh else None
        return vantage(requests, self.shared.gateways, inside, self._inside, self.workers)

    async def open_books(self) -> None:
        await asyncio.gather(*(probe.open() for probe in self.pods()))
        self._opened = await self._proxies.counters()

    async def books(self) -> Books:
        pods = await asyncio.gather(*(probe.books() for probe in self.pods()))
        growth = {}
        for name, now in (await self._proxies.counters()).items():
            before = self._opened.get(name, {})
            growth[name] = {stat: value - before.get(stat, 0) for stat, value in now.items()}
        return Books(tuple(pods), growth, shared=frozenset(growth) - set(self._proxies.clients))

    def pods(self, workload: str = "") -> Sequence[Probe]:
        found = (probe for probe in self.shared.probes.values() if workload in ("", probe.workload))
        return sorted(found, key=lambda probe: probe.pod)

    async def gauges(self) -> Sequence[Mapping[str, int]]:
        return await gather_all([one.gauges(self._hosts()) for one in self._proxies.sidecars])

    async def counters(self) -> Mapping[str, int]:
        return added(await gather_all([one.counters() for one in self._proxies.sidecars]))

    async def hosts(self) -> Sequence[Host]:
        return await self._proxies.sidecars[0].hosts(by_address(self._pods), self._hosts())

    async def at_rest(self) -> None:
        hosts = self._hosts()
        proxies = {name: partial(one.gauges, hosts) for name, one in self._proxies.all().items()}
        await at_rest(proxies, self._mesh or Mesh(), self.shared.timeouts.at_rest, hosts)

    def _hosts(self) -> tuple[str, ...]:
        return tuple(service.host for service in self._mesh.services) if self._mesh else ()

    async def check(self) -> None:
        if failure := self.shared.gateways.failure:
            raise failure
        await asyncio.gather(*(proxy.ready() for proxy in self._proxies.all().values()))
        await asyncio.gather(*(probe.held() for probe in self.pods()))

    async def watch(self) -> None:
        """Raise for the first pod of the run that ends or is not ready any more, or gateway that cannot be entered."""
        while True:
            await asyncio.sleep(self.shared.timeouts.pods_watched)
            if failure := self.shared.gateways.failure:
                raise failure
            # While a configuration is put in force pods come and go as they should.
            if not self._applying and (error := await self.shared.restarted()):
                raise error

    async def save_state(self, folder: Path) -> None:
        await save(self.shared, self._proxies.reachable(), folder / self.name)

    async def close(self) -> None:
        """Leave the objects for the next mesh, whose apply replaces them.

        Where other processes of the run use the gateways too, what this mesh had there is deleted before.
        """
        lock = self.shared.lock
        if lock is not None and lock.held:
            try:
                await self._objects.withdraw_from_gateways()
            finally:
                lock.release()
