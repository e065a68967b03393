"""What every part of an explanation is about: a request, who sends it, and where what decides it is written."""

from __future__ import annotations

from meshproof.border.expectation import Expectation
from meshproof.border.request import Request
from meshproof.explain.manifests import Written
from meshproof.language.words import ENGLISH, Words
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.match import Client
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Context:
    """One request of one client with what is predicted of it, and the language in which it is explained."""

    mesh: Mesh
    expectation: Expectation
    client: Client
    written: Written
    words: Words = ENGLISH

    @property
    def request(self) -> Request:
        """The request as it is sent."""
        return self.expectation.request
