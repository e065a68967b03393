"""An object that is to be in force, and where in a manifest it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from meshproof.errors import Location, ManifestError, Problem
from meshproof.manifest import Resource, Value
from meshproof.manifest.plain import plain
from meshproof.records import dataclass
from meshproof.targets.kube.api.refusal import RefusedError

STEP = re.compile(r"[^.\[\]]+")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """`body` is the whole object, its namespace included; `source` is its resource in a manifest, if it has one."""

    body: Json
    source: Resource | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """The object's identity: kind, namespace, name."""
        metadata = self.body["metadata"]
        return str(self.body["kind"]), str(metadata.get("namespace", "")), str(metadata["name"])

    def __str__(self) -> str:
        kind, namespace, name = self.key
        return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"

    def refused(self, error: RefusedError) -> Exception:
        """The error with the line of the manifest that the API server refuses; `error` itself where there is none."""
        if self.source is None or not error.about_the_object:
            return error
        named = error.causes or (("", error.words),)
        return ManifestError(
            *(
                Problem(_location(self.source.body, path), f"the cluster refuses {self}: {message}", path)
                for path, message in named
            )
        )


def wanted(resource: Resource) -> Wanted:
    """A manifest's resource as it is sent to a cluster."""
    body = plain(resource.body)
    metadata = {**body["metadata"], "name": resource.name}
    metadata |= {"namespace": resource.namespace} if resource.namespace else {}
    return Wanted({**body, "metadata": metadata}, resource)


def _location(value: Value, path: str) -> Location:
    """The location of a field such as `spec.http[0].route`, or of the nearest field above it."""
    for step in STEP.findall(path):
        if isinstance(value.data, Mapping) and step in value.data:
            value = value.data[step]
        elif isinstance(value.data, tuple) and step.isdecimal() and int(step) < len(value.data):
            value = value.data[int(step)]
        else:
            break
    return value.location
