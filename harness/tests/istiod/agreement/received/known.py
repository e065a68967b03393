"""What is known of a request by the manifests alone, beside what became of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meshproof.border.request import Request
from meshproof.border.source import Source, source
from meshproof.manifest import load
from meshproof.manifest.resource import Manifests
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.coverage.dependencies import Dependencies
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.coverage.received import let_in
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.prediction import predict

Json = dict[str, Any]

POLICY = "AuthorizationPolicy"
LET_IN, REFUSED = 200, 403


@dataclass(frozen=True)
class Outcome:
    """What became of a request, and what is known of it.

    It is `untouched` where no policy costs its proof; `others` are kinds of objects that do.
    """

    request: Request
    client: Source
    real: int
    predicted: bool | None
    untouched: bool
    others: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.request} from {self.client}: {self.real}, known {self.predicted} {self.others}"


def applied(objects: Sequence[Json]) -> Manifests:
    """The manifests of a mesh that was drawn."""
    text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    return load((), contents=[("drawn.json", text.encode())], strict=False)


def known(mesh: Mesh, dependencies: Dependencies, request: Request, client: Source, real: int) -> Outcome:
    """What is known of a request that came to pods, or was to."""
    expected = predict(mesh, request, client)
    found = facts(mesh, expected, client)
    kinds = {one.kind for one in dependencies.touching(found)}
    others = (*sorted(kinds - {POLICY}), *([expected.undecided] if expected.undecided else []))
    return Outcome(request, client, real, let_in(mesh, found), POLICY not in kinds, others)


def wrong(several: Iterable[Outcome]) -> Iterator[str]:
    """What is said of a request for certain, and is not so; of what depends on anything else nothing is said."""
    for one in several:
        is_let_in = one.real == LET_IN
        if one.predicted is False and is_let_in:
            yield f"known to be refused, and let in: {one}"
        if not one.others and not is_let_in and (one.predicted or one.untouched):
            yield f"known to be let in, and refused: {one}"


def write(path: Path, several: Iterable[tuple[Sequence[Json], Sequence[Outcome]]]) -> None:
    """Keep meshes with what became of their requests, a line each."""
    lines = (json.dumps({"manifests": objects, "sent": [*map(_written, sent)]}) for objects, sent in several)
    path.write_bytes(gzip.compress("".join(f"{one}\n" for one in lines).encode(), mtime=0))


def read(path: Path) -> Iterator[list[Outcome]]:
    """What became of the requests of each mesh that was kept, beside what is known of them now."""
    for line in gzip.decompress(path.read_bytes()).splitlines():
        kept = json.loads(line)
        mesh = build_all(applied(kept["manifests"])).mesh
        dependencies = Dependencies(mesh, mesh.unmodelled)
        yield [known(mesh, dependencies, *_read(one)) for one in kept["sent"]]


def _written(one: Outcome) -> list[Any]:
    request = one.request
    sent = [request.method, request.host, request.port, request.path, request.headers, request.scheme]
    return [*sent, one.client.namespace, one.client.labels, one.real]


def _read(row: list[Any]) -> tuple[Request, Source, int]:
    method, host, port, path, headers, scheme, namespace, labels, real = row
    pairs = tuple((name, value) for name, value in headers)
    return Request(method, host, port, path, pairs, scheme), source(namespace, labels), real
