"""A run's own namespace: created, recognised as this run's, and deleted however the run ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import field

from meshproof.errors import TargetError
from meshproof.records import dataclass
from meshproof.targets.kube import access, ownership
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.api.refusal import RefusedError
from meshproof.targets.kube.objects import Json

INTERVAL = 0.25


def name_of(run: str) -> str:
    """The name of a run's namespace (a DNS label of at most 63 characters)."""
    return f"meshproof-{re.sub('[^a-z0-9]+', '-', run.lower()).strip('-')}"[:63].rstrip("-")


@dataclass(frozen=True, slots=True)
class Leftover:
    """A namespace that an earlier run left: `alive` when the process that made it still runs on this machine."""

    name: str
    run: str
    created: str
    owner: str
    alive: bool
    terminating: bool


@dataclass(slots=True)
class RunNamespace:
    """The namespace `name` of the run `run`; `labels` are set beside those that name its run."""

    cluster: Cluster
    name: str
    run: str
    labels: Mapping[str, str] = field(default_factory=dict)
    _uid: str = ""

    async def create(self) -> None:
        """Create it, with this user's rights in it; TargetError for one that exists and is not this run's."""
        body = {
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "name": self.name,
                "labels": {**self.labels, **ownership.labels(self.run)},
                "annotations": {ownership.OWNER: _owner()},
            },
        }
        objects = self.cluster.objects
        try:
            made = await objects.create(body)
        except RefusedError as error:
            if error.reason != "AlreadyExists":
                raise
            made = self._checked(await objects.get("v1", "Namespace", self.name) or {})
        self._uid = made["metadata"]["uid"]
        await access.grant(objects, self.name, self.run, self.cluster.timeouts.kube_access)

    async def label(self, labels: Mapping[str, str | None]) -> None:
        """Set labels of the namespace; None removes one."""
        self._checked(await self.cluster.objects.get("v1", "Namespace", self.name) or {})
        await self.cluster.objects.merge("v1", "Namespace", self.name, {"metadata": {"labels": dict(labels)}})

    async def delete(self) -> None:
        """Delete it and wait until it is gone; TargetError names what delays that."""
        await remove(self.cluster, self.name, self.run)

    def _checked(self, found: Json) -> Json:
        if (found.get("metadata") or {}).get("deletionTimestamp"):
            raise TargetError(f"namespace {self.name} is just being deleted", "wait until it is gone")
        if not ownership.owned(found, self.run):
            other = ownership.run_of(found)
            whose = f"belongs to run {other}" if other else "was not made by meshproof"
            raise TargetError(f"namespace {self.name} exists already and {whose}: it is not changed")
        return found


async def remove(cluster: Cluster, name: str, run: str) -> None:
    """Delete a namespace that the run made, and wait until it is gone."""
    found = await cluster.objects.get("v1", "Namespace", name)
    if found is None:
        return
    if not ownership.owned(found, run):
        raise TargetError(f"namespace {name} was not made by run {run}: it is not deleted")
    uid = found["metadata"]["uid"]
    # Deleting one that is being deleted is no error: it is only waited for.
    await cluster.objects.delete("v1", "Namespace", name, uid=uid)
    limit = cluster.timeouts.kube_gone
    deadline = time.monotonic() + limit
    while (found := await cluster.objects.get("v1", "Namespace", name)) and found["metadata"]["uid"] == uid:
        if time.monotonic() > deadline:
            look = cluster.kubectl.shown("get", "namespace", name, "-o", "yaml")
            stuck = "\n".join(_stuck(found) or ["nothing says why"])
            raise TargetError(f"namespace {name} is still being deleted after {limit:g} s", f"{stuck}\nlook: {look}")
        await asyncio.sleep(INTERVAL)


async def leftovers(cluster: Cluster) -> Sequence[Leftover]:
    """Namespaces of other runs, the oldest first."""
    found = await cluster.objects.list("v1", "Namespace", labels=ownership.selector())
    left = [_leftover(body) for body in found]
    return sorted(left, key=lambda one: one.created)


def _leftover(body: Json) -> Leftover:
    metadata = body["metadata"]
    owner = str((metadata.get("annotations") or {}).get(ownership.OWNER, ""))
    terminating = bool(metadata.get("deletionTimestamp"))
    created = str(metadata.get("creationTimestamp", ""))
    return Leftover(metadata["name"], ownership.run_of(body), created, owner, _alive(owner), terminating)


def _owner() -> str:
    return f"{socket.gethostname()}/{os.getpid()}"


def _alive(owner: str) -> bool:
    """Whether the process lives; one of another machine may, so it counts as alive."""
    host, _, number = owner.rpartition("/")
    if host != socket.gethostname():
        return bool(host)
    with contextlib.suppress(ProcessLookupError, ValueError):
        try:
            os.kill(int(number), 0)
        except PermissionError:
            return True
        return True
    return False


def _stuck(namespace: Json) -> list[str]:
    """What a namespace in deletion waits for, by its status and finalizers."""
    conditions = (namespace.get("status") or {}).get("conditions") or ()
    words = [str(one.get("message", "")) for one in conditions if one.get("status") == "True"]
    finalizers = (namespace.get("spec") or {}).get("finalizers") or []
    finalizers += namespace["metadata"].get("finalizers") or []
    return [word for word in words if word] + ([f"finalizers: {', '.join(finalizers)}"] if finalizers else [])
