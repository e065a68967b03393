"""What is not proved, each with the object or rule that it depends on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from meshproof.border.coverage import Coverage, Dependence, Unproved
from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import Location
from meshproof.inspection import Examination
from meshproof.records import dataclass

NAMED = 3
NOWHERE = Location("", 1, 1)


@dataclass(frozen=True, slots=True)
class Understood:
    """Whether what a request or a rule depends on is understood; where it is not, nothing of it is proved.

    `alike` are the places of others of which all the same is to be said.
    """

    dependence: Dependence
    alike: tuple[Location, ...] = ()
    name: str = "Understood"

    def judge(self, facts: Coverage) -> Verdict:  # noqa: ARG002
        one = self.dependence
        requests, rules = len(one.requests), len(one.rules)
        what = f"{requests} request{'s' * (requests != 1)}"
        what += f" of {rules} rule{'s' * (rules != 1)}" if rules else ""
        costs = (
            f"{what} {'is' if requests == 1 else 'are'} not proved for it"
            if one.requests
            else "no request was found that shows what it does"
        )
        named = f" ({', '.join(one.requests[:NAMED])}{' …' if requests > NAMED else ''})" if requests else ""
        wrong = " (a cluster refuses it)" if one.refused else ""
        needs = f"; {one.needs}" if one.needs else ""
        needs += f"; so it is with {len(self.alike)} more, up to {self.alike[-1]}" if self.alike else ""
        reason = f"{one.location}: {one.subject}: {one.why}{wrong}: {costs}{named}{needs}"
        evidence = {"location": str(one.location), "kind": one.kind, "requests": list(one.requests)}
        return Verdict("", self.name, Outcome.INCONCLUSIVE, reason, request=one.subject, evidence=evidence)


@dataclass(frozen=True, slots=True)
class Reached:
    """Whether a request is known that reaches a rule; where none is, the rule is not proved."""

    rule: Location
    why: str
    name: str = "Reached"

    def judge(self, facts: Coverage) -> Verdict:  # noqa: ARG002
        reason = f"{self.rule}: {self.why}"
        return Verdict("", self.name, Outcome.INCONCLUSIVE, reason, request=str(self.rule))


@dataclass(frozen=True, slots=True)
class Answerable:
    """Whether anything can answer a request that a person named; that nothing does is no pass."""

    request: str
    why: str
    name: str = "Answerable"

    def judge(self, facts: Coverage) -> Verdict:  # noqa: ARG002
        return Verdict(
            "", self.name, Outcome.INCONCLUSIVE, f"no answer to it can be held: {self.why}", request=self.request
        )


@dataclass(frozen=True, slots=True)
class AllProbed:
    """Whether every probe of the rules' boundaries is sent; what is left out is not proved."""

    left_out: tuple[tuple[Location, int], ...]
    name: str = "AllProbed"

    def judge(self, facts: Coverage) -> Verdict:  # noqa: ARG002
        total, places = sum(number for _, number in self.left_out), len(self.left_out)
        named = ", ".join(f"{number} at {place}" for place, number in self.left_out[:NAMED])
        more = f" and {places - NAMED} more" if places > NAMED else ""
        reason = (
            f"{total:,} probes of the boundaries and overlaps of {places} rule{'s' * (places != 1)} are not sent, for "
            f"there are too many: {named}{more}; --thorough sends them all"
        )
        evidence = {"left_out": {str(place): number for place, number in self.left_out}}
        return Verdict("", self.name, Outcome.INCONCLUSIVE, reason, evidence=evidence)


@dataclass(frozen=True, slots=True)
class Enforced:
    """Whether a load proves that a policy of a destination is enforced; where none does, the policy is not proved."""

    policy: Unproved
    name: str = "Enforced"

    def judge(self, facts: Coverage) -> Verdict:  # noqa: ARG002
        one = self.policy
        reason = f"{one.location}: {one.kind} of {one.destination} is not proved: {one.why}"
        evidence = {"location": str(one.location), "kind": one.kind}
        return Verdict("", self.name, Outcome.INCONCLUSIVE, reason, request=one.destination, evidence=evidence)


@dataclass(frozen=True, slots=True)
class Exercised:
    """Whether anything is sent at all; where nothing is, nothing is proved."""

    name: str = "Exercised"

    def judge(self, facts: Coverage) -> Verdict:  # noqa: ARG002
        reason = "nothing is sent: no rule and no Service among these manifests takes a request; add what they are for"
        return Verdict("", self.name, Outcome.INCONCLUSIVE, reason)


@dataclass(frozen=True, slots=True)
class Covered:
    """Everything that was read is understood, and each rule has a request that shows it."""

    name: str = "Covered"

    def judge(self, facts: Coverage) -> Verdict:
        return Verdict("", self.name, Outcome.PASSED, f"{len(facts.rules)} rules, each with a request that shows it")


def _understood(several: Iterable[Dependence]) -> Iterator[Understood]:
    """One for all of which the same is to be said: a chart that is not rendered has hundreds of templates."""
    together: dict[Dependence, list[Dependence]] = {}
    for one in several:
        together.setdefault(replace(one, location=NOWHERE), []).append(one)
    for first, *more in together.values():
        yield Understood(first, tuple(one.location for one in more))


def examinations(facts: Coverage) -> Sequence[Examination[Coverage]]:
    """What is to be said of a coverage: a verdict for each thing that is not understood or not reached."""
    found: list[Examination[Coverage]] = [*_understood(one for one in facts.dependences if not one.allowed)]
    found += [Reached(rule, why) for rule, why in facts.unreached]
    found += [Answerable(request, why) for request, why in facts.unanswered]
    found += [AllProbed(facts.left_out)] if facts.left_out else []
    found += [Enforced(one) for one in facts.unproved if not one.allowed]
    return found or [Covered() if facts.requests else Exercised()]
