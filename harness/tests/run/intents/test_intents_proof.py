"""What is driven to prove intents, and what stays unproved where workloads keep no books."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from meshproof.border.verdict import Outcome
from meshproof.intents.reading.read import read_intents
from meshproof.judge.intents.intended import Intended
from meshproof.run.intents.outcome import by_proof
from meshproof.run.intents.predicted import Predicted, predict_intents
from meshproof.run.intents.proof import How, prove
from meshproof.run.verification.reading import specified

SHOP = Path(__file__).parents[4] / "examples" / "shop"
WANTED = """\
- request: GET http://payments.shop/
  expect: {to: payments, within: 2s}
- request: GET http://shop.example.com/
  expect: {header: {x-entry: browser}}
- never: {to: beta, unless: "x-beta:yes"}
- never: {to: beta}
- request: GET http://nowhere/
  expect: {to: cart}
- request: GET http://catalog.shop/
  from: shop
  expect: {to: {v1: 95%, v2: 5%}}
"""


@pytest.fixture(scope="module")
def predicted() -> Predicted:
    return predict_intents(specified([str(SHOP)]), read_intents(["-"], io.StringIO(WANTED)), "default")


def test_each_client_has_its_loads_and_alpha_is_shared_among_all(predicted: Predicted) -> None:
    proof = prove(predicted, How())
    assert [one.name for one in proof.driven] == ["intents", "within", "intents from shop", "never"]
    assert {one.plan.drawn for one in proof.driven} == {2}
    assert [one.judge(None).reason for one in proof.inspection.expect] == [
        "nothing answers it: no Service is called nowhere, so no client can resolve that name"
    ]


def test_where_workloads_keep_no_books_nothing_is_green_that_only_they_show(predicted: Predicted) -> None:
    proof = prove(predicted, How(probed=False, proxyless=False, drift=True))
    assert [one.name for one in proof.driven] == ["intents", "intents from shop"]
    known = {(one.name, one.judge(None).outcome) for one in proof.inspection.expect}
    assert known == {
        ("Within", Outcome.INCONCLUSIVE),
        ("Never", Outcome.INCONCLUSIVE),
        ("Never", Outcome.FAILED),
        ("Intent", Outcome.FAILED),
    }
    (check,) = proof.driven[0].checks
    assert isinstance(check, Intended)
    payments, front = check.begin(proof.driven[0].plan)
    assert (payments.decided, front.decided) == (False, True)


def test_what_a_broken_run_has_not_proved_is_an_error(predicted: Predicted) -> None:
    outcomes = {verdict.outcome for _, verdict in by_proof(predicted, ())}
    assert outcomes == {Outcome.ERROR}
