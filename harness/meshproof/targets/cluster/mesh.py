"""One mesh in a cluster: what a scenario's manifests make of the run's namespace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from meshproof.border.books import Books
from meshproof.border.load import Vantage
from meshproof.border.observation import Observation
from meshproof.border.request import Request
from meshproof.errors import TargetError, UsageError
from meshproof.manifest import Resource
from meshproof.mesh.model.model import DestinationRule, Mesh, TrafficPolicy
from meshproof.targets.base import Applied, Host
from meshproof.targets.cluster import client_pod
from meshproof.targets.cluster.attribution import Owner, attributed, envoy_filter, owners
from meshproof.targets.cluster.gateway_lock import staying
from meshproof.targets.cluster.names import NOWHERE, address, by_address, endpoints, service_of
from meshproof.targets.cluster.place import Place
from meshproof.targets.cluster.state import save
from meshproof.targets.cluster.workload import probed, sample
from meshproof.targets.embedded.listening import ports
from meshproof.targets.istio import injection, marker
from meshproof.targets.istio.convergence import Watched, converged
from meshproof.targets.istio.relayed import RelayedSidecar
from meshproof.targets.istio.sidecar import Sidecar
from meshproof.targets.kube import access, conflicts
from meshproof.targets.kube.concurrent import together
from meshproof.targets.kube.objects import Json
from meshproof.targets.kube.pods import ready as is_ready
from meshproof.targets.kube.wanted import Wanted, wanted
from meshproof.workload.probe import Probe

SIDECAR = "sidecar"
REST_INTERVAL = 0.02


@dataclass(slots=True)
class KubeMesh:
    """One scenario's mesh in a place that it has to itself from the first apply until close."""

    name: str
    place: Place
    _settled: bool = False
    _mesh: Mesh | None = None
    _pods: Sequence[Json] = ()
    _services: dict[tuple[str, str], Mapping[str, Any] | None] = field(default_factory=dict)
    _reached: asyncio.Event = field(default_factory=asyncio.Event)
    _owners: dict[str, Owner] = field(default_factory=dict)
    _opened: dict[str, dict[str, int]] = field(default_factory=dict)
    _claimed: frozenset[conflicts.Claim] = frozenset()
    _standing: Sequence[Wanted] = ()

    async def apply(self, mesh: Mesh, resources: Sequence[Resource]) -> Applied:
        """Put the resources in force, wait for their pods, then until every proxy runs the configuration."""
        place = self.place
        if not place.applying:
            await access.readable(place.cluster.objects, self._elsewhere(mesh))
        if self._mesh is None:
            await place.gateways.renew()
        await place.gateways.find(mesh)
        # A client that has gateways beside it needs not be another one where there are none.
        place.beside = place.gateways.addresses or place.beside
        self._settled = False
        objects = [*self._objects(mesh, resources), *self._client()]
        first, self._mesh = self._mesh is None, mesh
        if mesh.gateways and place.applying and place.lock is not None:
            await place.lock.take(place.timeouts.gateways_free, "using the gateways of the cluster")
        await self._conflicts(objects)
        if first and place.ejected and place.applying:
            await self._forget(objects)
        place.ejected |= any(_ejects(rule) for rule in mesh.destination_rules)
        began = time.monotonic()
        await self._apply(objects)
        pushed = time.monotonic()
        ready = await place.settled(self._reached.set)
        injection.carried([pod for pod in ready if pod["metadata"]["labels"].get("app") == client_pod.NAME])
        self._pods = await self._all_pods(mesh)
        waited = time.monotonic() - pushed
        await together([self._converged(mesh), self._look_up(mesh), place.gateways.forward()])
        self._settled = True
        return Applied(marker.mark(place.revision), time.monotonic() - began - waited)

    async def sending(self, requests: Sequence[Request]) -> tuple[str, ...]:
        """`vantage(requests).command` as soon as it is known, while apply() still waits for other things."""
        await self._reached.wait()
        return () if self._enters(requests) else self.place.command(self._sidecar.pod)

    async def _apply(self, objects: Sequence[Wanted]) -> None:
        """Put these in force, and behind them the markers of a new revision."""
        place = self.place
        place.revision += 1
        # Where nothing is applied the gateways run what they ran before, and are not to see anything of this run.
        selectors = place.gateways.selectors if place.applying else ()
        bodies = marker.manifests(place.namespace, place.revision, selectors, place.gateways.namespace)
        place.markers = tuple(Wanted(body) for body in bodies)
        self._standing = objects
        await place.in_force.apply(objects, place.markers)

    async def _forget(self, objects: Sequence[Wanted]) -> None:
        """Have the proxies forget which hosts they ejected, and how often.

        A host's ejections are known to the cluster that it is in. Without its DestinationRule that is another
        cluster for Envoy, made anew, and so it is when the rule comes back.
        """
        place = self.place
        await self._apply([one for one in objects if one.key[0] != "DestinationRule"])
        await place.settled(lambda: None)
        watched = [Watched(proxy, gateway=one != SIDECAR) for one, proxy in self._proxies().items()]
        await converged(watched, place.namespace, place.revision, place.timeouts, place.istioctl)
        place.ejected = False

    def _objects(self, mesh: Mesh, resources: Sequence[Resource]) -> list[Wanted]:
        if not self.place.applying:
            return []
        workloads = {workload.key: workload for workload in mesh.workloads}
        found = []
        for resource in resources:
            one = wanted(resource)
            workload = workloads.get(f"{resource.namespace}/{resource.name}") if resource.kind == "Deployment" else None
            if resource.kind == "Namespace":
                continue
            if workload is not None and self.place.probed:
                one = probed(one, workload, ports(mesh, workload), self.place.image)
            elif workload is not None:
                one = sample(one, workload)
            found.append(one)
        return found

    def _client(self) -> list[Wanted]:
        place = self.place
        client = [Wanted(client_pod.deployment(place.namespace, place.image, place.beside))]
        return client if place.talks else [*client, Wanted(envoy_filter(place.namespace))]

    def attributed(self, batch: Sequence[Observation]) -> Sequence[Observation]:
        """The observations with the pods that answered, which published images do not tell."""
        return batch if self.place.talks else attributed(batch, self._owners)

    async def _conflicts(self, objects: Sequence[Wanted]) -> None:
        """Refuse what somebody else claims already, of all that no stage before has claimed."""
        claims = {one.key: conflicts.claims(one.body) for one in objects}
        fresh = [one for one in objects if not claims[one.key] <= self._claimed]
        self._claimed |= frozenset().union(*claims.values())
        found = await conflicts.find(self.place.cluster, fresh, self.place.in_force.run)
        if found:
            raise UsageError("what is to be applied meets what stands in the cluster:\n" + "\n".join(map(str, found)))

    async def _all_pods(self, mesh: Mesh) -> Sequence[Json]:
        """The pods of every namespace that the mesh has a Service in."""
        objects = self.place.cluster.objects
        namespaces = [self.place.namespace, *self._elsewhere(mesh)]
        listed = await together([objects.list("v1", "Pod", namespace) for namespace in namespaces])
        return [pod for several in listed for pod in several if not pod["metadata"].get("deletionTimestamp")]

    def _elsewhere(self, mesh: Mesh) -> Sequence[str]:
        """The namespaces that the mesh has a Service in, beside the run's own."""
        return sorted({service.namespace for service in mesh.services} - {self.place.namespace})

    async def _converged(self, mesh: Mesh) -> None:
        place = self.place
        known = endpoints(mesh.services, [pod for pod in self._pods if is_ready(pod)])
        watched = [Watched(self._sidecar, endpoints=known)]
        watched += [Watched(proxy, gateway=True) for proxy in self._marked_gateways()]
        watched += [Watched(proxy) for proxy in self._receiving(mesh)]
        await converged(watched, place.namespace, place.revision, place.timeouts, place.istioctl)
        self._owners = owners(mesh, self._pods)

    def _receiving(self, mesh: Mesh) -> Sequence[Sidecar]:
        """The workloads' own proxies, where they decide anything too: a connection pool limits what they let in.

        So it does no more once its rule is gone, and not before that has come to them.
        """
        place = self.place
        before, place.pooled = place.pooled, any(_pools(rule) for rule in mesh.destination_rules)
        if not place.applying or not (before or place.pooled):
            return ()
        client = place.client.pod if place.client else ""
        mine = [one for one in self._pods if one["metadata"].get("namespace") == place.namespace and is_ready(one)]
        names = sorted(str(one["metadata"]["name"]) for one in mine if injection.proxy(one) is not None)
        kubectl = place.cluster.kubectl.within(place.namespace)
        return [Sidecar(kubectl, name, place.timeouts) for name in names if name != client]

    def _marked_gateways(self) -> Sequence[Sidecar]:
        """Those whose configuration is waited for: none where nothing is applied, what runs there ran before."""
        return tuple(self.place.gateways.proxies().values()) if self.place.applying else ()

    async def _look_up(self, mesh: Mesh) -> None:
        objects = self.place.cluster.objects
        keys = [(service.namespace, service.name) for service in mesh.services]
        found = await together([objects.get("v1", "Service", name, namespace) for namespace, name in keys])
        self._services |= dict(zip(keys, found, strict=True))

    @property
    def _sidecar(self) -> RelayedSidecar:
        if self.place.client is None:
            raise TargetError(f"namespace {self.place.namespace}: there is no client")
        return self.place.client

    def vantage(self, requests: Sequence[Request]) -> Vantage:
        """On this machine when every request enters by a gateway that is open there; else in the client's pod."""
        gateways = self.place.gateways
        if self._enters(requests):
            return Vantage(resolve=tuple((one.endpoint, gateways.outside(one.gateway, one.port)) for one in requests))
        if _certified(requests):
            raise UsageError("a load with client certificates must enter by gateways alone: it is sent from outside")
        command = self.place.command(self._sidecar.pod)
        return Vantage(command, tuple((one.endpoint, self._inside(one)) for one in requests))

    def _enters(self, requests: Sequence[Request]) -> bool:
        """Whether these are sent from outside."""
        serves = self.place.gateways.serves
        known = _certified(requests) or all(serves(one.gateway, one.port) for one in requests)
        return known and all(one.gateway for one in requests)

    def _inside(self, request: Request) -> tuple[str, int]:
        if request.gateway:
            return self.place.gateways.inside(request.gateway, request.port)
        assert self._mesh is not None
        service = service_of(self._mesh, request.host, self.place.namespace)
        if service is None:
            return NOWHERE, request.port
        return address(self._services.get((service.namespace, service.name)), self._pods), request.port

    async def open_books(self) -> None:
        await asyncio.gather(*(probe.open() for probe in self.pods()))
        proxies = self._proxies()
        counters = await together([proxy.counters() for proxy in proxies.values()])
        self._opened = dict(zip(proxies, counters, strict=True))

    async def books(self) -> Books:
        pods = await asyncio.gather(*(probe.books() for probe in self.pods()))
        growth = {}
        proxies = self._proxies()
        counters = await together([proxy.counters() for proxy in proxies.values()])
        for name, now in zip(proxies, counters, strict=True):
            before = self._opened.get(name, {})
            growth[name] = {stat: value - before.get(stat, 0) for stat, value in now.items()}
        return Books(tuple(pods), growth, shared=frozenset(growth) - {SIDECAR})

    def _proxies(self) -> dict[str, Sidecar]:
        return {SIDECAR: self._sidecar, **self.place.gateways.proxies()}

    def pods(self, workload: str = "") -> Sequence[Probe]:
        found = (probe for probe in self.place.probes.values() if workload in ("", probe.workload))
        return sorted(found, key=lambda probe: probe.pod)

    async def gauges(self) -> Mapping[str, int]:
        return await self._sidecar.gauges(self._hosts())

    async def counters(self) -> Mapping[str, int]:
        return await self._sidecar.counters()

    async def hosts(self) -> Sequence[Host]:
        return await self._sidecar.hosts(by_address(self._pods), self._hosts())

    async def at_rest(self) -> None:
        limit = self.place.timeouts.at_rest
        deadline = time.monotonic() + limit
        for name, proxy in self._proxies().items():
            while busy := self._under_way(await proxy.gauges(self._hosts())):
                if time.monotonic() > deadline:
                    raise TargetError(f"{name}: requests were still under way after {limit:g} s", "\n".join(busy))
                await asyncio.sleep(REST_INTERVAL)

    def _under_way(self, gauges: Mapping[str, int]) -> list[str]:
        """This mesh's clusters that a proxy has requests under way to: a gateway may serve others too."""
        wanted = ("upstream_rq_active", "upstream_rq_pending_active")
        hosts = self._hosts()
        return [
            f"{name}: {value}"
            for name, value in gauges.items()
            if value and name.startswith("cluster.outbound") and name.endswith(wanted) and any(h in name for h in hosts)
        ]

    def _hosts(self) -> tuple[str, ...]:
        return tuple(service.host for service in self._mesh.services) if self._mesh else ()

    async def check(self) -> None:
        if failure := self.place.gateways.failure:
            raise failure
        await asyncio.gather(*(proxy.ready() for proxy in self._proxies().values()))
        await asyncio.gather(*(probe.held() for probe in self.pods()))

    async def watch(self) -> None:
        """Waits for the first pod of the run that ends or is not ready any more, or that cannot be entered."""
        while True:
            await asyncio.sleep(self.place.timeouts.pods_watched)
            if failure := self.place.gateways.failure:
                raise failure
            # While a configuration is put in force pods rightly come and go.
            if self._settled and (error := await self.place.restarted()):
                raise error

    async def save_state(self, folder: Path) -> None:
        client: dict[str, Sidecar] = {} if self.place.client is None else {SIDECAR: self.place.client}
        await save(self.place, {**client, **self.place.gateways.proxies()}, folder / self.name)

    async def close(self) -> None:
        """Leave the place to the next mesh: what stands in it is exchanged by that one's apply.

        Where another process waits for its turn with the gateways, what this one had there is gone before.
        """
        lock = self.place.lock
        if lock is not None and lock.taken:
            try:
                await self.place.in_force.apply(staying(self._standing, self.place.namespace))
            finally:
                lock.give()


def _certified(requests: Sequence[Request]) -> bool:
    return any(one.tls and (one.tls.cert or one.tls.key) for one in requests)


def _ejects(rule: DestinationRule) -> bool:
    return any(policy.outlier_detection is not None for policy in _policies(rule))


def _pools(rule: DestinationRule) -> bool:
    return any(policy.connection_pool is not None for policy in _policies(rule))


def _policies(rule: DestinationRule) -> Sequence[TrafficPolicy]:
    found = (rule.policy, *rule.policy.ports.values(), *(one.policy for one in rule.subsets))
    return [policy for policy in found if policy is not None]
