"""A scenario with intents: their requests are part of its load, and each is a check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from meshproof.border.books import Books
from meshproof.border.intents.intent import Case, Intent, Never
from meshproof.border.observation import Observation
from meshproof.border.request import Request
from meshproof.border.source import source
from meshproof.border.verdict import ArmResult, Outcome, Precision, Verdict
from meshproof.errors import UsageError
from meshproof.intents.cases import decided
from meshproof.intents.search.requests import asked
from meshproof.intents.search.searched import Search, searched
from meshproof.intents.stated import refuse_unstated
from meshproof.intents.view import View
from meshproof.judge import Asked
from meshproof.judge.intents.decided import Decided, Unshown
from meshproof.judge.intents.intended import Intended
from meshproof.judge.intents.kept import Kept, Promise
from meshproof.judge.intents.timed import Timed, plain
from meshproof.records import dataclass
from meshproof.run.prepare import NAMESPACE, Prepared, prepare
from meshproof.run.verification.asked_answers import TIMEOUT, asking
from meshproof.scenario import Check, Plan, Scenario, Trial

TIMES = 2


def prepare_scenario(
    scenario: Scenario, folder: Path, precision: Precision, namespace: str = NAMESPACE, *, proxyless: bool = True
) -> Prepared:
    """As `prepare`, with the scenario's intents; raises ManifestError and UsageError.

    They hold of the last stage, and are those of the scenario's own client.
    """
    if scenario.expect and not scenario.load.send and not scenario.intents:
        raise UsageError(f"{scenario.name}: nothing is sent: write load=Load('steady', 'GET http://HOST/')")
    if not scenario.intents:
        return prepare(scenario, folder, precision, namespace)
    refuse_unstated(scenario.intents)
    if any(one.client for one in scenario.intents):
        raise UsageError(f"{scenario.name}: a scenario has one client: intents with another are for `meshproof test`")
    mesh = prepare(
        replace(scenario, intents=(), expect=(), load=replace(scenario.load, send=())), folder, precision, namespace
    )
    stage = mesh.stages[-1]
    view = View(stage.mesh, source(namespace), stage.resources, stage.mesh.unmodelled, namespace=namespace)
    numbered = list(enumerate(scenario.intents))
    cases = decided(view, [(at, one) for at, one in numbered if isinstance(one, Intent)])
    promises = [(at, one) for at, one in numbered if isinstance(one, Never)]
    several = asked(view, alone=True) if promises else ()
    searches = [searched(at, one, several) for at, one in promises]
    requests, checks = _checked(view, cases, searches, precision, proxyless=proxyless)
    own = scenario.load.send if isinstance(scenario.load.send, tuple) else (scenario.load.send,)
    load = replace(scenario.load, send=(*own, *dict.fromkeys(requests)))
    whole = replace(scenario, load=load, expect=(*scenario.expect, *checks), intents=())
    moved = partial(prepare_scenario, scenario, folder, precision, proxyless=proxyless)
    return replace(prepare(whole, folder, precision, namespace), moved=moved)


def _checked(
    view: View, cases: Sequence[Case], searches: Sequence[Search], precision: Precision, *, proxyless: bool
) -> tuple[list[Request], list[Check]]:
    """What is sent for the intents, and the checks that hold it."""
    provable = tuple(case for case in cases if case.provable)
    timed = tuple(case for case in provable if case.timed and case.outcome is Outcome.PASSED)
    row = tuple(view.expectation(case.request) for case in timed)
    found = asking(Plan("", (row,), precision), proxyless=proxyless, whole=False)
    why = {one.request: one.why for one in found.untold if one.kind == TIMEOUT}
    slow = {plain(one) for one in found.slow}
    known: list[Decided | Unshown] = [Decided(case) for case in cases if not case.provable]
    known += [Unshown(one, why.get(one.request, "no slow answer shows it")) for one in timed if one.request not in slow]
    known += [Decided(one.case) for one in searches if not one.requests]
    kept = [
        Promise(one.case, frozenset(each.request for _, several in one.requests for each in several), one.forbidden)
        for one in searches
        if one.requests
    ]
    checks: list[Check] = [Known(tuple(known))] if known else []
    checks += [Intended(provable)] if provable else []
    checks += [Timed(timed, Asked(TIMES, proxyless))] if found.slow else []
    checks += [Kept(tuple(kept))] if kept else []
    asked_for = [case.request for case in provable] + list(found.slow)
    return [*asked_for, *(one for each in kept for one in sorted(each.requests, key=str))], checks


@dataclass(frozen=True)
class Known:
    """What prediction alone can say of intents."""

    several: tuple[Decided | Unshown, ...]
    name: str = "Intent"

    def begin(self, plan: Plan) -> Sequence[Trial]:
        return [KnownTrial(plan, one) for one in self.several]


class KnownTrial:
    """A verdict that no traffic changes."""

    stage: int | None = 0
    request: int | None = None
    limit = 0
    decided = True
    count = 0

    def __init__(self, plan: Plan, one: Decided | Unshown) -> None:
        self.check = one.name
        self._plan = plan
        self._one = one

    def observe(self, observation: Observation) -> None: ...

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def conclude(self, books: Books) -> Verdict:  # noqa: ARG002
        return replace(self._one.judge(None), scenario=self._plan.scenario, check=self.check)
