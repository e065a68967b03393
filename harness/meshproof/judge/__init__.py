"""Checks and their verdicts: pure computation over expectations and observations."""

from meshproof.judge.abort import Abort
from meshproof.judge.answers import Answers
from meshproof.judge.delay import Delay
from meshproof.judge.ejection import OutlierDetection
from meshproof.judge.mirror import Mirror
from meshproof.judge.mirror_out_of_band import OutOfBand
from meshproof.judge.no_errors import NoErrors
from meshproof.judge.pool import ConnectionPool
from meshproof.judge.retries import Retries
from meshproof.judge.split import Split
from meshproof.judge.timeout import Timeout
from meshproof.judge.together import Asked

__all__ = [
    "Abort",
    "Answers",
    "Asked",
    "ConnectionPool",
    "Delay",
    "Mirror",
    "NoErrors",
    "OutOfBand",
    "OutlierDetection",
    "Retries",
    "Split",
    "Timeout",
]
