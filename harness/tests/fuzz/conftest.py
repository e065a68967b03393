"""How many inputs each reader is given: seconds' worth in the test command, minutes' in `tox -e fuzz`."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("MESHPROOF_FUZZ_EXAMPLES", "60"))

# Seconds of processor time that a reader may take for one input.
LONGEST = 2.0

sys.path.insert(0, str(Path(__file__).parent))
settings.register_profile(
    "fuzz",
    max_examples=EXAMPLES,
    # Of processor time, not by a clock that runs on while others work: see `limited`.
    deadline=None,
    derandomize=EXAMPLES <= 60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def limited(test: Callable[..., Any]) -> Callable[..., Any]:
    """The test of one input, which fails when that took too long."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        began = time.process_time()
        test(*args, **kwargs)
        used = time.process_time() - began
        assert used <= LONGEST, f"one input took {used:.1f} s of processor time"

    return run


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each property here is held input by input within the limit."""
    own = Path(__file__).parent
    for item in items:
        found = getattr(getattr(item, "obj", None), "hypothesis", None)
        if found is not None and own in item.path.parents and not hasattr(found.inner_test, "__wrapped__"):
            found.inner_test = limited(found.inner_test)
