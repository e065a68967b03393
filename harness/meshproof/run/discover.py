"""Find the scenarios: frozen objects, or tuples of them, in the test modules of the scenarios folder."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from meshproof.errors import MeshproofError, UsageError
from meshproof.scenario import Scenario
from meshproof.suite import folder


class NothingSelectedError(MeshproofError):
    """A selection that matches no scenario."""

    exit_code = 5


@dataclass(frozen=True, slots=True)
class Found:
    """A scenario, and the folder that its manifests stand in."""

    scenario: Scenario
    folder: Path


def discover(root: Path | None = None) -> tuple[Found, ...]:
    """All scenarios below a folder (default: the built-in ones), in the order in which they are written."""
    root = root or folder("scenarios")
    found = []
    for path in sorted(root.glob("*/test_*.py")):
        name = f"meshproof_scenarios_{path.parent.name}_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise UsageError(f"{path}: cannot be imported")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += [Found(scenario, path.parent) for value in vars(module).values() for scenario in _scenarios(value)]
    return tuple(found)


def _scenarios(value: object) -> Iterator[Scenario]:
    """A scenario, or those of a tuple or list of them."""
    for one in value if isinstance(value, tuple | list) else (value,):
        if isinstance(one, Scenario):
            yield one


def select(found: Sequence[Found], names: Sequence[str]) -> tuple[Found, ...]:
    """Those named by scenario or by folder, case aside; all when no name is given.

    Thorough scenarios are selected by their own names alone.
    """
    usual = [one for one in found if not one.scenario.thorough]
    chosen: list[Found] = []
    for name in names:
        matching = [one for one in found if name.lower() == one.scenario.name.lower()]
        matching += [one for one in usual if name.lower() == one.folder.name.lower()]
        if not matching:
            known = ", ".join(one.scenario.name for one in found)
            raise NothingSelectedError(f"no scenario or folder is named {name!r}; there are: {known}")
        chosen += [one for one in matching if one not in chosen]
    if not names:
        chosen = usual
    if not chosen:
        raise NothingSelectedError("there are no scenarios to run")
    return tuple(chosen)
