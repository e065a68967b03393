"""The proxy aborts the specified share of the requests, and only those."""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.books import Books
from meshproof.border.expectation import Abort as AbortFault
from meshproof.border.observation import Observation
from meshproof.judge.fault_injection.injection import Injection, begin, drawn
from meshproof.judge.fault_injection.trial import FaultTrial
from meshproof.judge.injected_faults import ABORTS, injected
from meshproof.judge.own_answer import is_own
from meshproof.judge.wording import counted
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial


@dataclass(frozen=True)
class Abort:
    """`fault.abort`: the proxy itself answers its share of the requests, and none of those reaches a pod.

    One trial for each stage and request with an abort; shares of 0 and 1 are exact. Two counts beside the client's
    must agree with it: no pod received a request that was aborted, and, in a load of one stage, the proxies'
    own count of aborts is that of the aborted requests
    (https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/fault_filter#statistics).

    α is divided equally among the drawn shares (Bonferroni), β is not: see Split.
    """

    name: str = "Abort"

    def begin(self, plan: Plan) -> Sequence[Trial]:
        tally = Tally()
        return begin(self.name, plan, "abort", lambda one: one.abort, lambda one: AbortTrial(one, tally))

    def drawn(self, plan: Plan) -> int:
        """How many drawn shares are decided."""
        return drawn(plan, lambda one: one.abort)


@dataclass(slots=True)
class Tally:
    """How many requests were aborted, in all trials of a load."""

    aborted: int = 0


class AbortTrial(FaultTrial):
    """The aborts of one kind of request."""

    def __init__(self, injection: Injection[AbortFault], tally: Tally) -> None:
        super().__init__(injection, _label(injection.fault))
        self._status, self._grpc_status = injection.fault.status, injection.fault.grpc_status
        self._aborted: set[str] = set()
        self._tally = tally

    def hit(self, observation: Observation) -> bool:
        if not is_own(observation, self._status, self._grpc_status):
            return False
        self._aborted.add(observation.id)
        self._tally.aborted += 1
        return True

    def flaw(self, books: Books) -> str:
        reached = self._reached(books)
        if reached:
            pods = sorted({one for _, one in reached})
            number = counted(len({id for id, _ in reached}), len(self._aborted))
            return (
                f"{number} received by {', '.join(pods)} all the same, though the proxy answered them "
                f"(the first was request {min(reached)[0]})"
            )
        own = injected(books, self._plan, ABORTS)
        if own is not None and len(self._plan.stages) == 1 and own != self._tally.aborted:
            return (
                f"the proxies injected {own:,} aborts ({ABORTS}), but {self._tally.aborted:,} requests were "
                "answered as if they were aborted"
            )
        return ""

    def passed(self) -> str:
        return "none of these reached a pod" if self._aborted else ""

    def evidence(self, books: Books) -> dict[str, object]:
        return {"aborted": len(self._aborted), "injected": injected(books, self._plan, ABORTS)}

    def _reached(self, books: Books) -> set[tuple[str, str]]:
        return {(one.id, book.pod) for book in books.pods for one in book.requests if one.id in self._aborted}


def _label(fault: AbortFault) -> str:
    said = f" and grpc-status {fault.grpc_status}" if fault.grpc_status is not None else ""
    return f"aborted with {fault.status}{said}"
