"""Texts that are not to be told are not told, wherever in a record they stand."""

from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.report.events import Broke, CheckFinished
from meshproof.report.redaction.records import discreetly


def hide(text):
    return text.replace("secret", "worker-1")


def test_every_text_and_nothing_else():
    arm = ArmResult("secret", 0.5, 0.5, (0.4, 0.6), 10, 0.03, Outcome.PASSED)
    evidence = {"secret": {"deep": ["secret", 3, None, {"a": ("secret",)}]}}
    event = CheckFinished(Verdict("s", "c", Outcome.FAILED, "secret is not ready", arms=(arm,), evidence=evidence))
    told = discreetly(event, hide).verdict
    assert told.reason == "worker-1 is not ready"
    assert (told.arms[0].destination, told.arms[0].interval, told.arms[0].count) == ("worker-1", (0.4, 0.6), 10)
    assert told.evidence == {"worker-1": {"deep": ["worker-1", 3, None, {"a": ("worker-1",)}]}}
    assert told.outcome is Outcome.FAILED
    assert event.verdict.reason == "secret is not ready"


def test_an_error_as_well():
    assert discreetly(Broke("", "secret", "at secret"), hide) == Broke("", "worker-1", "at worker-1")
