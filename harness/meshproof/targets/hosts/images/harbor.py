"""Harbor's own API: whether its components are healthy, and whether the project exists.

https://goharbor.io/docs/2.0.0/working-with-projects/using-api-explorer/ ; Harbor 1.x has the same below /api.
"""

from __future__ import annotations

import urllib.parse

from meshproof.errors import TargetError
from meshproof.targets.hosts.images.registry import Registry

BASES = ("/api/v2.0", "/api")


async def base(registry: Registry) -> str:
    """The path of Harbor's API; empty when the registry is no Harbor. Raises TargetError for an unhealthy component."""
    for path in BASES:
        answer = await registry.ask(f"{path}/health")
        body = answer.json() if answer.status == 200 else None
        if not isinstance(body, dict) or not isinstance(body.get("components"), list):
            continue
        parts = [part for part in body["components"] if isinstance(part, dict)]
        unhealthy = [
            f"{part.get('name')}: {part.get('error') or part.get('status')}" for part in parts if _unhealthy(part)
        ]
        if unhealthy or body.get("status") != "healthy":
            raise TargetError(f"Harbor at {registry.host} is not healthy", "\n".join(unhealthy))
        return path
    return ""


def _unhealthy(part: dict[str, object]) -> bool:
    return part.get("status") != "healthy"


async def check_project(registry: Registry, api: str, project: str) -> None:
    """Check that `project` exists and Harbor accepts images; raises TargetError."""
    name = project.partition("/")[0]
    answer = await registry.ask(f"{api}/projects?{urllib.parse.urlencode({'project_name': name})}", method="HEAD")
    if answer.status in (401, 403):
        raise TargetError(registry.refusal())
    if answer.status == 404:
        raise TargetError(f"Harbor at {registry.host} has no project {name!r}: create it there, or name another hub")
    if answer.status != 200:
        raise TargetError(f"Harbor at {registry.host} answered {answer.status} when asked for the project {name!r}")
    body = (await registry.ask(f"{api}/systeminfo")).json()
    if isinstance(body, dict) and body.get("read_only") is True:
        raise TargetError(f"Harbor at {registry.host} is set to read only: an administrator must end that first")
