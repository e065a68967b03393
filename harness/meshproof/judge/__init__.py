"""Checks and their verdicts: pure computation over expectations and observations."""

from meshproof.judge.answers import Answers
from meshproof.judge.mirror import Mirror
from meshproof.judge.mirror_out_of_band import OutOfBand
from meshproof.judge.no_errors import NoErrors
from meshproof.judge.pool import ConnectionPool
from meshproof.judge.split import Split

__all__ = ["Answers", "ConnectionPool", "Mirror", "NoErrors", "OutOfBand", "Split"]
