"""A mesh that is full of secrets."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from planted_secrets import Planted, manifests


@pytest.fixture
def plant() -> Planted:
    return Planted()


@pytest.fixture
def planted(place: Any, plant: Planted) -> Any:
    """A place with the mesh `spec`, in whose manifests they stand."""
    place.mesh("spec", None)
    (place.here / "spec" / "route.yaml").write_text(manifests(plant))
    return place
