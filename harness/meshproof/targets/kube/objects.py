"""Reading and writing objects of any kind, each request with a limit and its refusal in words."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import urllib3.exceptions as transport
from kubernetes.client import ApiClient
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import DynamicApiError

from meshproof.errors import TargetError
from meshproof.targets.kube.api.refusal import TRANSIENT, RefusedError, UnreachableError, refusal, unreachable
from meshproof.targets.kube.hints import Shown, unnamed

MANAGER = "meshproof"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
PAGE = 500
REPEATS = 3
PAUSE = 0.2
NAMESPACE = re.compile(r"/namespaces/([^/]+)")

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind as the cluster serves it: `plural` is its name in paths."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "") -> str:
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        where = f"/namespaces/{quote(namespace, safe='')}" if self.namespaced and namespace else ""
        return f"{root}{where}/{self.plural}" + (f"/{quote(name, safe='')}" if name else "")


class Objects:
    """The objects of one cluster; every method raises RefusedError for a no and UnreachableError for no answer.

    `shown` is how a person types a command of kubectl for this cluster.
    """

    def __init__(self, api: ApiClient, timeout: float, shown: Shown = unnamed) -> None:
        self._dynamic = DynamicClient(api, discoverer=_Undiscovered)
        self._server = str(api.configuration.host)
        self._timeout = timeout
        self.shown = shown
        self._served: dict[str, dict[str, Kind]] = {}
        self._versions: dict[str, tuple[str, ...]] = {}

    async def kind(self, api_version: str, kind: str) -> Kind:
        """How the cluster serves a kind; TargetError when it does not."""
        found = (await self._kinds(api_version)).get(kind)
        if found is None:
            # A CRD may have been installed since.
            self._served.pop(api_version, None)
            found = (await self._kinds(api_version)).get(kind)
        if found is None:
            others = await self.served(api_version.rpartition("/")[0], kind)
            hint = f"it serves it as {', '.join(others)}" if others else "is what defines it installed?"
            raise TargetError(f"the cluster knows no {kind} of {api_version}", hint)
        return found

    async def served(self, group: str, kind: str) -> tuple[str, ...]:
        """The apiVersions that a kind of a group is served in, the preferred one first."""
        versions = [f"{group}/{version}" for version in await self.versions(group)] if group else ["v1"]
        return tuple([version for version in versions if kind in await self._kinds(version)])

    async def versions(self, group: str) -> tuple[str, ...]:
        """The versions that an API group is served in, the preferred one first; none when it is not there."""
        if group not in self._versions:
            try:
                told = await self.raw(f"/apis/{group}", what=f"reading which versions of {group} are served")
            except RefusedError as error:
                if error.status == 404:
                    return ()
                raise
            self._versions[group] = tuple(version["version"] for version in told.get("versions", ()))
        return self._versions[group]

    async def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Json | None:
        """The object, or None when there is none."""
        path = (await self.kind(api_version, kind)).path(namespace, name)
        try:
            return await self.raw(path, what=f"reading {_named(kind, namespace, name)}")
        except RefusedError as error:
            if error.status == 404:
                return None
            raise

    async def list(
        self, api_version: str, kind: str, namespace: str = "", *, labels: str = "", fields: str = ""
    ) -> Sequence[Json]:
        """The objects of a namespace, or of all; `labels` and `fields` are selectors."""
        path = (await self.kind(api_version, kind)).path(namespace)
        where = f" of namespace {namespace}" if namespace else ""
        items: list[Json] = []
        page = ""
        while True:
            given = {"labelSelector": labels, "fieldSelector": fields, "limit": str(PAGE), "continue": page}
            query = [(key, value) for key, value in given.items() if value]
            told = await self.raw(path, what=f"listing {kind}s{where}", query=query)
            items += [{"apiVersion": api_version, "kind": kind, **item} for item in told.get("items") or ()]
            page = (told.get("metadata") or {}).get("continue") or ""
            if not page:
                return items

    async def create(self, body: Mapping[str, Any]) -> Json:
        """Create an object that must not exist."""
        kind, namespace, name = await self._place(body)
        what = f"creating {_named(kind.kind, namespace, name)}"
        query = [("fieldManager", MANAGER)]
        return await self.raw(kind.path(namespace), "POST", body=body, query=query, what=what)

    async def apply(self, body: Mapping[str, Any], *, dry_run: bool = False) -> Json:
        """Server-side apply: the fields given are this program's, those of others are not taken from them."""
        kind, namespace, name = await self._place(body)
        query = [("fieldManager", MANAGER), ("fieldValidation", "Strict")] + ([("dryRun", "All")] if dry_run else [])
        what = f"applying {_named(kind.kind, namespace, name)}"
        return await self.raw(kind.path(namespace, name), "PATCH", body=body, query=query, content=APPLY, what=what)

    async def merge(
        self, api_version: str, kind: str, name: str, patch: Mapping[str, Any], namespace: str = ""
    ) -> Json:
        """Change some fields of an object (JSON merge patch)."""
        path = (await self.kind(api_version, kind)).path(namespace, name)
        what = f"changing {_named(kind, namespace, name)}"
        query = [("fieldManager", MANAGER)]
        return await self.raw(path, "PATCH", body=patch, query=query, content=MERGE, what=what)

    async def delete(
        self, api_version: str, kind: str, name: str, namespace: str = "", *, uid: str = "", propagation: str = ""
    ) -> bool:
        """Delete an object, only that of `uid` if given; False when it is gone already or is another one."""
        path = (await self.kind(api_version, kind)).path(namespace, name)
        body: Json = {"apiVersion": "v1", "kind": "DeleteOptions"}
        body |= {"preconditions": {"uid": uid}} if uid else {}
        body |= {"propagationPolicy": propagation} if propagation else {}
        try:
            await self.raw(path, "DELETE", body=body, what=f"deleting {_named(kind, namespace, name)}")
        except RefusedError as error:
            if error.status == 404 or (error.status == 409 and uid and "uid" in error.words.lower()):
                return False
            raise
        return True

    async def allowed(self, verb: str, resource: str, namespace: str = "", group: str = "", sub: str = "") -> bool:
        """Whether this user may do it (a SelfSubjectAccessReview, which every user may ask for)."""
        attributes = {"verb": verb, "resource": resource, "group": group, "namespace": namespace, "subresource": sub}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        told = await self.raw(path, "POST", body=body, what="asking what this user may do")
        return bool(told.get("status", {}).get("allowed"))

    async def raw(
        self,
        path: str,
        method: str = "GET",
        *,
        what: str,
        body: Mapping[str, Any] | None = None,
        query: Sequence[tuple[str, str]] = (),
        content: str = "application/json",
    ) -> Json:
        """The JSON that a request is answered with; `what` says in an error what it was for."""

        def ask() -> bytes:
            try:
                answer = self._dynamic.request(
                    method.lower(),
                    path,
                    body=body,
                    query_params=list(query),
                    content_type=content,
                    serialize=False,
                    _request_timeout=self._timeout,
                )
            except DynamicApiError as error:
                refused = refusal(what, error.status, error.body, namespace=_about(path), shown=self.shown)
                refused.after = _seconds(error.headers)
                raise refused from None
            except (transport.HTTPError, OSError) as error:
                raise unreachable(what, self._server, error, f"look: {self.shown('cluster-info')}") from None
            return bytes(answer.data)

        data = await self._repeated(ask)
        try:
            told = json.loads(data)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            shown = data[:200].decode(errors="replace")
            raise TargetError(f"{what}: {self._server} does not answer as an API server does", shown)
        return told

    async def _repeated(self, ask: Callable[[], bytes]) -> bytes:
        """What a request is answered with, made again where that may help: within the limit of one answer.

        All of them may be repeated: applies are idempotent, deletions name a uid, creations say AlreadyExists.
        """
        deadline = time.monotonic() + self._timeout
        for number in itertools.count():
            try:
                return await asyncio.to_thread(ask)
            except RefusedError as error:
                pause = max(error.after, PAUSE * 2**number)
                if error.status not in TRANSIENT or number == REPEATS or time.monotonic() >= deadline:
                    raise
            except UnreachableError:
                pause = PAUSE * 2**number
                if number == REPEATS or time.monotonic() >= deadline:
                    raise
            # Whatever it asks for: nobody waits longer for an answer than that.
            await asyncio.sleep(max(0.0, min(pause, deadline - time.monotonic())))
        raise AssertionError

    async def _kinds(self, api_version: str) -> dict[str, Kind]:
        if api_version not in self._served:
            path = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
            try:
                told = await self.raw(path, what=f"reading what {api_version} has")
            except RefusedError as error:
                if error.status == 404:
                    return {}
                raise
            self._served[api_version] = {
                one["kind"]: Kind(api_version, one["kind"], one["name"], bool(one["namespaced"]))
                for one in told.get("resources") or ()
                if "/" not in one["name"]
            }
        return self._served[api_version]

    async def _place(self, body: Mapping[str, Any]) -> tuple[Kind, str, str]:
        kind = await self.kind(str(body["apiVersion"]), str(body["kind"]))
        metadata = body["metadata"]
        namespace = str(metadata.get("namespace", ""))
        if kind.namespaced and not namespace:
            raise ValueError(f"{kind.kind} {metadata['name']} names no namespace")
        return kind, namespace, str(metadata["name"])


@dataclass(slots=True)
class _Undiscovered:
    """DynamicClient's own discovery reads everything that a cluster serves; here only what is used is."""

    client: Any
    cache_file: Any = field(default=None)


def _about(path: str) -> str:
    """The namespace that a path is about; empty when it is none."""
    found = NAMESPACE.search(path)
    return found[1] if found else ""


def _seconds(headers: Any) -> float:
    """What Retry-After says in seconds; 0 where it is a date, or is not there."""
    given = (headers or {}).get("Retry-After", "")
    return float(given) if str(given).isdecimal() else 0.0


def _named(kind: str, namespace: str, name: str) -> str:
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
