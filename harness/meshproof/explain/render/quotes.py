"""The lines of the manifests, quoted."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import takewhile
from pathlib import Path

from meshproof.errors import Location
from meshproof.manifest.documents.other_files import is_within, place
from meshproof.manifest.node import BREAK
from meshproof.redaction.credentials import redact_quoted

LONGEST = 100
# Before and after what is shown: the name of a credential may stand in one, the end of its value in the other.
AROUND = 1000


class Quotes:
    """Lines by their places; each file is read when it is first asked for."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._lines: dict[str, list[str]] = {}
        self._within: tuple[str, ...] | None = None

    def keep(self, file: str, text: str) -> None:
        """The text of what cannot be read again, such as standard input."""
        self._texts[file] = text.removeprefix("\ufeff")

    def only(self, paths: Iterable[str]) -> None:
        """Read none but these files and those in these folders, of all calls: what a run has kept may name others."""
        self._within = (*(self._within or ()), *map(place, paths))

    def __call__(self, place: Location | None) -> str:
        """The line of a place without what is before and after it; empty where there is none."""
        if place is None:
            return ""
        lines = self._lines.get(place.file)
        if lines is None:
            lines = self._lines[place.file] = BREAK.split(self._text(place.file))
        line = lines[place.line - 1] if place.line <= len(lines) else ""
        found = line.strip()
        if len(found) <= LONGEST:
            return redact_quoted(found)
        # Of a long line what stands at the place.
        start = max(0, min(place.column - 1, len(line.rstrip()) - LONGEST))
        cut = line[start:].strip()
        shown = _without_credentials(line, start).strip()[:LONGEST]
        return f"{'…' if line[:start].strip() else ''}{shown}{'…' if len(cut) > LONGEST else ''}"

    def _text(self, file: str) -> str:
        if file not in self._texts and (self._within is None or is_within(file, self._within)):
            try:
                # As it is: what ends a line here is a matter of YAML.
                self._texts[file] = Path(file).read_bytes().decode("utf-8", "replace").removeprefix("\ufeff")
            except (OSError, ValueError):
                self._texts[file] = ""
        return self._texts.get(file, "")


def _without_credentials(line: str, start: int) -> str:
    """What stands at `start` and after it: what is a credential is told by what is before it, too."""
    first = max(0, start - AROUND)
    whole, before = redact_quoted(line[first : start + LONGEST + AROUND]), redact_quoted(line[first:start])
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(whole, before, strict=False)))
    return whole[alike:]
