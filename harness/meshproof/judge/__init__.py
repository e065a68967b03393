"""Checks and their verdicts: pure computation over expectations and observations."""

from meshproof.judge.no_errors import NoErrors
from meshproof.judge.split import Split

__all__ = ["NoErrors", "Split"]
