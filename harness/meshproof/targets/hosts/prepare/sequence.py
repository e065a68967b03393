"""A whole preparation: the bundle, one host after another, the images, and the mesh, until the first failure."""

from __future__ import annotations

import asyncio
import os
import secrets
import urllib.parse
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import field
from pathlib import Path

from meshproof.border.inventory import CONTROL_PLANE, HostEntry, Inventory
from meshproof.border.timeouts import Timeouts
from meshproof.errors import MeshproofError, UsageError
from meshproof.process import OwnedFolder
from meshproof.records import dataclass
from meshproof.targets.hosts.api_server import access
from meshproof.targets.hosts.bundle import layout, source
from meshproof.targets.hosts.bundle.layout import Bundle
from meshproof.targets.hosts.bundle.package import read_package
from meshproof.targets.hosts.prepare.desired import DesiredState
from meshproof.targets.hosts.prepare.engine import Outcome, apply_host, plan_host
from meshproof.targets.hosts.prepare.journal import Journal, held
from meshproof.targets.hosts.prepare.link import Link, linked
from meshproof.targets.hosts.prepare.remote import Tell
from meshproof.targets.hosts.prepare.restore import Undoing, plan_restore, restore
from meshproof.targets.hosts.prepare.steps import mesh
from meshproof.targets.hosts.prepare.steps.images import ImagesPlan, plan_images
from meshproof.targets.hosts.prepare.steps.mesh import MeshPlan
from meshproof.targets.hosts.redaction import HostRedaction


