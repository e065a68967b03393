"""What a scenario or an inspection leads to, and how a broken harness or target is reported: never as a verdict."""

from __future__ import annotations

import traceback

from meshproof.border.verdict import Outcome, Verdict
from meshproof.errors import MeshproofError, TargetError
from meshproof.fork_server.limits import exhausted
from meshproof.records import dataclass
from meshproof.report.events import Broke, Emit


@dataclass(frozen=True, slots=True)
class Result:
    """Its outcome; where there are no verdicts `reason` says why, and `error` is what broke."""

    outcome: Outcome
    verdicts: tuple[Verdict, ...] = ()
    reason: str = ""
    error: Exception | None = None


def broken(scenario: str, error: Exception, emit: Emit) -> Result:
    """The result of a scenario that an error has ended, which is emitted as an event."""
    message, detail = described(error)
    emit(Broke(scenario, message, detail))
    return Result(Outcome.ERROR, reason=f"{message}\n{detail}".rstrip(), error=error)


def described(error: BaseException) -> tuple[str, str]:
    """An error as a message and the detail that goes with it, which is a traceback for an unexpected one."""
    if isinstance(error, TargetError):
        return error.message, error.detail
    if isinstance(error, MeshproofError):
        return str(error), ""
    if reason := exhausted(error):
        return f"this machine gives the harness no more: {reason}", ""
    message = f"unexpected {type(error).__name__}: {error}"
    return message, "".join(traceback.format_exception(error))
