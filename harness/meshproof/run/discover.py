"""Find the scenarios and inspections: frozen objects, or tuples of them, in the test modules of scenarios/."""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from meshproof.errors import MeshproofError, UsageError
from meshproof.inspection import Inspection
from meshproof.records import dataclass
from meshproof.scenario import Scenario
from meshproof.suite import folder

Work = TypeVar("Work", bound=Scenario | Inspection[Any])


class NothingSelectedError(MeshproofError):
    """A selection that matches no scenario."""

    exit_code = 5


@dataclass(frozen=True, slots=True)
class Found(Generic[Work]):
    """A scenario or an inspection, and the folder that it stands in."""

    scenario: Work
    folder: Path


def discover(root: Path | None = None) -> tuple[Found[Scenario | Inspection[Any]], ...]:
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


def scenarios(root: Path | None = None) -> tuple[Found[Scenario], ...]:
    """Those of them that drive a load."""
    return tuple(Found(one.scenario, one.folder) for one in discover(root) if isinstance(one.scenario, Scenario))


def _scenarios(value: object) -> Iterator[Scenario | Inspection[Any]]:
    """A scenario or an inspection, or those of a tuple or list of them."""
    for one in value if isinstance(value, tuple | list) else (value,):
        if isinstance(one, Scenario | Inspection):
            yield one


def select(found: Sequence[Found[Work]], names: Sequence[str]) -> tuple[Found[Work], ...]:
    """Those named by scenario or by folder, case aside; all when no name is given.

    Thorough scenarios are selected by their own names alone.
    """
    usual = [one for one in found if not one.scenario.thorough]
    chosen: list[Found[Work]] = []
    for name in names:
        matching = [one for one in found if name.lower() == one.scenario.name.lower()]
        matching += [one for one in usual if name.lower() == one.folder.name.lower()]
        if not matching:
            meant = " or ".join(_meant(name, found))
            known = ", ".join(one.scenario.name for one in found)
            hint = f"did you mean {meant}?" if meant else f"there are: {known}"
            raise NothingSelectedError(f"no scenario or folder is named {name!r}; {hint}")
        chosen += [one for one in matching if one not in chosen]
    if not names:
        chosen = usual
    if not chosen:
        raise NothingSelectedError("there are no scenarios to run")
    return tuple(chosen)


def _meant(name: str, found: Sequence[Found[Work]]) -> list[str]:
    """The names that it may have been meant to be."""
    names = list(dict.fromkeys(word for one in found for word in (one.scenario.name, one.folder.name)))
    alike = {word.lower(): word for word in names}
    return [alike[word] for word in difflib.get_close_matches(name.lower(), alike, cutoff=0.6)]
