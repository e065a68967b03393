"""A request that is named reads a part of a folder, and finds what it would find in the whole of it.

It needs no istiod, and stands here for the meshes that are drawn (tox -e istiod).
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest
import yaml
from cases import Case, of_istio, of_this_project
from generated import SEED, generated, of_kinds, together
from meshproof.border.request import Request
from meshproof.border.source import source
from meshproof.errors import MeshproofError
from meshproof.explain.explained import explain
from meshproof.explain.explanation import Explanation
from meshproof.explain.folder import read
from meshproof.mesh.requests.samples import sample_requests
from sides import sides

pytestmark = pytest.mark.skipif(not os.environ.get("MESHPROOF_ISTIOD_AGREEMENT"), reason="minutes: tox -e istiod")
DRAWN_BY = int(os.environ.get("MESHPROOF_ISTIOD_SEED", SEED))
OF_EACH, LEAST = 4, 1500
CLIENT = source("default")
# What such pods send is told of them all where the folder has any rule, be it for other hosts.
OF_ALL_PODS = "its pods are in ambient mode"


def explained(text: str, request: Request, *, whole: bool) -> Explanation:
    contents = [("mesh.yaml", text.encode())]
    found = read(["mesh.yaml"], request, namespace="default", gateway=request.gateway, contents=contents, whole=whole)
    told = explain(found.built, found.request, found.source)
    parts = tuple(one for one in told.unmodelled if OF_ALL_PODS not in one.says)
    return replace(told, unmodelled=parts, notices=(), elsewhere=(), beside=())


def asked(case: Case) -> Iterator[Request]:
    try:
        several = list(sample_requests(sides(case).built.mesh, CLIENT)[0])
    except MeshproofError:
        return
    random.Random(DRAWN_BY).shuffle(several)
    yield from several[:OF_EACH]


def test_a_part_of_a_folder_says_what_the_whole_says() -> None:
    drawn = (*generated(300, DRAWN_BY), *of_kinds(300, DRAWN_BY), *together(100, DRAWN_BY))
    cases = [*of_this_project(), *of_istio(), *drawn]
    random.Random(DRAWN_BY).shuffle(cases)
    held, different = 0, []
    for case in cases[:800]:
        text = "---\n".join(yaml.safe_dump(dict(one)) for one in case.objects)
        for request in asked(case):
            try:
                part, whole = (explained(text, request, whole=one) for one in (False, True))
            except MeshproofError:
                # Refused as it stands, by both or by the whole alone: there is nothing to compare.
                continue
            held += 1
            if part != whole:
                different.append(f"{case.name} {request}")
    assert different == []
    assert held >= LEAST
