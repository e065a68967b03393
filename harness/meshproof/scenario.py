"""A scenario: manifests, the load that drives them, and which properties must hold.

A scenario never states numbers that its manifests already state: checks derive them.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import field
from typing import Protocol, runtime_checkable

from meshproof.border.books import Books, Mark, Stall
from meshproof.border.expectation import Expectation
from meshproof.border.intents.intent import Intent, Never
from meshproof.border.load import Load
from meshproof.border.observation import Observation
from meshproof.border.steps import Fault, Step
from meshproof.border.verdict import ArmResult, Precision, Verdict
from meshproof.border.workload_fault import WorkloadFault
from meshproof.records import dataclass


class Trial(Protocol):
    """One check at work: fed with observations until it is decided.

    `check` is the name of its check; `stage` and `request` say which observations it wants (None: of
    every one, transitions included); `limit` is the most that it may need. It may be fed further
    after it has decided, as long as the load runs down.
    """

    check: str
    stage: int | None
    request: int | None
    limit: int

    def observe(self, observation: Observation) -> None: ...

    @property
    def decided(self) -> bool:
        """True when no further observation can change the verdict, or the cap is reached."""

    @property
    def count(self) -> int:
        """How many observations it has taken."""

    def arms(self) -> tuple[ArmResult, ...]:
        """Where each arm stands now, for progress and plots (empty for a check without arms)."""

    def conclude(self, books: Books) -> Verdict:
        """The verdict, once the load has ended; `seconds` is left to the caller."""


@runtime_checkable
class Reconciling(Protocol):
    """A trial that needs the workloads' books to decide.

    When it says that it is decided the load pauses, and once nothing is under way any more it is
    shown the books of all the load so far; it may then find that it needs more traffic.
    """

    stage: int | None

    def reconcile(self, books: Books) -> None: ...


@runtime_checkable
class Refutable(Protocol):
    """A trial that knows before it concludes that it will fail, whatever else is observed."""

    @property
    def refuted(self) -> bool: ...


@runtime_checkable
class Examinable(Refutable, Protocol):
    """A trial that may find in the workloads' books that it will fail."""

    def examine(self, books: Books) -> None:
        """Look at the books of all the load so far, while nothing is under way; `refuted` tells what came of it."""


@runtime_checkable
class Stepping(Protocol):
    """A trial of a `barrier` load: in its stage the pacing takes `steps` in order, with its request.

    `workloads` are those (`namespace/name`) whose pods hold the requests.
    """

    stage: int | None
    request: int | None
    steps: Sequence[Step]
    workloads: Sequence[str]


@runtime_checkable
class Ejecting(Protocol):
    """A trial of an `ejection` load, which makes pods fail and watches them being ejected and coming back.

    `workloads` are the Deployments (`namespace/name`) whose pods fail; `enough` is the number of
    errors after which a host that has not been ejected never will be; `soon` are the seconds after its
    return within which a host's next ejection is a second one; `at_once` is how many requests may be under way where
    errors are to come soon.
    """

    stage: int | None
    request: int | None
    workloads: Sequence[str]
    enough: int
    soon: float
    at_once: int

    def faults(self, hosts: int) -> tuple[Sequence[Fault], Sequence[Fault]]:
        """With so many hosts: the faults that eject nobody, and one for each ejection to make."""

    def stretch(self, hosts: int) -> int:
        """How many requests show where traffic goes."""

    def lasting(self, ejection: int) -> float:
        """Seconds that the first (0) ejection lasts at least, or a later one that came soon after each before it."""

    def pause(self, ejection: int) -> float:
        """Seconds after a host's return at which a later ejection is best made, so that its end tells most."""

    def rest(self, marks: Sequence[Mark], stalls: Sequence[Stall]) -> float:
        """Seconds after the last return at which one more ejection tells the interval."""

    def timeout(self, ejection: int) -> float:
        """Seconds after which a host must be back from its first (0) or a later ejection."""

    def wanting(self, marks: Sequence[Mark], stalls: Sequence[Stall]) -> bool:
        """Whether one more ejection is needed, because what was seen does not tell the interval."""


@runtime_checkable
class Balancing(Protocol):
    """A trial of a `balance` load, which keeps one of several pods busy; `workloads` are `namespace/name`."""

    stage: int | None
    request: int | None
    workloads: Sequence[str]

    def among(self, pods: int) -> bool:
        """Take how many pods there are; False where nothing can be told of so many."""

    def chose(self, busy: bool) -> None:
        """Take one further request: did the busy pod get it?"""

    @property
    def enough(self) -> bool:
        """Whether no further request is needed."""


