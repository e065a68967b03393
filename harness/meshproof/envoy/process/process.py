"""One Envoy process under the control plane."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from meshproof.border.timeouts import Timeouts
from meshproof.envoy import resource_types as types
from meshproof.envoy.control_plane.ads import AdsServer
from meshproof.envoy.control_plane.control import Acknowledgement
from meshproof.envoy.names import is_tcp_listener, service_port
from meshproof.envoy.process.admin import AdminClient
from meshproof.envoy.process.binary import envoy_path
from meshproof.envoy.process.bootstrap import ADMIN_SOCKET, write_bootstrap
from meshproof.envoy.snapshot import Snapshot
from meshproof.errors import TargetError
from meshproof.process import Child, Limit, spawn
from meshproof.records import dataclass

T = TypeVar("T")

# One worker: Envoy counts its limits per worker thread.
OPTIONS = (
    "--concurrency",
    "1",
    "--disable-hot-restart",
    "--reject-unknown-dynamic-fields",
    "--log-level",
    "warning",
)
PROBE_INTERVAL = 0.004


@dataclass(frozen=True, slots=True)
class EnvoyProxy:
    """A running Envoy; `name` is its node id."""

    name: str
    child: Child
    admin: AdminClient
    ads: AdsServer
    timeouts: Timeouts

    @property
    def alive(self) -> bool:
        return self.child.alive

    async def exited(self) -> TargetError:
        """Wait for the process to end; gives the error that tells its last words."""
        await self.child.process.wait()
        return self.child.failure("Envoy ended")

    async def apply(self, snapshot: Snapshot) -> Acknowledgement:
        """Give the proxy a snapshot; when this returns, its listeners take requests and route by it.

        Raises TargetError when the proxy refuses it (see AdsServer.set), dies or does not get ready.
        """
        acknowledgement = await self.while_alive(self.ads.set(self.name, snapshot))
        wanted = set(snapshot.named(types.LISTENER))

        async def serving() -> bool:
            return await self.admin.ready() and wanted <= set(await self.admin.listeners())

        await self.until(serving, f"the listeners {', '.join(sorted(wanted)) or '(none)'}")
        return acknowledgement

    async def ports(self) -> dict[int, int]:
        """The local port by the port number of the service (or Gateway server)."""
        found = await self.admin.listeners()
        return {service_port(name): port for name, port in found.items() if not is_tcp_listener(name)}

    async def tcp_ports(self) -> dict[str, int]:
        """The local port of each listener for the connections of one service's port, by its name."""
        return {name: port for name, port in (await self.admin.listeners()).items() if is_tcp_listener(name)}

    async def stop(self) -> None:
        await self.child.stop(self.timeouts.process_exit)
        self.ads.forget(self.name)

    async def while_alive(self, action: Awaitable[T]) -> T:
        """The outcome of an action, or the process's last words when it ends first."""
        task = asyncio.ensure_future(action)
        end = asyncio.ensure_future(self.exited())
        try:
            await asyncio.wait((task, end), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise end.result()
            return task.result()
        finally:
            for one in (task, end):
                one.cancel()
            await asyncio.gather(task, end, return_exceptions=True)

    async def until(self, condition: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait for a condition for at most Timeouts.envoy_ready seconds."""

        async def hold() -> None:
            while True:
                if await condition():
                    return
                await asyncio.sleep(PROBE_INTERVAL)

        limit = Limit(self.child.pid, self.timeouts.envoy_ready)
        try:
            await limit.keeps(self.while_alive(hold()))
        except TimeoutError:
            raise self.child.failure(f"waited {limit} for {what}") from None


def command(name: str, folder: Path, ads: Path) -> list[str]:
    """Write what the process needs into its folder; gives its command line."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [str(envoy_path()), "--config-path", str(write_bootstrap(folder, name, ads)), *OPTIONS]


async def start(
    name: str, folder: Path, ads: AdsServer, timeouts: Timeouts | None = None, remove: Path | None = None
) -> EnvoyProxy:
    """Start an Envoy whose node id is `name`, with its files in `folder` (made 0700), and wait for its admin page.

    It serves nothing before its first `apply`. `remove` is a folder that goes when this process is
    killed. Raises UsageError where there is no Envoy to start.
    """
    limits = timeouts or Timeouts()
    child = await spawn(name, command(name, folder, ads.path), log=folder / "envoy.log", remove=remove)
    admin = folder / ADMIN_SOCKET
    proxy = EnvoyProxy(name, child, AdminClient(admin, child.pid, limits), ads, limits)

    async def answering() -> bool:
        try:
            await proxy.admin.ready()
        except TargetError as error:
            # Not bound, or not listening yet.
            if isinstance(error.__cause__, FileNotFoundError | ConnectionError):
                return False
            raise
        return True

    try:
        await proxy.until(answering, "its admin page")
    except BaseException:
        await proxy.stop()
        raise
    return proxy
