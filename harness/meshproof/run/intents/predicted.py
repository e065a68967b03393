"""Files of intents and a folder of manifests: every intent decided by prediction, in milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshproof.border.intents.intent import Case, Intent, Never
from meshproof.border.request import Request, parse
from meshproof.errors import ManifestError, Problem, UsageError
from meshproof.intents.cases import decided
from meshproof.intents.rules import RuleCoverage, rule_coverage
from meshproof.intents.search.requests import asked
from meshproof.intents.search.searched import Search, searched
from meshproof.intents.view import View
from meshproof.records import dataclass
from meshproof.run.verification.specification import Specification


@dataclass(frozen=True, slots=True)
class Predicted:
    """All cases in the order of their intents, what was searched for promises, and which rules are reached."""

    specification: Specification
    view: View
    intents: tuple[Intent | Never, ...]
    cases: tuple[Case, ...]
    searches: tuple[Search, ...]
    coverage: RuleCoverage


def view_of(specification: Specification, namespace: str) -> View:
    """What the usual client sees; `namespace` is that of the Services that short names mean."""
    return View(
        specification.mesh,
        specification.client,
        specification.specified.resources,
        tuple(one for one in specification.unmodelled if not specification.is_allowed(one)),
        specification.tls,
        namespace,
    )


def predict_intents(specification: Specification, intents: Sequence[Intent | Never], namespace: str) -> Predicted:
    """Decide all intents; raises ManifestError with the place of each that cannot be understood."""
    view = view_of(specification, namespace)
    numbered = list(enumerate(intents))
    cases = list(decided(view, [(at, one) for at, one in numbered if isinstance(one, Intent)]))
    coverage = rule_coverage(view.mesh, cases)
    searches = _searches(view, [(at, one) for at, one in numbered if isinstance(one, Never)], specification.thorough)
    cases += [one.case for one in searches]
    cases.sort(key=lambda one: one.number)
    return Predicted(specification, view, tuple(intents), tuple(cases), searches, coverage)


def _searches(view: View, promises: Iterable[tuple[int, Never]], thorough: bool) -> tuple[Search, ...]:
    """The requests of each client are made once, for all promises that are about them."""
    known = {}
    found = []
    problems: list[Problem] = []
    for number, never in promises:
        try:
            if never.client not in known:
                known[never.client] = asked(view.of(never.client), thorough=thorough, alone=bool(never.client))
            found.append(searched(number, never, known[never.client]))
        except UsageError as error:
            if never.location is None or isinstance(error, ManifestError):
                raise
            problems.append(Problem(never.location, str(error)))
    if problems:
        raise ManifestError(*problems)
    return tuple(found)


def hosts(intents: Iterable[Intent | Never]) -> tuple[str, ...]:
    """The hosts that intents ask for in TLS, so that certificates can stand in; what cannot be read has none."""
    found: dict[str, None] = {}
    for one in intents:
        for written in one.requests if isinstance(one, Intent) else ():
            try:
                request: Request = parse(written) if isinstance(written, str) else written
            except UsageError:
                continue
            found |= {request.host: None} if request.scheme == "https" else {}
    return tuple(found)
