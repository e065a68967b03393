"""The certificate: its headline, its gaps, its schema, and that it follows from the events alone."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from meshproof.border.coverage import Coverage, Dependence, Unproved
from meshproof.border.facts.provenance import Commit, Digest, Profile, Provenance, SelfCheckScore, Sources
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location
from meshproof.report import summary
from meshproof.report.certificate.document import document
from meshproof.report.certificate.files import JSON, STATEMENT, YAML, files
from meshproof.report.certificate.places import above
from meshproof.report.certificate.statement import statement
from meshproof.report.events import (
    CheckFinished,
    CoverageFound,
    Event,
    FactsFound,
    Interrupted,
    ManifestsKept,
    ProvenanceFound,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
)
from meshproof.report.headline.headline import Headline, headline, sentence
from meshproof.report.html import page
from meshproof.report.record import gather
from meshproof.report.run_folder import RunFolder, rebuild

SCHEMA = json.loads((Path(__file__).parents[4] / "docs" / "schemas" / "certificate.schema.json").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)
PLACE = Location("k8s/shop.yaml", 3, 1)
DIGEST = Digest("k8s/shop.yaml", "ab" * 32, 120)
OPEN = Dependence("EnvoyFilter", "EnvoyFilter shop/limits", PLACE, "it is not modelled")
PROFILE = Profile("folder", core=("coverage", "verify"), extended=("slow",), features={"slow": ("Gateway",)})


def scenario(name: str, outcome: Outcome, reason: str = "") -> list[Event]:
    verdicts = [] if outcome is Outcome.SKIPPED else [CheckFinished(Verdict(name, "Split", outcome, "as it is", 10))]
    return [ScenarioStarted(name, name), *verdicts, ScenarioFinished(name, outcome, 1.0, reason=reason)]


def a_run(
    core: Outcome = Outcome.PASSED,
    extended: Outcome | None = Outcome.PASSED,
    coverage: Coverage | None = None,
    made_of: Provenance | None = None,
    code: int = 0,
) -> list[Event]:
    known = made_of or Provenance(Sources((DIGEST,)), profiles=(PROFILE,))
    outcomes = {Outcome.PASSED: Outcome.PASSED, Outcome.SKIPPED: Outcome.PASSED}
    return [
        RunStarted("r1", "2026-01-31T10:15:00Z", "embedded", {"envoy": "1.40.0"}, {"alpha": 0.001, "seed": 7}),
        *([CoverageFound(coverage)] if coverage else []),
        ProvenanceFound(known),
        *scenario("coverage", Outcome.PASSED),
        *scenario("verify", core, "the target lacks it" if core is Outcome.SKIPPED else ""),
        *(scenario("slow", extended, "the target lacks it") if extended else []),
        RunFinished(outcomes.get(core, core), 2.0, code),
    ]


def coverage(**more: Any) -> Coverage:
    return Coverage(((PLACE, ("GET http://shop/",)),), 1, 3, **more)


HEADLINES: dict[str, tuple[list[Event], Headline]] = {
    "whole": (a_run(), Headline.CERTIFIED),
    "failed": (a_run(Outcome.FAILED, code=1), Headline.NOT),
    "undecided": (a_run(Outcome.INCONCLUSIVE, code=1), Headline.NOT),
    "core skipped": (a_run(Outcome.SKIPPED), Headline.NOT),
    "extended skipped": (a_run(extended=Outcome.SKIPPED), Headline.WITH_GAPS),
    "extended undecided": (a_run(extended=Outcome.INCONCLUSIVE), Headline.NOT),
    "not driven": (a_run(extended=None), Headline.NOT),
    "covered": (a_run(coverage=coverage()), Headline.CERTIFIED),
    # Whoever chooses the requests leaves all else of the folder out.
    "named": (a_run(coverage=coverage(named=True)), Headline.WITH_GAPS),
    "allowed": (a_run(coverage=coverage(dependences=(replace(OPEN, allowed=True),))), Headline.WITH_GAPS),
    "interrupted": ([*a_run()[:-1], Interrupted()], Headline.NOT),
    "killed": (a_run()[:-1], Headline.NOT),
    "only begun": (a_run()[:1], Headline.NOT),
    "empty": ([], Headline.NOT),
}


@pytest.mark.parametrize(("events", "expected"), HEADLINES.values(), ids=HEADLINES)
def test_the_headline(events: list[Event], expected: Headline) -> None:
    assert headline(gather(events)) is expected


def test_what_was_skipped_stands_under_no_green_headline() -> None:
    record = gather(a_run(Outcome.SKIPPED))
    shown = page.render(record)
    top = shown[shown.index("<h1>") : shown.index("</h1>") + 400]
    assert "and not all of it was checked" in top
    assert "Not certified: 2 of 3 tests passed (1 profile: folder); 1 gap, first folder/verify: skipped" in top
    assert summary.result(record) == "passed 2 checks of 3 scenarios, 1 scenario skipped"
    whole = gather(a_run())
    assert "Certified: 3 of 3 tests passed (1 profile: folder)." in page.render(whole)
    assert "skipped" not in summary.result(whole)


def test_a_long_gap_is_cut_in_the_sentence_alone() -> None:
    record = gather(a_run(coverage=coverage(dependences=(replace(OPEN, why="x" * 5_000, allowed=True),))))
    assert len(sentence(record)) < 400
    assert len(document(record)["gaps"][0]["why"]) == 5_000


def test_a_gap_is_cut_at_the_end_of_a_word_and_gets_no_full_stop() -> None:
    record = gather(a_run(coverage=coverage(dependences=(replace(OPEN, why="12345 " * 100, allowed=True),))))
    assert sentence(record).endswith(" 12345 …")
    assert " 12345 …</p>" in page.render(record)


def test_a_run_without_profiles_is_certified_by_all_of_its_scenarios(
    passed_run: list[Event], mixed_run: list[Event]
) -> None:
    assert headline(gather(passed_run)) is Headline.CERTIFIED
    assert headline(gather(mixed_run)) is Headline.NOT


def test_what_is_not_proved_is_named_with_who_allowed_it() -> None:
    policy = Unproved("outlierDetection", "DestinationRule shop/pay", PLACE, "pay.shop", "too long", allowed=True)
    known = coverage(dependences=(replace(OPEN, allowed=True),), unproved=(policy,), left_out=((PLACE, 4),))
    made_of = Provenance(profiles=(PROFILE,), allowed=("EnvoyFilter",), allowed_by="R. Manager")
    data = document(gather(a_run(extended=Outcome.SKIPPED, coverage=known, made_of=made_of)))
    assert [(one["subject"], one["allowedBy"]) for one in data["gaps"]] == [
        ("folder/slow", ""),
        ("EnvoyFilter shop/limits", "--allow-unproven EnvoyFilter (R. Manager)"),
        ("DestinationRule shop/pay", "--allow-unproven outlierDetection (R. Manager)"),
        ("rule", ""),
    ]
    assert data["gaps"][1]["location"] == "k8s/shop.yaml:3:1"
    assert "4 probes" in data["gaps"][3]["why"]
    assert data["profiles"][0]["extended"]["skippedTests"] == ["slow"]
    assert data["profiles"][0]["extended"]["reasons"] == {"slow": "the target lacks it"}
    assert data["profiles"][0]["extended"]["unsupportedFeatures"] == ["Gateway"]
    failed = document(gather(a_run(Outcome.FAILED, code=1)))
    assert [(one["subject"], one["why"]) for one in failed["gaps"]] == [("folder/verify", "failed: as it is")]
    assert "4 gaps" in data["summary"]


def test_that_a_person_chose_the_requests_is_told_to_who_has_the_certificate_alone() -> None:
    made_of = Provenance(profiles=(PROFILE,), allowed_by="R. Manager")
    data = document(gather(a_run(coverage=coverage(named=True), made_of=made_of)))
    assert [(one["subject"], one["why"], one["allowedBy"]) for one in data["gaps"]] == [
        ("folder", "nothing of it was asked for but 1 request that a person named", "--request (R. Manager)")
    ]
    assert [one["what"] for one in data["proved"]] == ["rule", "request"]
    assert statement(data, {})["predicate"]["result"] == "WARNED"


def full_run(passed_run: list[Event]) -> list[Event]:
    """A run whose certificate has something in every field."""
    known = coverage(dependences=(replace(OPEN, allowed=True),))
    made_of = Provenance(
        Sources((DIGEST,)),
        Commit("c" * 40, False, ("k8s/shop.yaml",)),
        {"kernel": "6.12"},
        ("Gateway",),
        (Profile("canary", ("CanarySplit",), ("slow",)),),
        ("hosts",),
        ("EnvoyFilter",),
        "R. Manager",
        SelfCheckScore(19, 20, 400, 7, ("k8s/shop.yaml:9:3: weight 90 to 91",)),
    )
    kept = ManifestsKept("CanarySplit", 0, replace(DIGEST, file="manifests/a"), replace(DIGEST, file="manifests/b"))
    more = [CoverageFound(known), ProvenanceFound(made_of), FactsFound({"node a kernel": "6.12"}), kept]
    return [passed_run[0], *more, *passed_run[1:-1], *scenario("slow", Outcome.SKIPPED, "no"), passed_run[-1]]


def test_documents_follow_the_schema(
    passed_run: list[Event],
    mixed_run: list[Event],
    hostile_run: Callable[[str], list[Event]],
) -> None:
    for events in (passed_run, mixed_run, full_run(passed_run), hostile_run("\ud800\x00<script>"), a_run()[:1], []):
        VALIDATOR.validate(json.loads(files(gather(events))[JSON]))


def test_the_schema_refuses_what_is_wrong(passed_run: list[Event]) -> None:
    Draft202012Validator.check_schema(SCHEMA)
    data = document(gather(full_run(passed_run)))
    assert VALIDATOR.is_valid(data)
    for spoil in ({"headline": "green"}, {"extra": 1}, {"apiVersion": "v2"}, {"gaps": [{}]}, {"selfCheck": {}}):
        assert not VALIDATOR.is_valid({**copy.deepcopy(data), **spoil}), spoil


def described(schema: Any, path: str = "") -> Iterator[str]:
    """The paths of fields without a description."""
    if isinstance(schema, dict):
        for name, field in schema.get("properties", {}).items():
            if not field.get("description"):
                yield f"{path}/{name}"
        for name, one in schema.items():
            yield from described(one, f"{path}/{name}")
    elif isinstance(schema, list):
        for one in schema:
            yield from described(one, path)


def test_every_field_is_documented() -> None:
    assert list(described(SCHEMA)) == []


def fields(data: Any, path: str = "") -> Iterator[str]:
    if isinstance(data, dict):
        for name, one in data.items():
            yield f"{path}/{name}"
            yield from fields(one, f"{path}/{name}")
    elif isinstance(data, list):
        for one in data:
            yield from fields(one, path)


def test_every_field_of_the_schema_is_written(passed_run: list[Event]) -> None:
    written = {path.rpartition("/")[2] for path in fields(document(gather(full_run(passed_run))))}

    def named(schema: Any) -> Iterator[str]:
        if isinstance(schema, dict):
            yield from schema.get("properties", {})
            for one in schema.values():
                yield from named(one)

    assert set(named(SCHEMA)) - written == set()


def test_effects_have_interval_and_error_rates(passed_run: list[Event]) -> None:
    split = document(gather(passed_run))["results"][0]
    assert (split["n"], split["alpha"], split["beta"]) == (1342, 0.001, 0.01)
    effect = split["effects"][0]
    assert effect["effect"] == pytest.approx(effect["observed"] - effect["expected"])
    assert effect["interval"][0] < effect["observed"] < effect["interval"][1]


def test_it_is_made_again_byte_for_byte(tmp_path: Path, passed_run: list[Event]) -> None:
    folder = RunFolder(tmp_path / "run")
    for event in full_run(passed_run):
        folder.handle(event)
    folder.close()
    names = (YAML, JSON, STATEMENT)
    before = {name: (folder.path / name).read_bytes() for name in names}
    for name in names:
        (folder.path / name).unlink()
    moved = folder.path.rename(tmp_path / "elsewhere")
    rebuild(moved)
    assert {name: (moved / name).read_bytes() for name in names} == before
    assert yaml.safe_load(before[YAML]) == json.loads(before[JSON])


def test_what_a_cluster_ran_is_no_file_that_was_specified(passed_run: list[Event]) -> None:
    made_of = ProvenanceFound(Provenance(Sources((DIGEST,))))
    ran = replace(DIGEST, file="manifests/CanarySplit/applied-0.yaml", sha256="cd" * 32)
    for kept, expected in (
        (ManifestsKept("CanarySplit", 0, ran, replace(DIGEST, file="manifests/CanarySplit/specified-0.yaml")), ran),
        (ManifestsKept("CanarySplit", 0, ran, ran), DIGEST),
    ):
        (applied,) = document(gather([passed_run[0], made_of, kept, *passed_run[1:]]))["sources"]["applied"]
        assert (applied["file"], applied["sha256"]) == (expected.file, expected.sha256)


def test_no_folder_of_the_machine_stands_in_it() -> None:
    split, gate = (Digest(f"/home/alice/mesh/scenarios/{name}.yaml", "ab" * 32, 9) for name in ("split/a", "gate/b"))
    made_of = Provenance(Sources((split, gate)), Commit("c" * 40, False, (gate.file,)), profiles=(PROFILE,))
    policy = Unproved("timeout", "Rule a", Location(split.file, 3, 1), "a.shop", f"see {gate.file}:4:1", allowed=True)
    data = document(gather(a_run(coverage=coverage(unproved=(policy,)), made_of=made_of)))
    assert "alice" not in json.dumps(data)
    assert [one["file"] for one in data["sources"]["specified"]] == ["scenarios/split/a.yaml", "scenarios/gate/b.yaml"]
    assert data["sources"]["git"]["changed"] == ["scenarios/gate/b.yaml"]
    assert data["gaps"][0]["location"] == "scenarios/split/a.yaml:3:1"


@pytest.mark.parametrize(
    ("files", "folder"),
    [
        (["/home/a/k8s/x.yaml"], "/home/a/"),
        (["/home/a/k8s/x.yaml", "/home/a/k8s/deep/y.yaml"], "/home/a/"),
        (["/home/a/k8s/x.yaml", "k8s/y.yaml", "<stdin>"], "/home/a/"),
        (["/k8s/x.yaml", "/x.yaml"], ""),
        (["k8s/x.yaml", "../y.yaml"], ""),
        ([], ""),
    ],
)
def test_what_stands_above_the_folder_of_the_manifests_is_left_out(files: list[str], folder: str) -> None:
    assert above(files) == folder
