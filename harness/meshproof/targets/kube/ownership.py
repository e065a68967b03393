"""Which run made an object: the labels that all objects of this program carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MANAGED_BY = "app.kubernetes.io/managed-by"
NAME = "meshproof"
RUN = "meshproof.dev/run"
OWNER = "meshproof.dev/owner"
PRODUCTION = "meshproof.dev/production"


def labels(run: str) -> dict[str, str]:
    """What every object of a run carries; `run` is a run's id."""
    return {MANAGED_BY: NAME, RUN: run}


def selector(run: str = "") -> str:
    """Selects the objects of one run, or of every run."""
    return f"{MANAGED_BY}={NAME}" + (f",{RUN}={run}" if run else f",{RUN}")


def run_of(body: Mapping[str, Any]) -> str:
    """The id of the run that made an object; empty when none did."""
    carried = (body.get("metadata") or {}).get("labels") or {}
    return str(carried.get(RUN, "")) if carried.get(MANAGED_BY) == NAME else ""


def owned(body: Mapping[str, Any], run: str) -> bool:
    """Whether this run made the object."""
    return bool(run) and run_of(body) == run


def labelled(body: Mapping[str, Any], run: str) -> dict[str, Any]:
    """The object with the run's labels."""
    metadata = dict(body.get("metadata") or {})
    return {**body, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), **labels(run)}}}
