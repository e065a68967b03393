"""One resource, encoded: what is sent to a proxy, and what it refers to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from typing import Any

from google.protobuf.message import Message

from meshproof.envoy import resource_types as types
from meshproof.envoy.unit import Fields
from meshproof.errors import TargetError
from meshproof.records import dataclass

# The type URL and the name of a resource.
Reference = tuple[str, str]


class SnapshotError(TargetError):
    """A configuration that refers to what is not in it: a fault of the translation, never of the manifests."""


@dataclass(frozen=True, slots=True)
class Resource:
    """`content` is the encoded message; `references` are the other resources that it leads to, in order."""

    type_url: str
    name: str
    content: bytes = field(repr=False)
    references: tuple[Reference, ...] = field(default=(), repr=False)

    @property
    def message(self) -> Message:
        """The decoded message, made anew."""
        message: Message = types.MESSAGES[self.type_url].FromString(self.content)
        return message


def encoded(kind: Any, fields: Fields, what: str) -> bytes:
    """A message of the class `kind`, encoded; SnapshotError, naming `what`, for a field that Envoy does not have."""
    try:
        content: bytes = kind(**fields).SerializeToString(deterministic=True)
    except (TypeError, ValueError) as error:
        raise SnapshotError(f"{what}: not what Envoy understands", str(error)) from None
    return content


def packed(kind: Any, fields: Fields) -> Fields:
    """An extension's configuration, a message of the class `kind`, as protobuf's Any; SnapshotError as above."""
    name = kind.DESCRIPTOR.full_name
    return {"type_url": f"{types.PREFIX}{name}", "value": encoded(kind, fields, name)}


def resource(type_url: str, fields: Fields, references: Iterable[Reference] = ()) -> Resource:
    """A resource from the fields of its message; SnapshotError for a field that Envoy does not have."""
    name = str(fields[types.KEYS[type_url]])
    content = encoded(types.MESSAGES[type_url], fields, f"{types.PLURALS[type_url]} {name}")
    return Resource(type_url, name, content, tuple(references))
