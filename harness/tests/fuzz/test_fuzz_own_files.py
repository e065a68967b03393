"""What meshproof writes and a stranger hands on: bundles, and certificates with all that stands beside them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fuzz_data import ANY, ODD_TEXTS, altered, damaged
from hypothesis import given, settings
from hypothesis import strategies as st
from meshproof.border.facts.captured import Captured, Document, Dump
from meshproof.border.facts.provenance import Digest, Profile, Provenance, Question, Sources
from meshproof.border.verdict import Outcome, Precision, Verdict
from meshproof.errors import UsageError
from meshproof.report.authenticity.check import check
from meshproof.report.bundle.archive import packed, unpacked
from meshproof.report.bundle.index import Bundle, bundle, index
from meshproof.report.bundle.of_cluster import dumps, of_cluster
from meshproof.report.certificate.files import JSON, SEALED, STATEMENT, YAML
from meshproof.report.events import (
    CheckFinished,
    ProvenanceFound,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
)
from meshproof.report.run_folder import EVENTS, RunFolder

FUZZ = settings(settings.get_profile("fuzz"))
ODD = st.one_of(ANY, st.sampled_from(ODD_TEXTS))
SPECIFIED, APPLIED = "manifests/verify/specified-0.yaml", "manifests/verify/applied-0.yaml"
OF_RUN = Bundle(
    "20260131T101500Z-c0ffee",
    "0.1.0",
    Question("shop", ("GET http://shop/ x:y",), "web", False, True),
    ("EnvoyFilter",),
    Precision(0.001, 0.01, 0.03, None),
    7,
    SPECIFIED,
    APPLIED,
    {SPECIFIED: b"kind: Service\n", APPLIED: b"kind: Service\n"},
)
DUMP = {
    "namespace": "shop",
    "pod": "one",
    "labels": {"app": "shop"},
    "gateway": False,
    "resources": {"routes": [{"name": "80", "virtual_hosts": [{"name": "a", "domains": ["*"], "routes": []}]}]},
}
OF_CLUSTER = of_cluster(
    Captured(
        (Document("Service/shop/one", "kind: Service\n"),),
        left_out={"environment": 2},
        unread=("the nodes",),
        dumps=(Dump("shop", "one", {"app": "shop"}, False, {"routes": [{"name": "80"}]}),),
    ),
    "0.1.0",
)


def opened(data: bytes) -> None:
    try:
        for _ in dumps(unpacked(data, "b.tar.gz"), "b.tar.gz"):
            pass
    except UsageError as error:
        assert str(error).startswith("b.tar.gz: ")  # noqa: PT017


@FUZZ
@given(data=st.one_of(damaged(packed(OF_RUN)), damaged(packed(OF_CLUSTER))))
def test_damaged_bundles(data: bytes) -> None:
    opened(data)


@FUZZ
@given(
    of=st.sampled_from([OF_RUN, OF_CLUSTER]).flatmap(
        lambda one: st.tuples(st.just(one), altered(json.loads(index(one)), ODD))
    )
)
def test_indexes_of_bundles(of: Any) -> None:
    one, data = of
    try:
        bundle(json.dumps(data, default=str).encode(), one.files, "b.tar.gz")
    except UsageError as error:
        assert str(error).startswith("b.tar.gz: ")  # noqa: PT017


@FUZZ
@given(dump=altered(DUMP, ODD))
def test_configurations_of_proxies(dump: Any) -> None:
    opened(
        packed(
            replace(OF_CLUSTER, files={**OF_CLUSTER.files, "proxies/0.json": json.dumps(dump, default=str).encode()})
        )
    )


@pytest.mark.parametrize("number", ["1" + "0" * 400, "1e999", "NaN", "true", '"x"', "[]"])
@pytest.mark.parametrize("field", ["alpha", "beta", "tolerance"])
def test_precisions_that_are_none(field: str, number: str) -> None:
    data = json.loads(index(OF_RUN))
    data["precision"][field] = "HERE"
    with pytest.raises(UsageError, match="lacks a field, or has one of another type"):
        bundle(json.dumps(data).replace('"HERE"', number).encode(), OF_RUN.files, "b.tar.gz")


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with its certificate."""
    folder = RunFolder(tmp_path_factory.mktemp("issued") / "run")
    known = Provenance(Sources((Digest("k8s/shop.yaml", "ab" * 32, 12),)), profiles=(Profile("folder", ("verify",)),))
    for event in (
        RunStarted("r1", "2026-01-31T10:15:00Z", "embedded", {"meshproof": "0.1.0"}, {"alpha": 0.001, "seed": 7}),
        ProvenanceFound(known),
        ScenarioStarted("verify", ""),
        CheckFinished(Verdict("verify", "Split", Outcome.PASSED, "as it is", 10)),
        ScenarioFinished("verify", Outcome.PASSED, 1.0),
        RunFinished(Outcome.PASSED, 1.0, 0),
    ):
        folder.handle(event)
    folder.close()
    return folder.path


def looked_at(folder: Path, certificate: str = YAML) -> None:
    try:
        check(folder / certificate, "0.1.0", manifests=[Digest("k8s/shop.yaml", "ab" * 32, 12)])
    except UsageError as error:
        assert str(folder) in str(error)  # noqa: PT017


@FUZZ
@given(data=st.data())
def test_certificates(issued: Path, tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / "run"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(issued, folder)
    name = data.draw(st.sampled_from([YAML, JSON, STATEMENT, EVENTS]))
    held = (folder / name).read_bytes()
    (folder / name).write_bytes(data.draw(damaged(held)))
    looked_at(folder, JSON if name == JSON else YAML)


@FUZZ
@given(data=st.data())
def test_odd_certificates(issued: Path, tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / "run"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(issued, folder)
    name = data.draw(st.sampled_from([JSON, STATEMENT]))
    whole = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps(data.draw(altered(whole, ODD)), default=str), errors="surrogatepass")
    looked_at(folder, JSON)


ENVELOPE = {
    "payloadType": "application/vnd.in-toto+json",
    "payload": "e30=",
    "signatures": [{"keyid": "a", "sig": "AAAA"}],
}


@FUZZ
@given(
    data=st.one_of(
        altered(ENVELOPE, ODD).map(lambda one: json.dumps(one, default=str).encode()),
        damaged(json.dumps(ENVELOPE).encode()),
    )
)
def test_envelopes(issued: Path, tmp_path: Path, data: bytes) -> None:
    folder = tmp_path / "run"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(issued, folder)
    (folder / SEALED).write_bytes(data)
    looked_at(folder)
