"""Intents and meshes from YAML."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from meshproof.border.intents.intent import Case, Intent, Never
from meshproof.border.source import source
from meshproof.intents.cases import decided
from meshproof.intents.reading.read import read_intents
from meshproof.intents.search.requests import asked
from meshproof.intents.search.searched import searched
from meshproof.intents.view import View
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build_all
from meshproof.mesh.build.stand_ins.needed import StandingIn

ROOT = Path(__file__).parents[3]
SHOP = ROOT / "examples" / "shop"


def read(text: str) -> tuple[Intent | Never, ...]:
    return read_intents(["-"], io.StringIO(text))


@dataclass(frozen=True)
class World:
    """A mesh, as a client without labels sees it."""

    view: View

    def cases(self, text: str) -> list[Case]:
        """Every case of a file of intents, decided."""
        intents = list(enumerate(read(text)))
        found = list(decided(self.view, [(at, one) for at, one in intents if isinstance(one, Intent)]))
        several = asked(self.view)
        found += [searched(at, one, several).case for at, one in intents if isinstance(one, Never)]
        return sorted(found, key=lambda one: one.number)

    def case(self, text: str) -> Case:
        """The only one."""
        (found,) = self.cases(text)
        return found


@pytest.fixture(scope="session")
def world() -> Callable[..., World]:
    """The world of some manifests: text, or the path of a folder."""

    def make(manifests: str | Path, namespace: str = "default") -> World:
        stdin = io.StringIO(manifests) if isinstance(manifests, str) else None
        found = load(["-"] if stdin else [str(manifests)], stdin=stdin, namespace=namespace, strict=False)
        built = build_all(found, standing_in=StandingIn())
        view = View(built.mesh, source(namespace), built.resources, built.mesh.unmodelled, namespace=namespace)
        return World(view)

    return make


@pytest.fixture(scope="session")
def shop(world: Callable[..., World]) -> World:
    return world(SHOP)


@pytest.fixture(scope="session")
def intents() -> Callable[[str], tuple[Intent | Never, ...]]:
    """Intents of a text."""
    return read
