"""Which kinds an API server serves, and in which versions: read when they are first needed."""

from __future__ import annotations

from urllib.parse import quote

from kubernetes.client import ApiClient

from meshproof.errors import TargetError
from meshproof.records import dataclass
from meshproof.targets.kube.api.refusal import RefusedError
from meshproof.targets.kube.api.requests import Requests
from meshproof.targets.kube.hints import Shown, unnamed


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind as the cluster serves it: `plural` is its name in paths."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str = "", name: str = "") -> str:
        """The path of an object, or of all objects of a namespace, or of the cluster."""
        where = f"/namespaces/{quote(namespace, safe='')}" if self.namespaced and namespace else ""
        return f"{_root(self.api_version)}{where}/{self.plural}" + (f"/{quote(name, safe='')}" if name else "")


class ServedKinds(Requests):
    """The kinds and versions that one API server serves."""

    def __init__(self, api: ApiClient, timeout: float, shown: Shown = unnamed) -> None:
        super().__init__(api, timeout, shown)
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
        """The versions that an API group is served in, the preferred one first; empty when the group is not served."""
        if group not in self._versions:
            try:
                body = await self.raw(f"/apis/{group}", what=f"reading which versions of {group} are served")
            except RefusedError as error:
                if error.status == 404:
                    return ()
                raise
            self._versions[group] = tuple(version["version"] for version in body.get("versions", ()))
        return self._versions[group]

    async def _kinds(self, api_version: str) -> dict[str, Kind]:
        if api_version not in self._served:
            try:
                body = await self.raw(_root(api_version), what=f"reading what {api_version} has")
            except RefusedError as error:
                if error.status == 404:
                    return {}
                raise
            self._served[api_version] = {
                one["kind"]: Kind(api_version, one["kind"], one["name"], bool(one["namespaced"]))
                for one in body.get("resources") or ()
                if "/" not in one["name"]
            }
        return self._served[api_version]


def _root(api_version: str) -> str:
    return f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
