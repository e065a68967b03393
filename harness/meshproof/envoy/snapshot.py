"""All of one proxy's configuration, immutable and checked: the unit that is handed to Envoy."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message

from meshproof.envoy import resource_types as types
from meshproof.envoy.unit import Json
from meshproof.errors import TargetError

REDACTED = "[redacted]"
SENSITIVE = frozenset({"inline_bytes"})


class SnapshotError(TargetError):
    """A configuration that refers to what is not in it: a fault of the translation, never of the manifests."""


@dataclass(frozen=True)
class Snapshot:
    """Resources by type URL, then by name; `version` is a hash of their content.

    `dangling` names the clusters that routes may refer to though they do not exist, because the
    manifests leave them undefined: Istio accepts that and answers 503.
    """

    version: str
    resources: Mapping[str, Mapping[str, Message]] = field(repr=False)
    dangling: frozenset[str] = frozenset()

    def of(self, type_url: str) -> Mapping[str, Message]:
        """The resources of one type."""
        return self.resources.get(type_url, {})

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
        problems = list(dangling_references(self))
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


def snapshot(resources: Mapping[str, Iterable[Json]], dangling: Iterable[str] = ()) -> Snapshot:
    """Build a snapshot from resources in protobuf's JSON; SnapshotError for a field that Envoy does not have."""
    kept = {url: {str(one[types.KEYS[url]]): one for one in given} for url, given in resources.items()}
    parsed: dict[str, dict[str, Message]] = {}
    for url, named in kept.items():
        parsed[url] = {}
        for name, content in named.items():
            try:
                parsed[url][name] = json_format.ParseDict(content, types.MESSAGES[url]())
            except json_format.ParseError as error:
                raise SnapshotError(f"{types.PLURALS[url]} {name}: not what Envoy understands", str(error)) from None
    text = json.dumps(kept, sort_keys=True).encode()
    return Snapshot(hashlib.sha256(text).hexdigest()[:16], parsed, frozenset(dangling))


def under(value: Any, wanted: str) -> Iterator[Any]:
    """Every value in a JSON document that stands under the key `wanted`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == wanted:
                yield inner
            yield from under(inner, wanted)
    elif isinstance(value, list):
        for inner in value:
            yield from under(inner, wanted)


def routed_clusters(table: Json) -> Iterator[str]:
    """The clusters that a route configuration leads to, mirrors included."""
    for action in under(table, "route"):
        if "cluster" in action:
            yield action["cluster"]
        yield from (one["name"] for one in action.get("weighted_clusters", {}).get("clusters", ()))
        yield from (one["cluster"] for one in action.get("request_mirror_policies", ()))


def connected_clusters(listener: Json) -> Iterator[str]:
    """The clusters that a listener itself passes connections on to."""
    for chain in listener.get("filter_chains", ()):
        for one in chain.get("filters", ()):
            action = one.get("typed_config", {})
            if "cluster" in action:
                yield action["cluster"]
            yield from (each["name"] for each in action.get("weighted_clusters", {}).get("clusters", ()))


def secret_names(listener: Json) -> Iterator[str]:
    for several in under(listener, "tls_certificate_sds_secret_configs"):
        yield from (one["name"] for one in several)
    yield from (one["name"] for one in under(listener, "validation_context_sds_secret_config"))


def dangling_references(subject: Snapshot) -> Iterator[str]:
    for name, message in subject.of(types.ROUTE).items():
        for cluster in routed_clusters(plain(message)):
            if cluster not in subject.clusters and cluster not in subject.dangling:
                yield f"route configuration {name} refers to cluster {cluster}, which does not exist"
    for name, message in subject.listeners.items():
        document = plain(message)
        for rds in under(document, "rds"):
            if rds["route_config_name"] not in subject.of(types.ROUTE):
                yield f"listener {name} refers to route configuration {rds['route_config_name']}, which does not exist"
        for cluster in connected_clusters(document):
            if cluster not in subject.clusters and cluster not in subject.dangling:
                yield f"listener {name} refers to cluster {cluster}, which does not exist"
        for secret in secret_names(document):
            if secret not in subject.of(types.SECRET):
                yield f"listener {name} refers to secret {secret}, which does not exist"
    for name, message in subject.clusters.items():
        document = plain(message)
        assignment = document.get("eds_cluster_config", {}).get("service_name", name)
        if document.get("type") == "EDS" and assignment not in subject.of(types.ENDPOINT):
            yield f"cluster {name} has no endpoint assignment {assignment}"