@runtime_checkable
class FailingOver(Protocol):
    """A trial of a `failover` load, which makes the pods of one place after the other fail until they are ejected.

    `levels` are the workloads (`namespace/name`) of each place, those that are called first in front; `enough` is as
    for Ejecting, `stretch` the number of requests that show whose turn it is, and `shortest` the seconds that an
    ejection lasts at least.
    """

    stage: int | None
    request: int | None
    levels: Sequence[Sequence[str]]
    enough: int
    stretch: int
    shortest: float

    def back_within(self, times: int) -> float:
        """Seconds after which a pod must be back that has been ejected so many times."""

    def forgotten(self, times: int) -> float:
        """Seconds after a return after which an ejection lasts as long as a first one, after so many in a row."""

    def apart(self, at_least: float) -> float:
        """Seconds, so many or some more, from the ejection of one place to that of the next."""

    def rest(self, marks: Sequence[Mark], stalls: Sequence[Stall]) -> float:
        """Seconds after the last return at which one more ejection tells the interval."""

    def wanting(self, marks: Sequence[Mark], stalls: Sequence[Stall]) -> bool:
        """Whether one more ejection is needed, because what was seen does not tell the interval."""

    def fault(self, hosts: int) -> Fault | None:
        """What ejects a pod of so many, None where nothing does."""

    def may_eject(self, hosts: int, of: int) -> bool:
        """Whether so many pods of so many may be ejected at once."""


@runtime_checkable
class WarmingUp(Protocol):
    """A trial of a `warmup` load: in its stage pods come, those of the `new` workloads (`namespace/name`).

    They warm up for so many `seconds`, as long as those of the `old` workloads have to be there by then. With less than
    `least_rate` requests a second it is not seen what they get.
    """

    stage: int | None
    request: int | None
    old: Sequence[str]
    new: Sequence[str]

    @property
    def seconds(self) -> float: ...

    @property
    def least_rate(self) -> float: ...

    def wanting(self, marks: Sequence[Mark]) -> bool:
        """Whether they are to come once more, because too little was seen of what they get."""


@runtime_checkable
class Bounded(Protocol):
    """A trial that says itself how many more observations of each request it wants, until it has decided."""

    def wants(self, request: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What a check is given: for each stage, for each request of the load, what must become of it.

    `workload_faults` are in force all the time: how workloads misbehave whatever the mesh does. `applied` is, in the
    same places, what the applied manifests say, where they are others than the specified ones, and `otherwise` which
    objects they have otherwise where no rule of theirs takes a request (empty: one does). `drawn` is how many drawn
    shares all loads of a run decide that share its error rates (0: this plan is alone). `clients` is how many clients,
    each with a proxy of its own, send.
    """

    scenario: str
    stages: tuple[tuple[Expectation, ...], ...]
    precision: Precision
    workload_faults: tuple[WorkloadFault, ...] = ()
    applied: tuple[tuple[Expectation, ...], ...] = ()
    otherwise: tuple[tuple[str, ...], ...] = ()
    drawn: int = 0
    clients: int = 1


class Check(Protocol):
    """A property to hold, such as Split() or NoErrors()."""

    @property
    def name(self) -> str: ...

    def begin(self, plan: Plan) -> Sequence[Trial]: ...


@runtime_checkable
class Drawing(Protocol):
    """A check that decides drawn shares: α, that a conforming mesh is failed, is divided among them."""

    def drawn(self, plan: Plan) -> int:
        """How many of them there are in a plan, at most."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One capability put to the proof.

    `manifests` and `changes` are files beside the scenario. Each of `changes` is applied in turn
    under the running load, replacing the resources of the same kind and name: one more stage of the
    scenario, whose expectations are its own. `features` are what a target must offer, else the
    scenario is skipped with that reason. `workload_faults` are in force while the load runs. A scenario that
    `mostly_waits` runs beside others. One that takes very many requests (`thorough`) runs
    only where it is named. `intents` are decided by prediction and then proved beside `expect`, once all changes are
    in force; where they are all that is wanted, no load is named. `client` is the workload among the manifests that
    sends the requests (`NAME`, or `NAMESPACE/NAME`), where the target can have any client send them; empty: its own.
    """

    name: str
    description: str
    manifests: Sequence[str]
    load: Load = field(default_factory=lambda: Load("steady", ()))
    expect: Sequence[Check] = ()
    changes: Sequence[str] = ()
    features: Set[str] = field(default_factory=frozenset)
    workload_faults: Sequence[WorkloadFault] = ()
    mostly_waits: bool = False
    thorough: bool = False
    intents: Sequence[Intent | Never] = ()
    client: str = ""
