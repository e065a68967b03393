"""A certificate's file as plain data. Whoever sent it may have written anything into it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from meshproof.bounded import read_given
from meshproof.errors import UsageError
from meshproof.report.certificate.document import API_VERSION, KIND

LARGEST = 64 << 20
DEEPEST = 32


def content(file: Path) -> bytes:
    """The bytes of a file, 64 MB at most; raises UsageError."""
    return read_given(file, LARGEST, "certificate")


def certificate(data: bytes, name: str) -> dict[str, Any]:
    """The certificate in a file, JSON or YAML; raises UsageError, which names the file."""
    try:
        text = data.decode()
        found = json.loads(text) if text.lstrip().startswith("{") else _yaml(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or (found.get("apiVersion"), found.get("kind")) != (API_VERSION, KIND):
        raise UsageError(f"{name}: no certificate ({KIND} of {API_VERSION})")
    return found


def _yaml(text: str) -> Any:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        for event in yaml.parse(text, Loader=loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > DEEPEST or getattr(event, "anchor", None):
                raise ValueError("aliases, which could stand for very much, and deep nesting are in no certificate")
        return yaml.load(text, Loader=loader)  # noqa: S506
    except yaml.YAMLError:
        raise ValueError("no YAML") from None
