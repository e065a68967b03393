"""The exit codes of a run."""

from __future__ import annotations

from meshproof.border.verdict import Outcome

EXIT_PASSED, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_BROKE, EXIT_USAGE, EXIT_NOTHING = range(6)


class VerdictCode(int):
    """An exit code that a verdict stands behind: what becomes of the text about it changes nothing."""


def exit_code(outcome: Outcome) -> int:
    """The exit code of a run whose worst outcome this is."""
    return {
        Outcome.PASSED: EXIT_PASSED,
        Outcome.SKIPPED: EXIT_NOTHING,
        Outcome.ERROR: EXIT_BROKE,
    }.get(outcome, EXIT_FAILED)
