"""What broke in a pytest run, kept for the test or the summary that reports it."""

from __future__ import annotations

from dataclasses import field

from meshproof.plugin.wording import as_pytest
from meshproof.records import dataclass
from meshproof.report.events import Broke, Event


@dataclass(slots=True)
class Breaks:
    """A Handler that keeps the messages of what broke, each with its detail."""

    messages: list[str] = field(default_factory=list)

    def handle(self, event: Event) -> None:
        if isinstance(event, Broke):
            self.messages.append(as_pytest("\n".join(filter(None, (event.message, event.detail)))))

    def close(self) -> None: ...
