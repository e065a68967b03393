"""Requests that no pod may answer: the proxy answers them with the specified status, or nothing can."""

from __future__ import annotations

from collections import Counter

from meshproof.border.books import Books
from meshproof.border.expectation import Expectation
from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.judge.expectations import taken_by
from meshproof.judge.own_answer import is_specified, leads_to, said_of
from meshproof.judge.sequential.share import ShareTest
from meshproof.judge.wording import answer, kinds
from meshproof.scenario import Plan


def aborts_all(expectation: Expectation) -> bool:
    """Whether a fault is specified to abort every request."""
    return expectation.abort is not None and expectation.abort.share == 1


class AnswerTrial:
    """The exact check of an expectation without arms, or one whose fault aborts every request.

    The first answer that it does not allow fails it. With a status every answer must be the proxy's
    own, with that status, and where it redirects with that Location. Without one nothing can answer: errors of the
    proxy and broken connections are as specified, anything else is not.
    """

    def __init__(self, check: str, plan: Plan, stage: int, request: int) -> None:
        self.stage: int | None = stage
        self.request: int | None = request
        self.check = check
        self._plan = plan
        self._expectation: Expectation = plan.stages[stage][request]
        abort = self._expectation.abort
        self._status = abort.status if abort and aborts_all(self._expectation) else self._expectation.status
        rates = plan.precision
        self._others = ShareTest(0.0, rates.alpha, rates.beta, rates.tolerance, cap=rates.max_requests)
        self.limit = self._others.cap
        self._kinds: Counter[str] = Counter()
        self._first: Observation | None = None

    def observe(self, observation: Observation) -> None:
        other = bool(observation.pod or observation.workload) or not self._allowed(observation)
        self._others.add(other)
        if other:
            self._first = self._first or observation
            there = leads_to(observation)
            self._kinds[f"{answer(observation)} to {there}" if there else answer(observation)] += 1

    def _allowed(self, observation: Observation) -> bool:
        if self._status:
            redirect = self._expectation.redirect
            there = redirect is None or leads_to(observation) == redirect.target
            return there and is_specified(observation, self._expectation)
        status = observation.status
        return status == 0 or status >= 400 or bool(observation.grpc_status)

    @property
    def decided(self) -> bool:
        return self._others.closed

    @property
    def refuted(self) -> bool:
        return self._others.outcome is Outcome.FAILED

    @property
    def count(self) -> int:
        return self._others.n

    def arms(self) -> tuple[ArmResult, ...]:
        return ()

    def conclude(self, books: Books) -> Verdict:  # noqa: ARG002
        return Verdict(
            self._plan.scenario,
            self.check,
            self._others.outcome,
            self._reason(),
            n=self._others.n,
            request=str(self._expectation.request),
            stage=self.stage or 0,
            evidence={
                "status": self._status,
                "others": dict(self._kinds),
                "first": self._first.id if self._first else "",
                "told": True,
            },
        )

    @property
    def _wanted(self) -> str:
        redirect = self._expectation.redirect
        if redirect:
            return f"{self._status} to {redirect.target}"
        abort = self._expectation.abort
        said = abort.grpc_status if abort and aborts_all(self._expectation) else said_of(self._expectation)
        return f"{self._status} (grpc-status {said})" if said is not None else str(self._status)

    def _reason(self) -> str:
        n, status, route = self._others.n, self._status, self._expectation.route
        why = f" at {route}" if route else f" ({self._expectation.note or 'no route matches'})"
        if self._first is not None:
            wanted = f"{self._wanted} by the proxy" if status else "no answer"
            text = f"{kinds(self._kinds, n)}, but {wanted} is specified{why}; the first was request {self._first.id}"
            taken = taken_by(self._plan, self.stage or 0, self.request or 0)
            return f"{text}; {taken}" if taken else text
        seen = f"answered {self._wanted} by the proxy" if status else "without an answer from any pod"
        if self._others.outcome is Outcome.PASSED:
            return f"all {n:,} requests were {seen}, as specified{why}"
        if not n:
            return "no request was observed"
        return f"only {n:,} requests were observed, {self._others.enough:,} are needed; all were {seen}"
