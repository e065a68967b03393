"""Whether two shares differ, each of them counted until a sequential test had decided.

The numbers of requests depend on what was counted, so a test for fixed numbers would be wrong. For each share p the
mixture of all likelihoods (p uniform) over the likelihood at p is a nonnegative martingale that begins at 1. The
product of those of both runs, over the greatest likelihood that one common p has, is no greater for the true p; so it
reaches 1/α with probability α at most, whenever either run stops (Ville's inequality; Wasserman, Ramdas, Balakrishnan
2020, https://doi.org/10.1073/pnas.1922664117).
"""

from __future__ import annotations

import math


def bound(first: tuple[int, int], other: tuple[int, int]) -> float:
    """How probable a difference as great as this is at most, where there is none; each is a count of so many trials."""
    if not (first[1] and other[1]):
        return 1.0
    mixtures = _mixture(*first) + _mixture(*other)
    count, trials = first[0] + other[0], first[1] + other[1]
    return math.exp(min(0.0, _greatest(count, trials) - mixtures))


def _mixture(count: int, trials: int) -> float:
    """The logarithm of the likelihood of these trials in their order, averaged over all shares."""
    return math.lgamma(count + 1) + math.lgamma(trials - count + 1) - math.lgamma(trials + 2)


def _greatest(count: int, trials: int) -> float:
    """The logarithm of their greatest likelihood, at the share that was counted."""
    return _term(count, trials) + _term(trials - count, trials)


def _term(count: int, trials: int) -> float:
    return count * math.log(count / trials) if count else 0.0
