"""The loads that prove what is predicted of intents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from meshproof.border.coverage import Coverage
from meshproof.border.intents.intent import Case, Intent
from meshproof.border.load import Load
from meshproof.border.request import Request, Tls
from meshproof.border.source import Source
from meshproof.border.verdict import Outcome
from meshproof.inspection import Inspection
from meshproof.intents.search.searched import Search
from meshproof.intents.view import View
from meshproof.judge import Asked
from meshproof.judge.intents.decided import Decided, Unshown
from meshproof.judge.intents.intended import Intended
from meshproof.judge.intents.kept import Kept, Promise
from meshproof.judge.intents.timed import Timed, plain
from meshproof.mesh.model.index import grouped
from meshproof.records import dataclass
from meshproof.run.intents.predicted import Predicted
from meshproof.run.prepare import Prepared
from meshproof.run.verification.asked_answers import USERS, asking
from meshproof.run.verification.breakers.policies import without_policies
from meshproof.run.verification.clients.guessed import named_after
from meshproof.run.verification.companion import companion
from meshproof.run.verification.error_rates import sharing
from meshproof.run.verification.faults import faults
from meshproof.run.verification.specification import Specification
from meshproof.scenario import Check, Scenario

TIMES = 2
NEVER = "Never"
UNCOUNTED = "the workloads here do not tell what they receive"


@dataclass(frozen=True, slots=True)
class Proof:
    """What is driven, and the verdicts that are known before."""

    driven: tuple[Prepared, ...]
    inspection: Inspection[Coverage]


@dataclass(frozen=True, slots=True)
class How:
    """How a target shows things: `drift`, what it runs was not made of the manifests; see prepare_verification."""

    probed: bool = True
    proxyless: bool = True
    drift: bool = False


def prove(predicted: Predicted, how: How) -> Proof:
    """The loads of all clients, with α divided among all of them."""
    specification = predicted.specification
    known = [Decided(case) for case in predicted.cases if not case.provable and not _searched(case)]
    known += [Decided(one.case) for one in predicted.searches if not one.requests or _is_broken(one, how)]
    unshown = [Unshown(one.case, UNCOUNTED, NEVER) for one in predicted.searches if _is_unshown(one, how)]
    loads: list[Prepared] = []
    provable = grouped((case.sender, case) for case in predicted.cases if case.provable)
    for client, cases in provable.items():
        own = replace(specification, client=client)
        loads.append(_named(_intended(own, cases, how), client, specification))
        timed = [case for case in cases if case.timed and case.outcome is Outcome.PASSED]
        slow, untold = _timed(own, timed, how)
        loads += [_named(slow, client, specification)] if slow else []
        unshown += untold
    loads += [_named(_kept(specification, view, promises, how), view.client, specification)
              for view, promises in _promises(predicted, how)]  # fmt: skip
    shared = [one for one in sharing(loads) if one]
    inspection = Inspection(
        "predicted",
        "What prediction alone can say of the intents.",
        Coverage,
        [*known, *unshown],
        given=Coverage((), 0, 0),
    )
    return Proof(tuple(shared), inspection)


def _is_broken(search: Search, how: How) -> bool:
    """Whether a promise is predicted to be broken where nobody can show it."""
    return not how.probed and search.case.outcome is not Outcome.PASSED


def _is_unshown(search: Search, how: How) -> bool:
    return not how.probed and bool(search.requests) and not _is_broken(search, how)


def _searched(case: Case) -> bool:
    return not isinstance(case.intent, Intent)


def _named(load: Prepared, client: Source, specification: Specification) -> Prepared:
    return load if client == specification.client else named_after(load, client)


def _load(
    specification: Specification, name: str, what: str, requests: Iterable[Request], checks: Sequence[Check]
) -> Prepared:
    load = Load("steady", tuple(dict.fromkeys(requests)), tls=specification.tls or Tls())
    return companion(specification, Scenario(name, what, specification.files, load, checks))


def _intended(specification: Specification, cases: Sequence[Case], how: How) -> Prepared:
    checks = [Intended(tuple(cases), probed=how.probed, drift=how.drift)]
    what = "What is predicted of the intents is what the mesh does."
    prepared = _load(specification, "intents", what, (case.request for case in cases), checks)
    return replace(prepared, load=faults(prepared.plan, prepared.load)[1])


def _timed(specification: Specification, cases: Sequence[Case], how: How) -> tuple[Prepared | None, list[Unshown]]:
    """The requests that ask for slow answers, and the limits that none of them shows."""
    if not cases:
        return None, []
    if not how.probed:
        return None, [Unshown(case, "the workloads here answer as they like") for case in cases]
    if how.proxyless:
        specification = specification.changed(without_policies)
    plan = _load(specification, "within", "", (case.request for case in cases), []).plan
    found = asking(plan, proxyless=how.proxyless, thorough=specification.thorough, whole=False)
    slow = {plain(one) for one in found.slow}
    why = {one.request: one.why for one in found.untold}
    unshown = [
        Unshown(case, why.get(case.request) or "no pod answers it slowly")
        for case in cases
        if case.request in why or (case.request not in slow and "by the proxy" not in case.predicted)
    ]
    if not found.slow:
        return None, unshown
    checks = [Timed(tuple(cases), Asked(TIMES, how.proxyless), drift=how.drift)]
    prepared = _load(specification, "within", "Slow pods are waited for no longer.", found.slow, checks)
    load = replace(prepared.load, users=USERS, timeout=found.timeout)
    return replace(prepared, load=load, mostly_waits=True), unshown


def _promises(predicted: Predicted, how: How) -> Iterator[tuple[View, tuple[Promise, ...]]]:
    """The promises that are held against the requests of each client."""
    found: dict[Source, tuple[View, list[Promise]]] = {}
    for search in predicted.searches if how.probed else ():
        for view, expectations in search.requests:
            requests = frozenset(one.request for one in expectations)
            own = found.setdefault(view.client, (view, []))
            own[1].extend([Promise(search.case, requests, search.forbidden)] if requests else [])
    yield from ((view, tuple(promises)) for view, promises in found.values() if promises)


def _kept(specification: Specification, view: View, promises: Sequence[Promise], how: How) -> Prepared:
    requests = (one for promise in promises for one in sorted(promise.requests, key=str))
    what = "What must never be reached is reached by none of the requests that the rules tell apart."
    own = replace(specification, client=view.client)
    prepared = _load(own, "never", what, requests, [Kept(tuple(promises), drift=how.drift)])
    return replace(prepared, load=faults(prepared.plan, prepared.load)[1])
