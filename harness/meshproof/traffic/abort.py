"""The end of a Locust process that cannot go on: its harness reads why."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def abort(why: str) -> NoReturn:
    """End this process at once; `why` is the end of its log."""
    print(why, file=sys.stderr, flush=True)
    os._exit(1)
