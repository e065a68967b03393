"""The objects that a run has in force in its namespace: exactly those specified, and none of the ones before.

Unchanged objects are not written, so that pods are kept from one scenario to the next.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Collection, Sequence
from dataclasses import field, replace

from meshproof.errors import TargetError, UsageError
from meshproof.records import dataclass
from meshproof.targets.kube import ownership
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.api.refusal import RefusedError
from meshproof.targets.kube.concurrent import gather_all
from meshproof.targets.kube.objects import Json
from meshproof.targets.kube.wanted import Wanted

# What a route leads to is created before the route; deletions go the other way round.
ORDER = ("Secret", "ConfigMap", "ServiceAccount", "Service", "Deployment", "Sidecar", "ServiceEntry")
LAST = ("DestinationRule", "Gateway", "VirtualService")
INTERVAL = 0.1

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Change:
    """What an apply did, each as (kind, namespace, name)."""

    created: tuple[Key, ...] = ()
    changed: tuple[Key, ...] = ()
    deleted: tuple[Key, ...] = ()
    unchanged: tuple[Key, ...] = ()


@dataclass(frozen=True, slots=True)
class _Applied:
    """An object as this run applied it."""

    wanted: Wanted
    text: str
    uid: str
    generation: int | None


@dataclass(slots=True)
class ObjectsInForce:
    """The objects of one run. `outside` are other namespaces with the kinds that may be put there: (kind, namespace).

    `interchangeable` are API groups whose versions say the same: an object is sent in one that the cluster serves.
    """

    cluster: Cluster
    namespace: str
    run: str
    outside: Collection[tuple[str, str]] = ()
    interchangeable: Collection[str] = ()
    _applied: dict[Key, _Applied] = field(default_factory=dict)

    async def apply(self, objects: Sequence[Wanted], last: Sequence[Wanted] = ()) -> Change:
        """Put exactly these in force: one kind after another, objects of one kind at once.

        `last` are applied after everything else, deletions included. Objects of manifests are tried first by a dry
        run, so that one which the cluster refuses changes nothing. Raises ManifestError for an object of a manifest
        that the cluster refuses, UsageError for a namespace or kind that this run must not write, TargetError for an
        object that somebody else made or changed.
        """
        final = [await self._prepared(one) for one in (*objects, *last)]
        keys = [one.key for one in final]
        for key in keys:
            if keys.count(key) > 1:
                raise UsageError(f"{key[0]} {key[1]}/{key[2]} is given twice")
        await self._forget_changed()
        pending = [one for one in final if not self._is_in_force(one)]
        others = await gather_all([self._needs_replacement(one) for one in pending])
        await self._delete([one.key for one, needed in zip(pending, others, strict=True) if needed])
        created = tuple(one.key for one in pending if one.key not in self._applied)
        changed = tuple(one.key for one in pending if one.key in self._applied)
        last_keys = {one.key for one in final[len(objects) :]}
        await self._put([one for one in pending if one.key not in last_keys])
        gone = tuple(key for key in self._applied if key not in keys)
        await self._delete(gone)
        await self._put([one for one in pending if one.key in last_keys])
        unchanged = tuple(key for key in keys if key not in created and key not in changed)
        return Change(created, changed, gone, unchanged)

    def _is_in_force(self, one: Wanted) -> bool:
        applied = self._applied.get(one.key)
        return applied is not None and applied.text == _text(one.body)

    async def _put(self, objects: Sequence[Wanted]) -> None:
        for _, several in itertools.groupby(sorted(objects, key=_rank), key=_rank):
            await gather_all([self._put_one(one) for one in several])

    async def _put_one(self, one: Wanted) -> None:
        try:
            metadata = (await self._send(one))["metadata"]
        except RefusedError as error:
            raise one.refused(error) from None
        self._applied[one.key] = _Applied(one, _text(one.body), metadata["uid"], metadata.get("generation"))

    async def clear(self) -> Change:
        """Delete everything that this run has in force."""
        return await self.apply(())

    async def _prepared(self, one: Wanted) -> Wanted:
        """The object as it is sent: labelled, in an allowed namespace, in a version that is served."""
        kind, namespace, _ = one.key
        if namespace != self.namespace and (kind, namespace) not in self.outside:
            where = f"in namespace {namespace}" if namespace else "for the whole cluster"
            if one.source:
                message = f"{one} would be {where}; a run changes only its own namespace"
                raise one.source.body.problem(message, "name no namespace")
            raise UsageError(f"{one} would be {where}; a run changes only its own namespace")
        body = ownership.labelled(one.body, self.run)
        group = str(body["apiVersion"]).rpartition("/")[0]
        if group in self.interchangeable:
            served = await self.cluster.objects.served(group, kind)
            if served and body["apiVersion"] not in served:
                body = {**body, "apiVersion": served[0]}
        return replace(one, body=body)

    async def _forget_changed(self) -> None:
        """Forget applied objects that have been deleted or changed since, so that they are applied again."""
        kinds = sorted({(str(s.wanted.body["apiVersion"]), key[0], key[1]) for key, s in self._applied.items()})
        labels = ownership.selector(self.run)
        lists = [self.cluster.objects.list(*one, labels=labels) for one in kinds]
        for (_, kind, namespace), listed in zip(kinds, await gather_all(lists), strict=True):
            found = {body["metadata"]["name"]: body["metadata"] for body in listed}
            for key in [key for key in self._applied if key[:2] == (kind, namespace)]:
                now, applied = found.get(key[2]), self._applied[key]
                if now is None or now["uid"] != applied.uid:
                    del self._applied[key]
                elif now.get("generation") != applied.generation:
                    self._applied[key] = replace(applied, text="")

    async def _needs_replacement(self, one: Wanted) -> bool:
        """Try it; whether the present object must be deleted first, because an immutable field differs."""
        applied = one.key in self._applied
        if not applied:
            await self._vacant(one)
        if one.source is None and applied and one.key[0] != "Deployment":
            # The harness' own objects were accepted when they were first applied.
            return False
        try:
            await self._send(one, dry_run=True)
        except RefusedError as error:
            if error.immutable and applied:
                return True
            raise one.refused(error) from None
        return False

    async def _send(self, one: Wanted, *, dry_run: bool = False) -> Json:
        applied = self._applied.get(one.key)
        body = one.body
        if applied is not None:
            # With the uid, only the object that this run made is changed, never another one of that name.
            body = {**body, "metadata": {**body["metadata"], "uid": applied.uid}}
        return await self.cluster.objects.apply(body, dry_run=dry_run)

    async def _vacant(self, one: Wanted) -> None:
        """Wait until this run's earlier object of that name is gone; TargetError when there is somebody else's."""
        kind, namespace, name = one.key
        deadline = time.monotonic() + self.cluster.timeouts.kube_gone
        while found := await self.cluster.objects.get(str(one.body["apiVersion"]), kind, name, namespace):
            if not ownership.owned(found, self.run):
                raise TargetError(f"{one} exists already and was not made by this run: it is not changed")
            if not found["metadata"].get("deletionTimestamp"):
                return
            if time.monotonic() > deadline:
                raise self._stuck(one.key, found)
            await asyncio.sleep(INTERVAL)

    async def _delete(self, keys: Sequence[Key]) -> None:
        objects = self.cluster.objects
        order = sorted(keys, key=lambda key: _rank(self._applied[key].wanted), reverse=True)
        for kind, namespace, name in order:
            applied = self._applied[kind, namespace, name]
            api_version = str(applied.wanted.body["apiVersion"])
            await objects.delete(api_version, kind, name, namespace, uid=applied.uid, propagation="Background")
        deadline = time.monotonic() + self.cluster.timeouts.kube_gone
        await gather_all([self._gone(key, deadline) for key in order])

    async def _gone(self, key: Key, deadline: float) -> None:
        kind, namespace, name = key
        applied = self._applied[key]
        api_version = str(applied.wanted.body["apiVersion"])
        while (found := await self.cluster.objects.get(api_version, kind, name, namespace)) and (
            found["metadata"]["uid"] == applied.uid
        ):
            if time.monotonic() > deadline:
                raise self._stuck(key, found)
            await asyncio.sleep(INTERVAL)
        del self._applied[key]

    def _stuck(self, key: Key, found: Json) -> TargetError:
        held = ", ".join(found["metadata"].get("finalizers") or ()) or "none"
        limit = self.cluster.timeouts.kube_gone
        message = f"{key[0]} {key[1]}/{key[2]} is still being deleted after {limit:g} s; its finalizers: {held}"
        return TargetError(message, self.cluster.kubectl.within(key[1]).shown("get", key[0], key[2], "-o", "yaml"))


async def sweep(cluster: Cluster, run: str, outside: Collection[tuple[str, str]]) -> Sequence[Key]:
    """Delete what a run left outside of its namespace; `outside` as of ObjectsInForce (core kinds only)."""
    gone = []
    for kind, namespace in outside:
        for body in await cluster.objects.list("v1", kind, namespace, labels=ownership.selector(run)):
            metadata = body["metadata"]
            if await cluster.objects.delete("v1", kind, metadata["name"], namespace, uid=metadata["uid"]):
                gone.append((kind, namespace, metadata["name"]))
    return gone


def _rank(one: Wanted) -> int:
    kind = one.key[0]
    if kind in LAST:
        return len(ORDER) + 1 + LAST.index(kind)
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def _text(body: Json) -> str:
    return json.dumps(body, sort_keys=True, default=str)
