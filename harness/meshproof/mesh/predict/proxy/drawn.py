"""Values that a proxy writes and that nobody knows beforehand: request ids and addresses.

A condition on such a value is decided where every value there can be meets it, or none does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING
from uuid import UUID

from meshproof.mesh.model.virtual_service import MatchKind, StringMatch
from meshproof.records import dataclass

if TYPE_CHECKING:
    from random import Random

SAMPLES = 512


@dataclass(frozen=True, slots=True)
class Drawn:
    """A value that begins with `known` and ends with something of a `kind` (`id`, `address`, `certificate`)."""

    kind: str
    known: str = ""

    def meets(self, match: StringMatch, matches: Callable[[StringMatch, str], bool]) -> bool | None:
        """Whether it meets a condition; None where that cannot be told."""
        if match.kind is MatchKind.EXACT:
            rest = match.value.removeprefix(self.known)
            return None if match.value.startswith(self.known) and CAN_BE[self.kind](rest) else False
        found = {matches(match, self.known + value) for value in samples(self.kind)}
        return found.pop() if len(found) == 1 else None


@lru_cache(maxsize=8)
def samples(kind: str) -> tuple[str, ...]:
    """Many values of a kind, always the same."""
    from random import Random

    draw = Random(kind)  # noqa: S311
    return tuple(value for _ in range(SAMPLES) for value in MADE[kind](draw))


def _ids(draw: Random) -> Iterator[str]:
    yield str(UUID(int=draw.getrandbits(128), version=4))


def _addresses(draw: Random) -> Iterator[str]:
    yield str(IPv4Address(draw.getrandbits(32)))
    yield str(IPv6Address(draw.getrandbits(128)))
    yield from ("127.0.0.1", "::1", f"10.{draw.randrange(256)}.{draw.randrange(256)}.{draw.randrange(256)}")


def _certificates(draw: Random) -> Iterator[str]:
    digest = f"{draw.getrandbits(256):064x}"
    yield f'Hash={digest};Cert="-----BEGIN%20CERTIFICATE-----{digest}";Subject="CN=client";URI=;DNS=client.example'


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _is_address(text: str) -> bool:
    try:
        return str(ip_address(text)) == text
    except ValueError:
        return False


MADE: dict[str, Callable[[Random], Iterator[str]]] = {
    "id": _ids,
    "address": _addresses,
    "certificate": _certificates,
}
CAN_BE: dict[str, Callable[[str], bool]] = {
    "id": _is_id,
    "address": _is_address,
    "certificate": lambda text: text.startswith("Hash="),
}
