"""YAML as plain data, for documents of which no place is asked for later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meshproof.manifest.compose import compose
from meshproof.manifest.value import Value


def plain(value: Value) -> Any:
    """Mappings, lists and scalars as Python has them."""
    if isinstance(value.data, Mapping):
        return {name: plain(item) for name, item in value.data.items()}
    if isinstance(value.data, tuple):
        return [plain(item) for item in value.data]
    return value.data


def only_document(text: str, file: str) -> Any:
    """The one document of a text, None without any; ManifestError for what is no YAML, ValueError for several."""
    documents = list(compose(text, file))
    if len(documents) > 1:
        raise ValueError("more than one document")
    return plain(documents[0]) if documents else None
