"""The manifests whose meaning is compared with istiod's: every scenario's every stage, and the golden cases."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from airgap.programs import HERE
from meshproof.border.verdict import Precision
from meshproof.manifest import Resource, load
from meshproof.run.discover import scenarios
from meshproof.run.prepare import prepare
from meshproof.targets.kube.wanted import plain

GOLDEN = HERE.parent / "golden"
# Workloads are no part of the comparison, and their images are not available here.
LEFT_OUT = frozenset({"Deployment"})
NAMESPACE = "default"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One mesh: `group` names the file that it is kept in."""

    group: str
    name: str
    documents: tuple[Json, ...]

    @property
    def applied(self) -> list[Json]:
        return [one for one in self.documents if one["kind"] not in LEFT_OUT]

    @property
    def services(self) -> set[str]:
        """The full names of its Services."""
        places = [one["metadata"] for one in self.documents if one["kind"] == "Service"]
        return {f"{one['name']}.{one['namespace']}.svc.cluster.local" for one in places}

    @property
    def selectors(self) -> list[dict[str, str]]:
        return [one["spec"]["selector"] for one in self.documents if one["kind"] == "Gateway"]


def cases() -> Iterator[Case]:
    """All of them, of those with the same manifests the first."""
    seen: set[str] = set()
    for case in (*_scenarios(), *_golden()):
        text = json.dumps(case.documents, sort_keys=True)
        if text not in seen:
            seen.add(text)
            yield case


def _scenarios() -> Iterator[Case]:
    for found in scenarios():
        prepared = prepare(found.scenario, found.folder, Precision())
        for number, stage in enumerate(prepared.stages):
            name = prepared.name if len(prepared.stages) == 1 else f"{prepared.name}.{number}"
            yield Case(found.folder.name, name, _documents(stage.specified))


def _golden() -> Iterator[Case]:
    for path in sorted(GOLDEN.glob("*.in.yaml")):
        yield Case("golden", path.name.removesuffix(".in.yaml"), _documents(load([str(path)]).resources))


def _documents(resources: Sequence[Resource]) -> tuple[Json, ...]:
    documents = []
    for resource in resources:
        document = plain(resource.body)
        document["metadata"]["namespace"] = resource.namespace
        documents.append(document)
    return tuple(documents)
