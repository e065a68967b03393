"""One embedded mesh: a client's sidecar, its gateways, and the replicas, which share processes."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, TypeVar

from meshproof.border.books import Books, added
from meshproof.border.load import Vantage
from meshproof.border.request import Request
from meshproof.border.timeouts import Timeouts
from meshproof.envoy.control_plane.ads import AdsServer
from meshproof.envoy.listeners.tcp import listener_by_address
from meshproof.envoy.node import Address, Kind, Proxy
from meshproof.envoy.process import process
from meshproof.envoy.process.process import EnvoyProxy
from meshproof.errors import TargetError
from meshproof.manifest import Resource
from meshproof.mesh.coverage.reachable import reachable
from meshproof.mesh.model.kubernetes import Labels, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.records import dataclass
from meshproof.redaction.credentials import redact_all
from meshproof.targets.at_rest import at_rest
from meshproof.targets.base import Applied, Host
from meshproof.targets.embedded.control_plane import ControlPlane, Own
from meshproof.targets.embedded.control_plane import Wanted as Configuration
from meshproof.targets.embedded.listening import names, ports
from meshproof.workload.pool.pool import Pool, Wanted
from meshproof.workload.probe import Probe

SIDECAR = "sidecar"
Result = TypeVar("Result")


@dataclass(slots=True)
class EmbeddedMesh:
    """One mesh: a client's sidecar, a proxy for each kind of gateway, and replicas in `pool`.

    `home` is the target's folder, which must be removed even when this process is killed. The client's sidecar, in
    `namespace` and with `labels`, is started where any request passes it (`sidecar`), not where all enter by gateways.
    Each of several `workers` has such a sidecar of its own. What none of `requests` can meet is neither started nor
    translated; without requests everything is.
    """

    name: str
    folder: Path
    home: Path
    ads: AdsServer
    pool: Pool
    ports: Mapping[int, int]
    timeouts: Timeouts
    sidecar: bool = True
    namespace: str = "default"
    labels: Labels = field(default_factory=dict)
    requests: Sequence[Request] = ()
    workers: int = 0
    control_plane: ControlPlane = field(default_factory=Own)
    _mesh: Mesh = field(default_factory=Mesh)
    _proxies: dict[str, EnvoyProxy] = field(default_factory=dict)
    _probes: dict[str, tuple[Workload, list[Probe]]] = field(default_factory=dict)
    _gateways: dict[str, str] = field(default_factory=dict)
    _selected: dict[tuple[str, tuple[tuple[str, str], ...]], str] = field(default_factory=dict)
    _listening: dict[str, dict[int, int]] = field(default_factory=dict)
    _tcp: dict[str, dict[tuple[str, int], int]] = field(default_factory=dict)
    _opened: dict[str, dict[str, int]] = field(default_factory=dict)
    _retired: list[Probe] = field(default_factory=list)
    _watched: set[int] = field(default_factory=set)
    _starts: asyncio.Queue[Coroutine[Any, Any, TargetError]] = field(default_factory=asyncio.Queue)

    async def apply(self, mesh: Mesh, resources: Sequence[Resource]) -> Applied:
        """Start what is missing, give every proxy its configuration, then stop what is no longer specified."""
        mesh = reachable(mesh, self.requests, self.namespace) if self.requests else mesh
        self._mesh, roles = mesh, self._roles(mesh)
        wanted = {workload.key: workload for workload in mesh.workloads}
        gone = [key for key, (workload, _) in self._probes.items() if _identity(wanted.get(key)) != _identity(workload)]
        self._retired += [probe for key in gone for probe in self._probes.pop(key)[1]]
        new = [workload for key, workload in wanted.items() if key not in self._probes]
        proxies = [self._start_proxy(role) for role in roles if role not in self._proxies]
        await _gather([self._start_workloads(mesh, new), *proxies])
        addresses = {
            key: tuple(Address(p.pod, {port: ("127.0.0.1", local) for port, local in p.ports.items()}) for p in probes)
            for key, (_, probes) in self._probes.items()
        }
        # All are translated before any is pushed: what is refused here changes nothing.
        snapshots = await self.control_plane.snapshots(Configuration(self.name, mesh, resources, roles, addresses))
        acknowledged = await _gather([self._proxies[name].apply(one) for name, one in snapshots.items()])
        for name, role in roles.items():
            self._listening[name] = await self._proxies[name].ports()
            if name in self._sidecars:
                opened = await self._proxies[name].tcp_ports()
                names = listener_by_address(mesh, role)
                self._tcp[name] = {address: opened[one] for address, one in names.items() if one in opened}
        await _gather([probe.stop() for probe in self._retired])
        self._retired.clear()
        return Applied("+".join(a.version for a in acknowledged), max(a.seconds for a in acknowledged))

    def _roles(self, mesh: Mesh) -> dict[str, Proxy]:
        """The client's sidecar, and one gateway for each set of pods that Gateways select or have selected."""
        for gateway in mesh.gateways:
            namespace, labels = mesh.pods_of(gateway)
            pods = namespace, tuple(sorted(labels.items()))
            role = self._selected.setdefault(pods, f"gateway-{len(self._selected)}")
            self._gateways[gateway.key] = role
            self._gateways.setdefault(gateway.called, role)
        roles = {
            role: Proxy(Kind.GATEWAY, namespace, dict(labels), self.ports)
            for (namespace, labels), role in self._selected.items()
        }
        if self.sidecar or SIDECAR in self._proxies or not roles:
            client = Proxy(namespace=self.namespace, labels=self.labels, ports=self.ports)
            roles = {**dict.fromkeys(self._sidecars, client), **roles}
        return roles

    @property
    def _sidecars(self) -> tuple[str, ...]:
        """The names of the clients' sidecars, one for each worker."""
        return (SIDECAR, *(f"{SIDECAR}-{number}" for number in range(2, self.workers + 1)))

    async def _start_proxy(self, role: str) -> None:
        name = f"{self.name}-{role}"
        proxy = await process.start(name, self.folder / role, self.ads, self.timeouts, remove=self.home)
        self._proxies[role] = proxy
        self._starts.put_nowait(proxy.exited())

    async def _start_workloads(self, mesh: Mesh, workloads: Sequence[Workload]) -> None:
        wanted = [
            Wanted(f"{workload.name}-{number}", workload, numbers, hosts)
            for workload in workloads
            for numbers, hosts in ((tuple(ports(mesh, workload)), names(mesh, workload)),)
            for number in range(workload.replicas)
        ]
        started = iter(await self.pool.replicas(wanted))
        for workload in workloads:
            self._probes[workload.key] = (workload, list(itertools.islice(started, workload.replicas)))
        for pid, probe in self._by_process().items():
            if pid not in self._watched:
                self._watched.add(pid)
                self._starts.put_nowait(probe.died())

    def vantage(self, requests: Sequence[Request]) -> Vantage:
        """The client runs on this machine, and connects to the ephemeral ports of the sidecar and the gateways."""
        clients = [Vantage(resolve=self._resolved(requests, sidecar)) for sidecar in self._sidecars]
        return Vantage(resolve=clients[0].resolve, workers=tuple(clients) if self.workers else ())

    def _resolved(self, requests: Sequence[Request], sidecar: str) -> tuple[tuple[str, tuple[str, int]], ...]:
        resolve = {}
        for request in requests:
            role = self._gateways.get(request.gateway, "") if request.gateway else sidecar
            # Port 0 refuses every connection: a port without a listener must not lead elsewhere.
            local = self._listening.get(role, {}).get(request.port, 0)
            name = request.host.lower().removesuffix(".")
            # The name of a pod stands below that of its headless Service, and any name below a ServiceEntry's pattern.
            names = (name, name.partition(".")[2], *self._mesh.patterns_for(name)) if role == sidecar else ()
            tcp = self._tcp.get(sidecar, {})
            own = next((port for one in names if (port := tcp.get((one, request.port), 0))), 0)
            local = own if own or (request.is_tcp and not request.gateway) else local
            resolve[request.endpoint] = ("127.0.0.1", local)
        return tuple(resolve.items())

    async def open_books(self) -> None:
        await _gather([probe.open() for probe in self._all_probes()])
        self._opened = {name: await proxy.admin.counters() for name, proxy in self._proxies.items()}

    async def books(self) -> Books:
        pods = await _gather([probe.books() for probe in self._all_probes()])
        growth = {}
        for name, proxy in self._proxies.items():
            before, now = self._opened.get(name, {}), await proxy.admin.counters()
            growth[name] = {stat: value - before.get(stat, 0) for stat, value in now.items()}
        return Books(tuple(pods), growth)

    def pods(self, workload: str = "") -> Sequence[Probe]:
        return [probe for probe in self._all_probes() if workload in ("", probe.workload)]

    def pids(self) -> list[int]:
        """What was started for each proxy, and the processes that serve its workloads."""
        return [*(proxy.child.pid for proxy in self._proxies.values()), *self._by_process()]

    async def gauges(self) -> Sequence[Mapping[str, int]]:
        return await _gather([proxy.admin.gauges() for proxy in self._clients])

    async def counters(self) -> Mapping[str, int]:
        return added(await _gather([proxy.admin.counters() for proxy in self._clients]))

    async def hosts(self) -> Sequence[Host]:
        return [Host(one.cluster, one.pod, one.ejected) for one in await self._clients[0].admin.clusters()]

    async def at_rest(self) -> None:
        proxies = {name: proxy.admin.gauges for name, proxy in self._proxies.items()}
        await at_rest(proxies, self._mesh, self.timeouts.at_rest)

    async def check(self) -> None:
        await _gather([proxy.while_alive(proxy.admin.ready()) for proxy in self._proxies.values()])
        await _gather([probe.held() for probe in self._by_process().values()])

    async def watch(self) -> None:
        """Raise as soon as any part ends, those that are started later included."""
        ends: set[asyncio.Task[TargetError]] = set()
        started = asyncio.ensure_future(self._starts.get())
        try:
            while True:
                done, _ = await asyncio.wait({started, *ends}, return_when=asyncio.FIRST_COMPLETED)
                for task in ends & done:
                    raise task.result()
                ends.add(asyncio.ensure_future(started.result()))
                started = asyncio.ensure_future(self._starts.get())
        finally:
            for pending in (started, *ends):
                pending.cancel()
            await asyncio.gather(started, *ends, return_exceptions=True)

    async def save_state(self, folder: Path) -> None:
        for name, proxy in self._proxies.items():
            own = folder / f"{self.name}-{name}"
            own.mkdir(mode=0o700, parents=True, exist_ok=True)
            dump = await proxy.admin.config_dump()
            (own / "config_dump.json").write_text(json.dumps(redact_all(dump), indent=1))
            (own / "stats.json").write_text(json.dumps(await proxy.admin.counters(), indent=1))

    async def close(self) -> None:
        while not self._starts.empty():
            self._starts.get_nowait().close()
        probes = [probe.stop() for probe in (*self._all_probes(), *self._retired)]
        stops = [*probes, *(proxy.stop() for proxy in self._proxies.values())]
        await asyncio.gather(*stops, return_exceptions=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _clients(self) -> list[EnvoyProxy]:
        """The proxies that requests pass first."""
        return [self._proxies[one] for one in self._sidecars if one in self._proxies] or [*self._proxies.values()][:1]

    def _by_process(self) -> dict[int, Probe]:
        """One replica of each process: a process that answers for one, or ends, does so for all."""
        return {probe.pid: probe for probe in reversed(self._all_probes())}

    def _all_probes(self) -> list[Probe]:
        return [probe for _, probes in self._probes.values() for probe in probes]


def _identity(workload: Workload | None) -> object:
    """What a replica is started from: when this changes, it is replaced."""
    if workload is None:
        return None
    return (workload.key, workload.replicas, tuple(workload.labels.items()), workload.image, workload.ports)


async def _gather(actions: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """All results in order; when one fails the others are cancelled and awaited, and its error is raised."""
    tasks: list[asyncio.Task[Result]] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(action) for action in actions]
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
