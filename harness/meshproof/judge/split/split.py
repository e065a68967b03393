"""The observed split of traffic is the specified one."""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.verdict import Precision
from meshproof.judge.expectations import placed
from meshproof.judge.split.misrouted import Misrouted, misrouted
from meshproof.judge.split.obstacle import obstacle
from meshproof.judge.split.proxy_answer import AnswerTrial
from meshproof.judge.split.trial import SplitTrial, drawn, is_by_proxy
from meshproof.judge.undecidable import UndecidableTrial
from meshproof.records import dataclass
from meshproof.scenario import Plan, Trial


@dataclass(frozen=True)
class Split:
    """Each destination gets its specified share of the requests, and nothing goes elsewhere.

    One trial for each stage and request of the plan. The error rates hold for the plan as a whole:

    * α, that a conforming mesh is failed, is shared equally among all arms of all trials and among
      both sides of each (Bonferroni). This costs next to nothing, because the requests that a
      conforming arm needs depend on β. Arms of share 0 or 1 need none of it: no conforming mesh can
      fail them.
    * β, that a wrong mesh is passed, is not divided. A mesh is wrong when some arm is wrong by its
      tolerance or more, and it is passed only if that very arm is passed too, which happens with
      probability β at most, however many others there are.

    `behind_gateways` says whether it is known which pod answers a request that enters by a gateway; without that such
    requests are left out.
    """

    name: str = "Split"
    behind_gateways: bool = True

    def begin(self, plan: Plan) -> Sequence[Trial]:
        rates = plan.precision.shared(max(plan.drawn, self.drawn(plan)))
        others = misrouted(plan)
        return [
            trial_of(self.name, plan, stage, request, rates, others)
            for stage, request, one in placed(plan)
            if self.behind_gateways or not one.request.gateway or is_by_proxy(one)
        ]

    def drawn(self, plan: Plan) -> int:
        """How many drawn shares are decided, at most."""
        return sum(drawn(one) for row in plan.stages for one in row)


def trial_of(check: str, plan: Plan, stage: int, request: int, rates: Precision, others: Misrouted) -> Trial:
    """The trial of one request; α of `rates` is what each drawn share may claim, `others` is shared by them all."""
    expectation = plan.stages[stage][request]
    if is_by_proxy(expectation):
        return AnswerTrial(check, plan, stage, request)
    if why := obstacle(expectation):
        return UndecidableTrial(check, plan, stage, request, why)
    return SplitTrial(check, plan, stage, request, rates, others)
