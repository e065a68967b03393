"""Observations to trials, and credit back to the load generator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import ceil

from meshproof.border.books import Books
from meshproof.border.observation import Observation
from meshproof.scenario import Bounded, Examinable, Reconciling, Refutable, Trial

# How much further a trial is when it is told again; of so many trials that nobody sees each at once, more.
PROGRESS_GROWTH = 1.08
MANY_TRIALS, GROWTH_OF_MANY = 24, 1.25
# A fail-fast load sends about so many requests of a stage, and each at least so often, before the books are read.
FIRST_EXAMINED = 64
FIRST_EXAMINED_EACH = 8
# The generator is kept busy by so many windows in all, and by so many requests of each index that is still wanted.
WINDOWS = 4
LEAST_AHEAD = 8


class Feed:
    """Hands each observation to the trials that want it and computes how much more traffic is needed.

    The generator may be at most `window` requests of each index ahead of what has been judged, and of all of them
    together not many more: so a verdict stops the load soon after, whatever the machine's speed. A Bounded trial
    limits how many it wants. `seen` counts the observations of each request, `last` is the newest
    one. With `fail_fast` nothing is wanted any more once one of the trials is refuted: for a load that is only to
    show that its checks can fail. Unless `early` is False, trials that can be refuted by the books see them early
    then. `first` is the first stage that it is about: each request gets no more than a window of those before.
    """

    def __init__(
        self,
        trials: Sequence[Trial],
        requests: int,
        window: int,
        *,
        fail_fast: bool = False,
        early: bool = True,
        first: int = 0,
    ) -> None:
        self.stage = 0
        self.last_stage = max((trial.stage or 0 for trial in trials), default=0)
        self.trials = tuple(trials)
        self.seen = [0] * requests
        self.last: Observation | None = None
        self._most_ahead = window
        self._window = self._ahead(requests)
        self.first = first
        self._taken = Counter[tuple[int, int]]()
        self._refutable = tuple(trial for trial in trials if isinstance(trial, Refutable)) if fail_fast else ()
        self._examinable = (
            tuple(trial for trial in trials if isinstance(trial, Examinable)) if fail_fast and early else ()
        )
        self._first_examined = max(FIRST_EXAMINED_EACH, ceil(FIRST_EXAMINED / requests))
        self._examined: set[int] = set()
        self._routes: dict[tuple[int, int], tuple[Trial, ...]] = {}
        self._marks: dict[int, int] = {}
        self._growth = PROGRESS_GROWTH if len(self.trials) < MANY_TRIALS else GROWTH_OF_MANY
        self._bounded: dict[Trial, Bounded] = {trial: trial for trial in self.trials if isinstance(trial, Bounded)}
        # Trials by which the credit of requests changes that have not been observed: all others want by request.
        self._wide = tuple(
            trial
            for trial in self.trials
            if isinstance(trial, Reconciling) or (trial.request is None and trial not in self._bounded)
        )
        self._state: tuple[object, ...] = ()
        self._observed: set[int] = set()
        self._credit: dict[int, int] = {}

    def _ahead(self, wanted: int) -> int:
        """How many requests of one index may be under way where so many are wanted."""
        most = self._most_ahead
        return min(most, max(LEAST_AHEAD, WINDOWS * most // wanted)) if wanted else most

    def _wanting(self, stage: int, request: int) -> tuple[Trial, ...]:
        key = (stage, request)
        if key not in self._routes:
            self._routes[key] = tuple(
                t for t in self.trials if t.stage in (None, stage) and t.request in (None, request)
            )
        return self._routes[key]

    def take(self, batch: Iterable[Observation]) -> None:
        """Hand over a batch."""
        for observation in batch:
            self.seen[observation.request] += 1
            self._observed.add(observation.request)
            self._taken[observation.stage, observation.request] += 1
            for trial in self._wanting(observation.stage, observation.request):
                trial.observe(observation)
            self.last = observation

    def settled(self) -> bool:
        """True when this stage needs no more traffic."""
        return not any(self._wanted(request) for request in range(len(self.seen)))

    @property
    def over(self) -> bool:
        """True when nothing needs to be sent in any stage any more, for a refuted trial is all that was wanted."""
        return any(trial.refuted for trial in self._refutable)

    def _wanted(self, request: int) -> int:
        """How many more requests of that index may be under way."""
        # A transition keeps every request flowing: that nothing fails while the configuration
        # changes can only be seen under load.
        if self.stage < 0:
            return self._window
        if self.stage < self.first and self._taken[self.stage, request] >= self._window:
            return 0
        most = 0
        for trial in self._wanting(self.stage, request):
            if not trial.decided and (trial.stage is not None or self.stage == self.last_stage):
                bounded = self._bounded.get(trial)
                most = max(most, min(self._window, bounded.wants(request)) if bounded else self._window)
        return min(most, max(0, self._first_examined - self._taken[self.stage, request])) if self.examining else most

    @property
    def examining(self) -> bool:
        """True while no more is wanted of this stage than what the books are read after."""
        return bool(self._examinable) and self.stage >= self.first and self.stage not in self._examined

    def examine(self, books: Books) -> None:
        """Show the books of all the load so far to the trials that may be refuted by them."""
        self._examined.add(self.stage)
        for trial in self._examinable:
            trial.examine(books)

    def grants(self) -> Iterator[tuple[int, int]]:
        """For each request still wanted, how many may have been sent in all."""
        for _ in self.further_grants():
            pass
        yield from self._credit.items()

    def further_grants(self) -> Iterator[tuple[int, int]]:
        """The same for those requests alone of which it may have changed since it was last asked for."""
        state = (self.stage, self.examining, *(trial.decided for trial in self._wide))
        known = state == self._state and not self.over
        self._window = self._ahead(len(self._credit) or len(self.seen))
        asked = self._observed if known else range(len(self.seen))
        self._state, self._observed = state, set()
        for request in asked:
            more = 0 if self.over else self._wanted(request)
            if more:
                self._credit[request] = self.seen[request] + more
                yield request, self._credit[request]
            else:
                self._credit.pop(request, None)

    @property
    def wanting(self) -> bool:
        """Whether anything was still wanted when it was last asked for."""
        return bool(self._credit)

    def progressed(self) -> Iterator[Trial]:
        """The trials that have come far enough since they were last reported (or were just decided)."""
        for number, trial in enumerate(self.trials):
            mark = self._marks.get(number, 1)
            if mark and (trial.count >= mark or (trial.decided and trial.count)):
                grown = max(mark + 5, int(trial.count * self._growth))
                self._marks[number] = 0 if trial.decided else grown
                yield trial
