"""What was seen in one step of a barrier."""

from __future__ import annotations

from typing import Any

from meshproof.border import grpc
from meshproof.border.books import Mark
from meshproof.border.observation import UNANSWERED, Observation
from meshproof.border.steps import AtOnce, Blocked, ConcurrentUsers, Failing, Rested, Step
from meshproof.records import dataclass

OVERLOADED = "x-envoy-overloaded"
AT_ARRIVAL = ("size", "held", "queued", "answered")


@dataclass(frozen=True, slots=True)
class StepResult:
    """A step, what was marked at its end (`mark`) and as each request arrived (`arrivals`), and what clients saw.

    `before` is how many requests had been sent one by one before it, since the pool was new.
    """

    step: Step
    mark: Mark
    arrivals: tuple[Mark, ...]
    observations: tuple[Observation, ...]
    before: int = 0

    @property
    def retried(self) -> bool:
        return isinstance(self.step, Failing) or (isinstance(self.step, AtOnce) and self.step.fails > 0)

    @property
    def clients(self) -> int:
        """How many clients sent as much as the step says, each by its own proxy."""
        return int(self.mark.values.get("clients", 1))

    @property
    def refused(self) -> int:
        return sum(map(is_refused, self.observations))

    @property
    def served(self) -> int:
        return sum(1 for one in self.observations if one.pod and one.status == 200)

    @property
    def given_up(self) -> float:
        """After how many seconds a client gave up waiting, though requests were held for longer; 0 where none did.

        It is not known whether it was while they were: nothing of such a step is judged.
        """
        held = self.mark.values.get("held_for", 0.0)
        vain = [one.latency for one in self.observations if one.error.startswith(UNANSWERED) and one.latency <= held]
        return min(vain, default=0.0)

    def counted(self, name: str) -> int:
        """How much a counter grew in this step."""
        return int(self.mark.values.get(name, 0))

    def evidence(self) -> dict[str, Any]:
        """For reports: plain data."""
        return {
            "at": round(self.mark.at, 3),
            "served": self.served,
            "refused": self.refused,
            **{name: int(value) for name, value in self.mark.values.items()},
            "step": str(self.step),
            "stood": [[int(one.values[name]) for name in AT_ARRIVAL] for one in self.arrivals],
        }

    def summary(self) -> str:
        """One phrase of what was seen."""
        step = self.step
        if isinstance(step, AtOnce) and self.arrivals:
            last = self.arrivals[-1].values
            what = "retries" if step.fails else "requests"
            others = f" beside {step.beside} requests that were held" if step.beside else ""
            each = f" from each of {self.clients} clients" if self.clients > 1 else ""
            return (
                f"of {step.size} {what} at once{each}{others} {last['held'] - step.beside:g} reached the pod, "
                f"{last['queued']:g} waited, {last['answered']:g} {'was' if last['answered'] == 1 else 'were'} refused"
            )
        if isinstance(step, ConcurrentUsers):
            return f"{step.users} user{'s'[: step.users > 1]}: {self.served} served and {self.refused} refused"
        if isinstance(step, Blocked) and self.observations:
            return f"a connection that did not open was given up after {self.observations[0].latency:.2f} s"
        if isinstance(step, Rested):
            kept = "closed" if self.counted("connections") else "kept"
            return f"a connection without a request for {self.mark.values['rested']:.2f} s was {kept}"
        return ""


def is_refused(observation: Observation) -> bool:
    """Whether a proxy refused it because a limit was reached."""
    said = observation.status == 503 or (observation.status == 200 and observation.grpc_status == grpc.UNAVAILABLE)
    return said and not observation.pod and any(n == OVERLOADED for n, _ in observation.headers)
