"""The bundle of a run's folder, which may be a stranger's too."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from meshproof.border.facts.provenance import Digest, Profile, Provenance, Question
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import UsageError
from meshproof.report.bundle.archive import read
from meshproof.report.bundle.of_run import of_run
from meshproof.report.events import (
    CheckFinished,
    Event,
    ManifestsKept,
    ProvenanceFound,
    RunFinished,
    RunStarted,
    ScenarioFinished,
    ScenarioStarted,
)
from meshproof.report.log import replay
from meshproof.report.record import gather
from meshproof.report.run_folder import BUNDLE, EVENTS, RunFolder, rebuild, replayed

NAME, TEXT = "manifests/verify/applied-0.yaml", b"kind: Service\n"
OPTIONS = {"alpha": 0.001, "beta": 0.01, "tolerance": 0.03, "max_requests": None, "seed": 7}


def a_run(outcome: Outcome, name: str = NAME, question: Question | None = None) -> list[Event]:
    one = Digest(name, hashlib.sha256(TEXT).hexdigest(), len(TEXT))
    return [
        RunStarted("r1", "2026-01-31T10:15:00Z", "embedded", {"meshproof": "0.1.0"}, OPTIONS),
        ProvenanceFound(Provenance(profiles=(Profile("folder", ("coverage", "verify")),), question=question)),
        ScenarioStarted("coverage", ""),
        ScenarioFinished("coverage", Outcome.PASSED, 0.1),
        ManifestsKept("verify", 0, one, one),
        ScenarioStarted("verify", "", requests=("GET http://shop/",)),
        CheckFinished(Verdict("verify", "Split", outcome, "so it is", 10)),
        ScenarioFinished("verify", outcome, 1.0),
        RunFinished(outcome, 1.0, 1),
    ]


@pytest.fixture
def kept(tmp_path: Path) -> Callable[..., Path]:
    """Keep a run; its folder."""

    def keep(*arguments: object, **more: object) -> Path:
        folder = RunFolder(tmp_path / "run")
        (folder.path / NAME).parent.mkdir(parents=True)
        (folder.path / NAME).write_bytes(TEXT)
        for event in a_run(*arguments, **more):  # type: ignore[arg-type]
            folder.handle(event)
        folder.close()
        return folder.path

    return keep


QUESTION = Question("shop", ("GET http://shop/",))


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.INCONCLUSIVE])
def test_a_run_that_did_not_pass_leaves_one_that_is_made_again(kept: Callable[..., Path], outcome: Outcome) -> None:
    run = kept(outcome, question=QUESTION)
    before = (run / BUNDLE).read_bytes()
    found = read(run / BUNDLE)
    assert (found.question, found.specified, found.applied, dict(found.files)) == (QUESTION, NAME, NAME, {NAME: TEXT})
    assert found == of_run(run, gather(replay(run / EVENTS)))
    (run / BUNDLE).unlink()
    rebuild(run)
    assert (run / BUNDLE).read_bytes() == before


def test_a_run_that_passed_leaves_none_and_can_be_replayed(kept: Callable[..., Path]) -> None:
    run = kept(Outcome.PASSED, question=QUESTION)
    assert not (run / BUNDLE).exists()
    assert of_run(run, gather(replay(run / EVENTS))).seed == 7


def test_a_scenario_that_did_not_pass_leaves_one_with_its_requests(kept: Callable[..., Path]) -> None:
    run = kept(Outcome.FAILED)
    found = read(run / BUNDLE)
    assert (found.scenario, found.question) == ("verify", Question(requests=("GET http://shop/",)))
    assert list(replayed(run)) == [f"replay anywhere: meshproof replay {run / BUNDLE}"]


def test_what_did_not_pass_without_a_load_is_not_taken_for_a_load_that_passed(kept: Callable[..., Path]) -> None:
    """As an intent is that prediction alone cannot tell."""
    run = kept(Outcome.PASSED)
    predicted = [ScenarioStarted("predicted", ""), ScenarioFinished("predicted", Outcome.INCONCLUSIVE, 0.1)]
    *begun, _ = replay(run / EVENTS)
    record = gather([*begun, *predicted, RunFinished(Outcome.INCONCLUSIVE, 1.0, 1)])
    with pytest.raises(UsageError, match="without a load"):
        of_run(run, record)


def test_a_run_that_put_nothing_in_force_has_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing was put in force"):
        of_run(tmp_path, gather([RunStarted("r1", "2026-01-31T10:15:00Z", "hosts", {}, OPTIONS)]))


def test_manifests_that_were_changed_are_no_bundle_and_the_reports_are_made(kept: Callable[..., Path]) -> None:
    run = kept(Outcome.FAILED, question=QUESTION)
    (run / NAME).write_bytes(b"other")
    (run / BUNDLE).unlink()
    assert rebuild(run).exists()
    assert not (run / BUNDLE).exists()
    with pytest.raises(UsageError, match="it was changed"):
        of_run(run, gather(replay(run / EVENTS)))


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "manifests/../x/applied-0.yaml"])
def test_events_of_a_stranger_lead_nowhere_else(kept: Callable[..., Path], name: str) -> None:
    run = kept(Outcome.FAILED, name, QUESTION)
    assert not (run / BUNDLE).exists()
    with pytest.raises(UsageError, match="no manifest of a run"):
        of_run(run, gather(replay(run / EVENTS)))


def test_links_and_pipes_of_a_stranger_are_not_read(kept: Callable[..., Path]) -> None:
    run = kept(Outcome.FAILED, question=QUESTION)
    secret = run.parent / "secret"
    secret.write_bytes(TEXT)
    (run / NAME).unlink()
    (run / NAME).symlink_to(secret)
    record = gather(replay(run / EVENTS))
    with pytest.raises(UsageError, match="cannot be read"):
        of_run(run, record)
    (run / NAME).unlink()
    os.mkfifo(run / NAME)
    with pytest.raises(UsageError, match="it was changed"):
        of_run(run, record)
