"""Checks and their verdicts: pure computation over expectations, observations and books. No input or output."""

from meshproof.judge.answers.answers import Answers
from meshproof.judge.connection_pool.pool import ConnectionPool
from meshproof.judge.connection_pool.retry_budget import RetryBudget
from meshproof.judge.consistent_hash.consistent_hash import ConsistentHash
from meshproof.judge.errors.no_errors import NoErrors
from meshproof.judge.fault_injection.abort import Abort
from meshproof.judge.fault_injection.delay import Delay
from meshproof.judge.load_balancing.load_balancing import LoadBalancing
from meshproof.judge.localities.distribution import LocalityDistribution
from meshproof.judge.localities.failover import LocalityFailover
from meshproof.judge.mirror.mirror import Mirror
from meshproof.judge.mirror.out_of_band import OutOfBand
from meshproof.judge.outlier_detection.outlier_detection import OutlierDetection
from meshproof.judge.retries_timeouts.retries import Retries
from meshproof.judge.retries_timeouts.timeout import Timeout
from meshproof.judge.retries_timeouts.trial import Asked
from meshproof.judge.split.each_split import EachSplit
from meshproof.judge.split.split import Split
from meshproof.judge.streams.streams import Streams
from meshproof.judge.warm_up.warm_up import WarmUp

__all__ = [
    "Abort",
    "Answers",
    "Asked",
    "ConnectionPool",
    "ConsistentHash",
    "Delay",
    "EachSplit",
    "LoadBalancing",
    "LocalityDistribution",
    "LocalityFailover",
    "Mirror",
    "NoErrors",
    "OutOfBand",
    "OutlierDetection",
    "Retries",
    "RetryBudget",
    "Split",
    "Streams",
    "Timeout",
    "WarmUp",
]
