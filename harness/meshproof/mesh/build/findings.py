"""What building a mesh turns up beside the mesh: problems, all of them, and notices."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from meshproof.errors import Location, ManifestError, Problem
from meshproof.manifest.resource import Notice
from meshproof.manifest.value import Value


@dataclass(slots=True)
class Findings:
    """A list to write on, handed down the builders."""

    problems: list[Problem] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    @contextmanager
    def gather(self) -> Iterator[None]:
        """Keep the problems of one part, so that those of the next are found as well."""
        try:
            yield
        except ManifestError as error:
            self.problems += error.problems

    def notice(self, location: Location, message: str) -> None:
        self.notices.append(Notice(location, message))

    def unmodelled(self, holder: Value | None, *names: str) -> None:
        """Say of each of these fields that is given that nothing is done with it."""
        for name in names:
            found = holder.get(name) if holder else None
            if found and found.data not in ((), {}, False):
                self.notice(found.key or found.location, f"{name} is not modelled: the embedded mesh does not apply it")
