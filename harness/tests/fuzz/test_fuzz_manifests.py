"""Manifests of every kind with odd values: a mesh and its findings, or errors with their places; never one of Python's.

What is odd in one object may cost that object, and no other.
"""

from __future__ import annotations

import io
import json
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml
from fuzz_data import ANY, ODD_TEXTS, altered, damaged
from hypothesis import given, settings
from hypothesis import strategies as st
from meshproof.errors import ManifestError, UsageError
from meshproof.intents.reading.read import read_intents
from meshproof.lint.lint import lint
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.build.stand_ins.needed import StandingIn
from meshproof.mesh.predict.prediction import predict
from meshproof.mesh.requests.samples import sample_requests

FUZZ = settings(settings.get_profile("fuzz"))
ODD = st.one_of(ANY, st.sampled_from([*ODD_TEXTS, "*", "*.*", "a.b", "10s", "5%", "10.0.0.1", "fe80::1", "a/b", "~/*"]))
GOLDEN = Path(__file__).parents[1] / "golden"
FILES = {path.name: path.read_text() for path in sorted(GOLDEN.glob("*.in.yaml"))}
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
MESHES = {name: [one for one in yaml.load_all(text, LOADER) if one] for name, text in FILES.items()}
MESH_CONFIG = {
    "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"},
    "defaultHttpRetryPolicy": {"attempts": 2, "retryOn": "503", "perTryTimeout": "1s", "backoff": "25ms"},
    "pathNormalization": {"normalization": "MERGE_SLASHES"},
    "defaultServiceExportTo": ["*"],
    "defaultVirtualServiceExportTo": ["."],
    "localityLbSetting": {"enabled": True, "distribute": [{"from": "a/*", "to": {"b/*": 100}}]},
    "rootNamespace": "istio-system",
    "trustDomain": "cluster.local",
}
INTENTS = [
    {
        "name": "only beta users",
        "request": ["POST http://shop.example.com/checkout x-beta:yes", "GET http://cart:8080/"],
        "from": "shop/app=web",
        "gateway": "shop/entry",
        "expect": {
            "to": {"next": "95%", "v1": "5%"},
            "within": "2s",
            "status": 200,
            "header": {"x": "y"},
            "path": "/x",
        },
    },
    {"never": {"to": ["next"], "unless": "x-beta:yes"}},
]
CASES = {
    "testCases": [
        {
            "description": "one",
            "wantMatch": True,
            "request": {"authority": ["a.example.com"], "method": ["GET"], "uri": ["/x"], "headers": {"a": "b"}},
            "route": [{"destination": {"host": "a"}}],
            "headers": {"request": {"set": {"x": "ok"}}},
            "rewrite": {"uri": "/y"},
        }
    ]
}


def dumped(documents: Any) -> str:
    several = documents if isinstance(documents, list) else [documents]
    return "\n---\n".join(json.dumps(one, default=str) for one in several)


def through(text: str) -> None:
    """All that is made of a folder without a mesh that runs."""
    try:
        lint(["-"], stdin=io.StringIO(text))
        loaded = load(["-"], stdin=io.StringIO(text), strict=False)
        mesh = build_all(loaded, standing_in=StandingIn()).mesh
        requests, _ = sample_requests(mesh)
        for request in islice(requests, 5):
            predict(mesh, request)
    except ManifestError as error:
        assert all(problem.location.file in ("<stdin>", "-") for problem in error.problems)  # noqa: PT017


@pytest.mark.parametrize("name", sorted(FILES))
def test_what_is_made_odd_here_is_right(name: str) -> None:
    through(FILES[name])


@FUZZ
@given(documents=st.sampled_from(sorted(MESHES)).flatmap(lambda name: altered(MESHES[name], ODD)))
def test_odd_values_in_every_kind(documents: Any) -> None:
    through(dumped(documents))


@FUZZ
@given(text=st.sampled_from(sorted(FILES)).flatmap(lambda name: damaged(FILES[name].encode())))
def test_damaged_texts(text: bytes) -> None:
    through(text.decode("utf-8", "replace"))


@FUZZ
@given(config=altered(MESH_CONFIG, ODD))
def test_configurations_of_the_mesh(config: Any) -> None:
    held = {"name": "istio", "namespace": "istio-system"}
    several = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": held, "data": {"mesh": json.dumps(config)}},
        {
            "apiVersion": "install.istio.io/v1alpha1",
            "kind": "IstioOperator",
            "metadata": held,
            "spec": {"meshConfig": config},
        },
    ]
    for one in several:
        through(dumped([*MESHES["weights.in.yaml"], one]))


def intents(text: str) -> None:
    try:
        read_intents(["-"], io.StringIO(text))
    except (ManifestError, UsageError) as error:
        assert "<stdin>" in str(error)  # noqa: PT017


@FUZZ
@given(data=st.one_of(altered(INTENTS, ODD), altered(CASES, ODD)))
def test_odd_intents(data: Any) -> None:
    intents(json.dumps(data, default=str))


@FUZZ
@given(data=st.one_of(damaged(yaml.safe_dump(INTENTS).encode()), damaged(yaml.safe_dump(CASES).encode())))
def test_damaged_intents(data: bytes) -> None:
    intents(data.decode("utf-8", "replace"))
