"""Checks and their verdicts: pure computation over expectations and observations."""

from meshproof.judge.mirror import Mirror
from meshproof.judge.mirror_out_of_band import OutOfBand
from meshproof.judge.no_errors import NoErrors
from meshproof.judge.split import Split

__all__ = ["Mirror", "NoErrors", "OutOfBand", "Split"]
