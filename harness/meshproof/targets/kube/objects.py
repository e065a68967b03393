"""Reading and writing objects of any kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from meshproof.targets.kube.api.refusal import RefusedError
from meshproof.targets.kube.api.requests import Json
from meshproof.targets.kube.api.served import Kind, ServedKinds

MANAGER = "meshproof"
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
PAGE = 500

__all__ = ["Json", "Objects"]


class Objects(ServedKinds):
    """The objects of one cluster.

    Every method raises RefusedError when the API server refuses, UnreachableError when it does not answer.
    """

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
            body = await self.raw(path, what=f"listing {kind}s{where}", query=query)
            items += [{"apiVersion": api_version, "kind": kind, **item} for item in body.get("items") or ()]
            page = (body.get("metadata") or {}).get("continue") or ""
            if not page:
                return items

    async def create(self, body: Mapping[str, Any]) -> Json:
        """Create an object that must not exist."""
        kind, namespace, name = await self._address(body)
        what = f"creating {_named(kind.kind, namespace, name)}"
        query = [("fieldManager", MANAGER)]
        return await self.raw(kind.path(namespace), "POST", body=body, query=query, what=what)

    async def apply(self, body: Mapping[str, Any], *, dry_run: bool = False) -> Json:
        """Server-side apply: this program owns the fields given, and fields that others own are a conflict."""
        kind, namespace, name = await self._address(body)
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
        """Whether this user may do it (a SelfSubjectAccessReview, which every user may create)."""
        attributes = {"verb": verb, "resource": resource, "group": group, "namespace": namespace, "subresource": sub}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
        }
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        review = await self.raw(path, "POST", body=body, what="asking what this user may do")
        return bool(review.get("status", {}).get("allowed"))

    async def _address(self, body: Mapping[str, Any]) -> tuple[Kind, str, str]:
        """An object's kind, namespace and name."""
        kind = await self.kind(str(body["apiVersion"]), str(body["kind"]))
        metadata = body["metadata"]
        namespace = str(metadata.get("namespace", ""))
        if kind.namespaced and not namespace:
            raise ValueError(f"{kind.kind} {metadata['name']} names no namespace")
        return kind, namespace, str(metadata["name"])


def _named(kind: str, namespace: str, name: str) -> str:
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"
