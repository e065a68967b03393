"""What is predicted of a request is the same of the whole mesh and of the part that it can meet, for random meshes.

MESHPROOF_DIFFERENTIAL_MESHES sets how many meshes are compared, MESHPROOF_DIFFERENTIAL_FIRST the number of the first.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
import yaml
from differential_manifests import manifests
from differential_requests import request
from differential_site import CLIENT_LABELS
from meshproof.border.expectation import Expectation
from meshproof.border.request import Request
from meshproof.border.source import source
from meshproof.manifest import load
from meshproof.manifest.load import Choice
from meshproof.mesh.build.assemble import build
from meshproof.mesh.coverage.asked import asked
from meshproof.mesh.coverage.reachable import reachable
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.answerable import why_unanswered
from test_differential import FIRST, MESHES, TOGETHER

REQUESTS = 6
# Nothing leads there: without it a request may well meet all of a small mesh.
BYSTANDER = """---
apiVersion: v1
kind: Service
metadata: {name: bystander}
spec: {selector: {app: bystander}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: bystander}
spec:
  selector: {matchLabels: {app: bystander}}
  template: {metadata: {labels: {app: bystander}}, spec: {containers: [{name: c, image: i}]}}
"""


def part_of_the_model(_text: str, mesh: Mesh, one: Request) -> Mesh:
    return reachable(mesh, [one], "default")


def part_of_the_documents(text: str, _mesh: Mesh, one: Request) -> Mesh:
    return built(text, asked([one]))


def built(text: str, choose: Choice | None = None) -> Mesh:
    return build(load(["-"], stdin=io.StringIO(text), choose=choose).resources).mesh


def expected(mesh: Mesh, one: Request) -> Expectation:
    # Which Services of a port are known is told in the note, and which may have been meant with the destination.
    found = predict(mesh, one, source("default", CLIENT_LABELS))
    return replace(found, note="", looked_at=(), arms=tuple(replace(arm, meant="") for arm in found.arms))


PARTS = (part_of_the_model, part_of_the_documents)


@pytest.mark.parametrize("first", range(FIRST, FIRST + MESHES, TOGETHER))
def test_the_part_of_a_mesh_that_a_request_can_meet_answers_it_as_the_whole_does(first: int) -> None:
    smaller = Counter[Callable[[str, Mesh, Request], Mesh]]()
    for number in range(first, min(first + TOGETHER, FIRST + MESHES)):
        draw = Random(number)
        text = yaml.safe_dump_all(manifests(draw), sort_keys=False) + BYSTANDER
        mesh = built(text)
        for one in [request(draw, mesh) for _ in range(REQUESTS)]:
            whole = expected(mesh, one)
            for part_of in PARTS:
                part = part_of(text, mesh, one)
                # What nothing in these documents answers is looked up in all there are.
                told = predict(part, one, source("default", CLIENT_LABELS))
                if part_of is part_of_the_documents and why_unanswered(part, told, "default"):
                    continue
                assert expected(part, one) == whole, f"mesh {number}, {one}: {part_of.__name__}"
                smaller[part_of] += len(part.services) + len(part.workloads) < len(mesh.services) + len(mesh.workloads)
    assert all(smaller[part_of] for part_of in PARTS)
