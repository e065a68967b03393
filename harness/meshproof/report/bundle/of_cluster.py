"""The bundle of a live cluster, and the proxies' configuration in one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from meshproof.border.facts.captured import Captured, Dump
from meshproof.border.facts.provenance import Question
from meshproof.border.verdict import Precision
from meshproof.bounded import DEEPEST, read_json
from meshproof.errors import UsageError
from meshproof.report.bundle.index import PROXY, Bundle, LeftOut

OBJECTS = "manifests/cluster/specified-0.yaml"
NAME = "capture"


def of_cluster(captured: Captured, version: str) -> Bundle:
    """The bundle, as this `version` of meshproof makes it; the same for the same cluster."""
    files = {OBJECTS: captured.text}
    for number, one in enumerate(captured.dumps):
        files[f"proxies/{number}.json"] = (json.dumps(asdict(one), sort_keys=True) + "\n").encode()
    return Bundle(
        NAME,
        version,
        Question(captured.namespaces[0] if captured.namespaces else "", (), "", False, False),
        (),
        Precision(),
        0,
        OBJECTS,
        OBJECTS,
        files,
        LeftOut(dict(captured.left_out), captured.unread),
    )


def dumps(bundle: Bundle, name: str) -> Iterator[Dump]:
    """The proxies' configurations in a bundle, which may be a stranger's; raises UsageError."""
    for file, data in sorted(bundle.files.items()):
        if PROXY.match(file):
            yield _dump(data, f"{name}: {file}")


def _dump(data: bytes, place: str) -> Dump:
    try:
        found: Any = read_json(data, deepest=DEEPEST)
        labels, resources = found["labels"], found["resources"]
        words = [found["namespace"], found["pod"], *labels, *labels.values()]
        if not all(isinstance(one, str) for one in words) or not isinstance(found["gateway"], bool):
            raise TypeError
        return Dump(found["namespace"], found["pod"], labels, found["gateway"], _lists(resources))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{place}: is no configuration of a proxy as `meshproof capture` writes it") from None


def _lists(resources: Mapping[str, Any]) -> Mapping[str, Any]:
    for several in resources.values():
        if not isinstance(several, list) or not all(isinstance(one, dict) for one in several):
            raise TypeError
    return resources