@dataclass(frozen=True, slots=True)
class PrepareOptions:
    """The options of `hosts prepare` and `hosts restore`. `only` are names of hosts (none: all of them)."""

    bundle: str = ""
    sha256: str = ""
    only: tuple[str, ...] = ()
    allow_reboot: bool = False
    push: bool = True
    install: bool = True
    settings: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    registry_ca: Path | None = None
    allow: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What was changed, or in a dry run would be: on each host, in the registry, and in the cluster."""

    hosts: tuple[Outcome, ...]
    images: ImagesPlan | None = None
    mesh: MeshPlan | None = None
    notices: tuple[str, ...] = ()


@dataclass(slots=True)
class Preparation:
    """One run of prepare or restore over an inventory; `tell` is called with lines about the progress."""

    inventory: Inventory
    options: PrepareOptions
    tell: Tell
    timeouts: Timeouts = field(default_factory=Timeouts)
    state: Path = field(default_factory=lambda: _home("XDG_STATE_HOME", ".local/state"))
    cache: Path = field(default_factory=lambda: _home("XDG_CACHE_HOME", ".cache"))
    run: str = field(default_factory=lambda: secrets.token_hex(4))

    async def prepare(self, *, apply: bool) -> Prepared:
        """Plan everything, and with `apply` do it; raises MeshproofError, which says which hosts are unchanged."""
        chosen = self._chosen()
        bundle = await self._bundle()
        desired = await asyncio.to_thread(_desired_state, bundle, self.options.allow_reboot)
        notices = [f"{path.name} of the bundle is not run: this program does its work" for path in bundle.ignored]
        admin = next((entry for entry in chosen if entry.role == CONTROL_PLANE), None)
        plan = self._mesh(bundle) if admin else None
        if bundle.istio and self.options.install and admin is None:
            notices.append("Istio is not installed, because no control-plane host is among those chosen")
        folder = await asyncio.to_thread(OwnedFolder.make, "mp-")
        try:
            images = await self._images(bundle, folder.path)
            outcomes = await self._hosts(chosen, desired, folder.path, apply=apply)
            if images and apply:
                await images.pusher.push(images.missing, self.tell)
            if plan and admin and apply:
                await self._install(plan, admin, folder.path)
            return Prepared(tuple(outcomes), images, plan, tuple(notices))
        finally:
            await asyncio.to_thread(folder.remove)

    async def restore(self, *, apply: bool) -> list[Undoing]:
        """Undo what the hosts' journals say was changed; without `apply` only plan it. Raises MeshproofError."""
        folder = await asyncio.to_thread(OwnedFolder.make, "mp-")
        done: list[Undoing] = []
        try:
            for entry in reversed(self._chosen()):
                async with self._on(entry, folder.path) as (link, journal):
                    if apply:
                        undoing = await restore(link, journal, self.tell, allow_reboot=self.options.allow_reboot)
                    else:
                        undoing = await plan_restore(link, journal)
                    done.append(undoing)
            return done
        finally:
            await asyncio.to_thread(folder.remove)

    async def _hosts(
        self, chosen: Sequence[HostEntry], desired: DesiredState, folder: Path, *, apply: bool
    ) -> list[Outcome]:
        done: list[Outcome] = []
        for number, entry in enumerate(chosen):
            try:
                async with self._on(entry, folder) as (link, journal):
                    outcome = apply_host(link, desired, journal, self.tell) if apply else plan_host(link, desired)
                    done.append(await outcome)
            except MeshproofError as error:
                rest = ", ".join(one.name for one in chosen[number + 1 :])
                if apply and rest:
                    error.args = (f"{error}\nStopped there; not changed: {rest}",)
                raise
        return done

    @asynccontextmanager
    async def _on(self, entry: HostEntry, folder: Path) -> AsyncIterator[tuple[Link, Journal]]:
        """One host with its journal, locked against other runs of this machine."""
        redaction = HostRedaction.of(self.inventory, names=True)
        with held(self.state, urllib.parse.quote(entry.name, safe="")) as local:
            # Each host gets a folder of its own, which the connection's guard removes.
            own = folder / entry.label
            own.mkdir(mode=0o700, exist_ok=True)
            async with linked(entry, self.inventory.ssh, own, self.timeouts, redaction) as link:
                yield link, Journal(local, self.run)

    def _chosen(self) -> list[HostEntry]:
        names = {entry.name for entry in self.inventory.hosts}
        unknown = [name for name in self.options.only if name not in names]
        if unknown:
            raise UsageError(f"the inventory has no host {', '.join(unknown)}; it has {', '.join(sorted(names))}")
        return [entry for entry in self.inventory.hosts if not self.options.only or entry.name in self.options.only]

    async def _bundle(self) -> Bundle:
        if not self.options.bundle:
            return Bundle(Path())
        cache = self.cache / "bundles"
        folder = await source.fetch(self.options.bundle, self.options.sha256, cache, self.timeouts, self.tell)
        return await asyncio.to_thread(layout.read, folder)

    async def _images(self, bundle: Bundle, folder: Path) -> ImagesPlan | None:
        if not (bundle.images and self.options.push):
            return None
        own = folder / "registry"
        own.mkdir(mode=0o700)
        return await plan_images(self.inventory.registry, bundle.images, own, self.timeouts, self.options.registry_ca)

    def _mesh(self, bundle: Bundle) -> MeshPlan | None:
        if bundle.istio is None or not self.options.install:
            return None
        hub = self.inventory.registry.hub if self.inventory.registry else ""
        options = self.options
        program = mesh.binary(bundle.istio)
        return MeshPlan(program, bundle.istio_version, hub, options.settings, options.namespaces, options.allow)

    async def _install(self, plan: MeshPlan, entry: HostEntry, folder: Path) -> None:
        async with self._on(entry, folder) as (link, _):
            inventory = self.inventory
            found = await access(link.connection, inventory.kubeconfig, "", folder, inventory.api_server)
            installed = await mesh.install_mesh(plan, found.kubeconfig, found.context, self.timeouts, self.tell)
        for warning in installed.warnings:
            self.tell(f"precheck: {warning}")


def _desired_state(bundle: Bundle, allow_reboot: bool) -> DesiredState:
    packages = tuple(read_package(path) for path in bundle.packages)
    program = mesh.binary(bundle.istio) if bundle.istio else None
    return DesiredState(packages, program, source.sha256(program) if program else "", allow_reboot)


def _home(variable: str, below: str) -> Path:
    """This program's folder in a base folder of the XDG Base Directory Specification."""
    named = os.environ.get(variable, "")
    return (Path(named) if named.startswith("/") else Path.home() / below) / "meshproof"
