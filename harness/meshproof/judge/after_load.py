"""Trials that are judged when the load has ended: what was driven shows it, and not how many requests there were."""

from __future__ import annotations

from meshproof.border.observation import Observation
from meshproof.border.verdict import ArmResult


class AfterLoad:
    """Keeps what clients saw of its stage."""

    stage: int | None

    def __init__(self) -> None:
        self._seen: list[Observation] = []

    def observe(self, observation: Observation) -> None:
        if observation.stage == self.stage:
            self._seen.append(observation)

    @property
    def decided(self) -> bool:
        return True

    @property
    def count(self) -> int:
        return len(self._seen)

    def arms(self) -> tuple[ArmResult, ...]:
        return ()
