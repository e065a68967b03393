"""How many inputs each reader is given: seconds' worth in the test command, minutes' in `tox -e fuzz`."""

from __future__ import annotations

import functools
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

USUAL = 60
EXAMPLES = int(os.environ.get("MESHPROOF_FUZZ_EXAMPLES", str(USUAL)))

# Seconds of processor time that a reader may take for one input, and memory in MB beyond what the process had by then.
LONGEST = 2.0
LARGEST = 300.0

sys.path.insert(0, str(Path(__file__).parent))
settings.register_profile(
    "fuzz",
    max_examples=EXAMPLES,
    # Of processor time, not by a clock that runs on while others work: see `limited`.
    deadline=None,
    derandomize=EXAMPLES <= USUAL,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@dataclass
class Worst:
    """What was asked of readers: how many inputs, the slowest and the largest of them."""

    inputs: int = 0
    seconds: float = 0.0
    slowest: str = ""
    megabytes: float = 0.0
    largest: str = ""


WORST = Worst()


def peak() -> float:
    """The most memory that this process has had until now, in MB."""
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def limited(test: Callable[..., Any]) -> Callable[..., Any]:
    """The test of one input, which fails when that took too long or too much."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        began, had = time.process_time(), peak()
        test(*args, **kwargs)
        used, grown = time.process_time() - began, peak() - had
        WORST.inputs += 1
        if used > WORST.seconds:
            WORST.seconds, WORST.slowest = used, test.__name__
        if grown > WORST.megabytes:
            WORST.megabytes, WORST.largest = grown, test.__name__
        assert used <= LONGEST, f"one input took {used:.1f} s of processor time"
        assert grown <= LARGEST, f"one input took {grown:.0f} MB of memory"

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What docs/proofs.md says of a long run."""
    if EXAMPLES > USUAL and WORST.inputs:
        terminalreporter.write_line(
            f"{WORST.inputs:,} inputs; at most {WORST.seconds:.2f} s of processor time ({WORST.slowest}) "
            f"and {WORST.megabytes:.0f} MB more memory ({WORST.largest}) for one"
        )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each property here is held input by input within the limit."""
    own = Path(__file__).parent
    for item in items:
        found = getattr(getattr(item, "obj", None), "hypothesis", None)
        if found is not None and own in item.path.parents and not hasattr(found.inner_test, "__wrapped__"):
            found.inner_test = limited(found.inner_test)
