"""The example of a shop, and ways in which what runs differs from it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[3]
SHOP = ROOT / "examples/shop"
RULE = "    - "


@dataclass(frozen=True)
class Variant:
    """The shop with another text in the place of one.

    `marked` is text in the applied rule that has to be named (empty: the new text); `says` are words in its place.
    """

    name: str
    file: str
    old: str
    new: str
    marked_file: str = ""
    marked: str = ""
    says: str = ""

    def write(self, folder: Path) -> Path:
        """The shop made wrong, in a folder of its own."""
        place = folder / self.name
        shutil.copytree(SHOP, place)
        text = (place / self.file).read_text()
        assert text.count(self.old) == 1, f"{self.name}: once in {self.file}"
        (place / self.file).write_text(text.replace(self.old, self.new))
        return place

    def is_told(self, text: str, place: Path) -> bool:
        """Whether a report names the applied rule."""
        return any(words in text for words in ([self.says] if self.says else self.places(place)))

    def places(self, place: Path) -> list[str]:
        """The lines (`file:line:`) of the applied rule, or of the object that has no rules."""
        file = place / (self.marked_file or self.file)
        text = file.read_text()
        at = text.index(self.marked or self.new)
        first = max(text.rfind(start, 0, at + len(start)) for start in (f"\n{RULE}", "\n---"))
        ends = [found for end in (f"\n{RULE}", "\n---") if (found := text.find(end, first + 1)) != -1]
        last = min(ends, default=len(text))
        numbers = range(text.count("\n", 0, first) + 2, text.count("\n", 0, last) + 2)
        return [f"{file}:{number}:" for number in numbers]


VARIANTS = [Variant(**one) for one in yaml.safe_load(Path(__file__).with_name("variants.yaml").read_text())]
