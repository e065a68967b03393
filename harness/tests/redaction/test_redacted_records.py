"""Texts that must not be shown are replaced, at whatever depth of a record."""

from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.redaction.patterns import HIDDEN
from meshproof.redaction.records import redacted
from meshproof.report.events import Broke, CheckFinished, Example


def hide(text):
    return text.replace("secret", "worker-1")


def test_every_text_is_replaced_and_nothing_else():
    arm = ArmResult("secret", 0.5, 0.5, (0.4, 0.6), 10, 0.03, Outcome.PASSED)
    evidence = {"secret": {"deep": ["secret", 3, None, {"a": ("secret",)}]}}
    event = CheckFinished(Verdict("s", "c", Outcome.FAILED, "secret is not ready", arms=(arm,), evidence=evidence))
    shown = redacted(event, hide).verdict
    assert shown.reason == "worker-1 is not ready"
    assert (shown.arms[0].destination, shown.arms[0].interval, shown.arms[0].count) == ("worker-1", (0.4, 0.6), 10)
    assert shown.evidence == {"worker-1": {"deep": ["worker-1", 3, None, {"a": ("worker-1",)}]}}
    assert shown.outcome is Outcome.FAILED
    assert event.verdict.reason == "secret is not ready"


def test_a_value_beside_the_name_of_a_credential_is_hidden_as_a_whole():
    headers = (("set-cookie", "id=PLANT"), ("x-user", "jason"))
    example = Example("1", "GET http://a/", 0.0, 0.1, 200, "v1", "", headers)
    assert redacted(example, str).headers == (("set-cookie", HIDDEN), ("x-user", "jason"))
    assert redacted({"authorization": "PLANT", "x-user": "jason"}, str) == {"authorization": HIDDEN, "x-user": "jason"}


def test_the_texts_of_an_error_are_replaced_too():
    assert redacted(Broke("", "secret", "at secret"), hide) == Broke("", "worker-1", "at worker-1")
