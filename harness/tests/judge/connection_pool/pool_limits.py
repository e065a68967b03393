"""Limits of a connection pool, each of which is told apart by loads of its own."""

from __future__ import annotations

from typing import Any

from meshproof.border.expectation import Pool, Retries

BOTH = Pool(max_connections=2, http1_max_pending_requests=3)


RETRIES = Pool(max_retries=2)


IDLE = Pool(idle_timeout=2.0)


def retrying(build: Any) -> dict[str, Any]:
    return {"retries": Retries(1, None, "5xx", build.route)}
