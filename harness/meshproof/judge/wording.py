"""Numbers and answers as reports word them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from meshproof.border.observation import Observation

ERROR_CHARACTERS = 100
KINDS_NAMED = 3


def percent(share: float) -> str:
    """An observed share as `9.8 %`; never rounded to 0 or 100 unless it is exactly that."""
    for digits in range(1, 9):
        text = f"{100 * share:.{digits}f}"
        if share in (0, 1) or float(text) not in (0, 100):
            break
    return f"{float(text):.0f} %" if share in (0, 1) else f"{text} %"


def specified(share: float) -> str:
    """A specified share as written: `10 %`, `0.5 %`, `33.33 %`."""
    return f"{_trim(100 * share)} %"


def points(tolerance: float) -> str:
    """A tolerance as `3 points`."""
    return f"{_trim(100 * tolerance)} point{'' if tolerance == 0.01 else 's'}"


def _trim(number: float) -> str:
    return f"{number:.4g}" if number < 1 else f"{number:.2f}".rstrip("0").rstrip(".")


def counted(number: int, total: int) -> str:
    """`3 of 1,012 requests were`, in the grammatical number of the first."""
    return f"{number:,} of {total:,} requests {'was' if number == 1 else 'were'}"


def joined(words: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    several = list(words)
    return " and ".join([", ".join(several[:-1]), several[-1]] if len(several) > 2 else several)


def answer(observation: Observation) -> str:
    """How a request was answered: `answered 503 by the proxy`, `not answered (connection refused)`."""
    if not observation.status:
        error = " ".join(observation.error.split())[:ERROR_CHARACTERS]
        return f"not answered ({error})" if error else "not answered"
    said = f" (grpc-status {observation.grpc_status})" if observation.grpc_status is not None else ""
    by = observation.workload or observation.pod
    if not by:
        by = "the proxy" if observation.status >= 300 or said else "no pod that is known"
    return f"answered {observation.status}{said} by {by}"


def kinds(counts: Mapping[str, int], total: int) -> str:
    """Counts by kind, the most frequent first: `3 of 9 requests were answered 503 by the proxy`."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{counted(count, total)} {kind}" for kind, count in ranked[:KINDS_NAMED]]
    if len(ranked) > KINDS_NAMED:
        parts.append(f"{sum(count for _, count in ranked[KINDS_NAMED:]):,} more ended otherwise")
    return joined(parts)
