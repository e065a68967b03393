"""How many inputs each reader is given: seconds' worth in the test command, minutes' in `tox -e fuzz`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("MESHPROOF_FUZZ_EXAMPLES", "60"))

sys.path.insert(0, str(Path(__file__).parent))
settings.register_profile(
    "fuzz",
    max_examples=EXAMPLES,
    deadline=2000,
    derandomize=EXAMPLES <= 60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
