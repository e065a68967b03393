"""How a broken harness or target is reported: never as a verdict."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field

from meshproof.errors import MeshproofError, TargetError
from meshproof.report.events import Broke, Event


def described(error: BaseException) -> tuple[str, str]:
    """An error as a message and the detail that goes with it, which is a traceback for an unexpected one."""
    if isinstance(error, TargetError):
        return error.message, error.detail
    if isinstance(error, MeshproofError):
        return str(error), ""
    message = f"unexpected {type(error).__name__}: {error}"
    return message, "".join(traceback.format_exception(error))


@dataclass(slots=True)
class Breaks:
    """A Handler that keeps the messages of what broke, each with its detail."""

    messages: list[str] = field(default_factory=list)

    def handle(self, event: Event) -> None:
        if isinstance(event, Broke):
            self.messages.append("\n".join(filter(None, (event.message, event.detail))))

    def close(self) -> None: ...
