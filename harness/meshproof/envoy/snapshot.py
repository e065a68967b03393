"""All of one proxy's configuration, immutable and checked: the unit that is handed to Envoy."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from meshproof.envoy import resource_types as types
from meshproof.envoy.resource import Resource, SnapshotError
from meshproof.envoy.unit import Json
from meshproof.records import dataclass

REDACTED = "[redacted]"
SENSITIVE = frozenset({"inline_bytes"})


@dataclass(frozen=True)
class Snapshot:
    """Resources by type URL, then by name; `version` is a hash of their content.

    `dangling` names the clusters that routes may refer to though they do not exist, because the
    manifests leave them undefined: Istio accepts that and answers 503.
    """

    version: str
    resources: Mapping[str, Mapping[str, Resource]] = field(repr=False)
    dangling: frozenset[str] = frozenset()

    def named(self, type_url: str) -> Mapping[str, Resource]:
        """The resources of one type by name, encoded."""
        return self.resources.get(type_url, {})

    def of(self, type_url: str) -> Mapping[str, Message]:
        """The messages of one type by name, decoded: for people and tests."""
        return {name: one.message for name, one in self.named(type_url).items()}

    @property
    def listeners(self) -> Mapping[str, Message]:
        return self.of(types.LISTENER)

    @property
    def clusters(self) -> Mapping[str, Message]:
        return self.of(types.CLUSTER)

    def document(self) -> Json:
        """The snapshot as plain JSON, for people and golden files; private keys are left out."""
        kinds = {name: [redacted(plain(m)) for m in self.of(url).values()] for url, name in types.PLURALS.items()}
        return {**kinds, "dangling": sorted(self.dangling)}

    def check(self) -> None:
        """Raise SnapshotError that lists every reference without its resource."""
        problems = [problem(one, *reference) for one, reference in unresolved(self.resources, self.dangling)]
        if problems:
            raise SnapshotError("the translated configuration is not whole", "\n".join(problems))


def plain(message: Message) -> Json:
    """A message as JSON with the field names of Envoy's documentation."""
    document: Json = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return document


def redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: REDACTED if key in SENSITIVE else redacted(inner) for key, inner in value.items()}
    return [redacted(inner) for inner in value] if isinstance(value, list) else value


def snapshot(resources: Mapping[str, Iterable[Resource]], dangling: Iterable[str] = ()) -> Snapshot:
    """Build a snapshot; of two resources of one type and name the last counts."""
    kept = {url: {one.name: one for one in given} for url, given in resources.items()}
    version = hashlib.sha256()
    for url in sorted(kept):
        version.update(b"".join(kept[url][name].content for name in sorted(kept[url])))
    return Snapshot(version.hexdigest()[:16], kept, frozenset(dangling))


def unresolved(
    resources: Mapping[str, Mapping[str, Resource]], dangling: frozenset[str] = frozenset()
) -> Iterator[tuple[Resource, tuple[str, str]]]:
    """Every reference without its resource, with the resource that has it."""
    for url in types.REFERRING:
        for one in resources.get(url, {}).values():
            for kind, name in one.references:
                if name not in resources.get(kind, ()) and not (kind == types.CLUSTER and name in dangling):
                    yield one, (kind, name)


def problem(one: Resource, kind: str, name: str) -> str:
    """What is missing, for people."""
    if kind == types.ENDPOINT:
        return f"{types.SINGULARS[one.type_url]} {one.name} has no endpoint assignment {name}"
    return f"{types.SINGULARS[one.type_url]} {one.name} refers to {types.SINGULARS[kind]} {name}, which does not exist"
