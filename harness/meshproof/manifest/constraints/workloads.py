"""How pods are replaced, and how long that may take.

Source: kubernetes/kubernetes pkg/apis/apps/validation/validation.go.
"""

from __future__ import annotations

import re

from meshproof.manifest.constraints.presence import EMPTY, Fields, content, inner
from meshproof.manifest.node import Content
from meshproof.manifest.schema import Broken, Constraint

NONE = re.compile("0+%?", re.ASCII)
DEFAULT_DEADLINE = 600


def _is_none(value: Content) -> bool:
    return value == 0 if isinstance(value, int) else isinstance(value, str) and NONE.fullmatch(value) is not None


def moving(fields: Fields) -> Broken | None:
    """A Deployment has more pods for a while, or fewer: else none is replaced."""
    if _is_none(content(fields, "maxSurge")) and _is_none(content(fields, "maxUnavailable")):
        return ("maxUnavailable",), "maxSurge and maxUnavailable are not both 0"
    return None


def moving_one_way(fields: Fields) -> Broken | None:
    """A DaemonSet has either more pods for a while, or fewer, which it has where nothing is said."""
    said = inner(fields, "rollingUpdate")
    if content(fields, "type") == "OnDelete" or not said:
        return None
    more, fewer = content(said, "maxSurge"), content(said, "maxUnavailable")
    surges, lacks = more is not None and not _is_none(more), fewer is None or not _is_none(fewer)
    if surges == lacks:
        why = "maxSurge needs maxUnavailable: 0" if surges else "maxSurge and maxUnavailable are not both 0"
        return ("rollingUpdate", "maxSurge" if surges else "maxUnavailable"), why
    return None


def rolling(other: str) -> Constraint:
    """What is said of rolling updates is said where there are some."""

    def check(fields: Fields) -> Broken | None:
        if content(fields, "type") == other and content(fields, "rollingUpdate") is not None:
            return ("rollingUpdate",), f"rollingUpdate has no place beside type: {other}"
        return None

    return check


def in_time(fields: Fields) -> Broken | None:
    """Pods are ready before their Deployment has taken too long."""
    limit, ready = content(fields, "progressDeadlineSeconds"), content(fields, "minReadySeconds")
    least = ready if isinstance(ready, int) else 0
    most = DEFAULT_DEADLINE if limit is None else limit
    if isinstance(most, int) and most <= least:
        name = "minReadySeconds" if limit is None else "progressDeadlineSeconds"
        return (name,), f"progressDeadlineSeconds ({most}) must be more than minReadySeconds ({least})"
    return None


def claimed(fields: Fields) -> Broken | None:
    """What is claimed says how much of it."""
    size = content(inner(inner(fields, "resources"), "requests"), "storage")
    return ((), "{name} needs resources.requests.storage") if size in EMPTY else None
