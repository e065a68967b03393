"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings
from meshproof.language.words import VARIABLES, of_environment

# Tests start the product hundreds of times, as people have it: with its modules compiled once and not each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# The product speaks the language of its environment, and tests read English.
if of_environment(os.environ) != "en":
    os.environ |= dict.fromkeys(VARIABLES, "C.UTF-8")

# How long an example takes to draw or to try says something about the machine, and nothing about a property.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
