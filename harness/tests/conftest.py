"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# Tests start the product hundreds of times, as people have it: with its modules compiled once and not each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# How long an example takes to draw or to try says something about the machine, and nothing about a property.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
