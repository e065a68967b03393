"""What of a configuration stock Envoy has: extensions that it has not are left out with what they stand in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import descriptor_pool

from meshproof.envoy.istiod import messages as messages
from meshproof.envoy.resource_types import PREFIX

Json = dict[str, Any]

TYPED = "typed_config"
# Written for people who watch, and decides nothing.
UNSERVED = frozenset({"access_log", "tracing"})


def is_known(typed: Json) -> bool:
    """Whether the message of a typed configuration is one that stock Envoy's API has."""
    name = str(typed.get("@type", "")).removeprefix(PREFIX)
    try:
        descriptor_pool.Default().FindMessageTypeByName(name)
    except KeyError:
        return False
    return True


def known(value: Any) -> Any:
    """A document without the extensions that stock Envoy has not."""
    if isinstance(value, Mapping):
        return {name: known(inner) for name, inner in value.items() if name not in UNSERVED and not _is_unknown(inner)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [known(one) for one in value if not _is_unknown(one)]
    return value


def _is_unknown(value: Any) -> bool:
    """Whether it is an extension that is not known, or a mapping of names to typed messages that are not."""
    if not isinstance(value, Mapping):
        return False
    if "@type" in value:
        return not is_known(dict(value))
    return TYPED in value and not is_known(value[TYPED])
