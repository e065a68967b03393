"""What holds for all tests."""

from __future__ import annotations

import os

# Tests start the product hundreds of times, as people have it: with its modules compiled once and not each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
