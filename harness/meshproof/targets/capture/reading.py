"""The objects of a cluster, as far as this user may list them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from meshproof.errors import UsageError
from meshproof.manifest import kinds
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, ROOT_NAMESPACE
from meshproof.records import dataclass
from meshproof.targets.capture.kinds import ROUTING, WITHIN, WORKLOADS, Group
from meshproof.targets.kube.api.refusal import RefusedError
from meshproof.targets.kube.objects import Objects

Body = Mapping[str, Any]
FORBIDDEN = 403


@dataclass(slots=True)
class Reading:
    """Reads of `namespaces` (none: of all), and of all where that may decide requests of these.

    `missing` says what could not be listed: what it is, and the hosts that it can touch (none: every request).
    """

    objects: Objects
    namespaces: tuple[str, ...]
    missing: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    async def named(self) -> Sequence[Body]:
        """The namespaces themselves; raises UsageError for one that is not there."""
        try:
            found = await self.objects.list("v1", "Namespace")
        except RefusedError as error:
            if error.status != FORBIDDEN:
                raise
            if not self.namespaces:
                raise UsageError(
                    "this user may not list namespaces: name those that are meant with -n, or grant meshproof-capture "
                    "of docs/rbac.yaml for the whole cluster"
                ) from None
            self.missing.append(("which namespaces there are, and all that stands in others than those named", ()))
            return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": one}} for one in self._places()]
        there = {one["metadata"]["name"] for one in found}
        for one in self.namespaces:
            if one not in there:
                raise UsageError(f"the cluster has no namespace {one}")
        others = sorted(there - set(self._places()))
        if self.namespaces and others:
            hosts = tuple(f"*.{one}.{CLUSTER_DOMAIN}" for one in others)
            self.missing.append(
                (f"Services and workloads of {len(others)} other namespaces, which nobody asked for", hosts)
            )
        return found

    async def routing(self) -> list[Body]:
        """The kinds that decide requests wherever they stand."""
        return [body for group in ROUTING for body in await self._group(group, everywhere=True)]

    async def within(self) -> list[Body]:
        """Services and what else is about its own namespace."""
        return [body for group in WITHIN for body in await self._group(group, everywhere=False)]

    async def workloads(self) -> list[Body]:
        """What makes pods, and pods."""
        return [body for group in WORKLOADS for body in await self._group(group, everywhere=False)]

    async def one(self, api_version: str, kind: str, namespace: str, name: str) -> Body | None:
        """One object, where there is one."""
        try:
            return await self.objects.get(api_version, kind, name, namespace)
        except RefusedError as error:
            if error.status != FORBIDDEN:
                raise
            self.missing.append((f"{kind} {namespace}/{name}", ()))
            return None

    async def nodes(self) -> Sequence[Body] | None:
        """The nodes; None where this user may not list them, which decides no request."""
        try:
            return await self.objects.list("v1", "Node")
        except RefusedError as error:
            if error.status != FORBIDDEN:
                raise
            return None

    def _places(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.namespaces, ROOT_NAMESPACE))) if self.namespaces else ()

    async def _group(self, group: Group, *, everywhere: bool) -> list[Body]:
        found: list[Body] = []
        for kind in group.kinds:
            version = _best(kind, group.name, await self.objects.served(group.name, kind))
            if version:
                found += await self._kind(version, kind, everywhere=everywhere)
        return found

    async def _kind(self, version: str, kind: str, *, everywhere: bool) -> list[Body]:
        places = self._places()
        if everywhere or not places:
            try:
                return list(await self.objects.list(version, kind))
            except RefusedError as error:
                if error.status != FORBIDDEN:
                    raise
                if not places or not (await self.objects.kind(version, kind)).namespaced:
                    self.missing.append((f"{kind}s of {version} of any namespace", ()))
                    return []
                self.missing.append((f"{kind}s of {version} of other namespaces than {', '.join(places)}", ()))
        found: list[Body] = []
        for place in places:
            try:
                found += await self.objects.list(version, kind, place)
            except RefusedError as error:
                if error.status != FORBIDDEN:
                    raise
                self.missing.append((f"{kind}s of {version} of namespace {place}", ()))
        return found


def _best(kind: str, group: str, served: Sequence[str]) -> str:
    """The version that is read best, of those in which a cluster serves a kind."""
    known = kinds.ACCEPTED.get(kinds.entry(kind, group), ())
    return next((one for one in known if one in served), served[0] if served else "")
