"""Locust in a process that forks: imported once, which takes most of a second, for all generators of a run.

This runs only as a program of its own: gevent patches the process that imports Locust, and gRPC hangs under that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from meshproof.fork_server.server import Program
from meshproof.traffic import wire
from meshproof.traffic.command import role_of


def prepare() -> Program:
    """Import Locust and what locustfiles import; what is returned becomes Locust with the arguments it is given."""
    import gevent
    import locust.main

    # The locustfiles' own, which must find the modules that gevent has patched.
    import meshproof.traffic.generator.burst
    import meshproof.traffic.generator.session
    import meshproof.traffic.role  # noqa: F401

    main: Any = locust.main.main

    def become(words: Sequence[str]) -> None:
        gevent.reinit()
        os.environ[wire.DRIVEN] = role_of(words)
        sys.argv = ["locust", *words]
        main()

    return become
