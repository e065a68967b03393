r"""The parts of an RE2 pattern, in bytes as Envoy reads it.

RE2 itself has taken the pattern, so that no mistake is looked for here; and which bytes a class has (`\p{L}`,
`[^[:alpha:]]`, a letter whose case does not count) is asked of RE2. Syntax: https://github.com/google/re2/wiki/Syntax.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from meshproof.records import dataclass

GROUP = re.compile(r"\(\?(?:P?<\w+>|(?P<on>[imsU]*)(?P<off>-[imsU]*)?(?P<end>[:)]))")
ESCAPE = re.compile(r"\\(?:[pP](?:\{[^}]*\}|.)|x(?:\{[^}]*\}|..)|[0-7]{1,3}|.)", re.DOTALL)
NAMED = r"\[:\^?\w+:\]|\\(?:[dDsSwW]|[pP](?:\{[^}]*\}|.))"
# What has a name begins no range and ends none: in [a-[:x:]] the range is a-[.
MEMBER = rf"{NAMED}|(?:{ESCAPE.pattern}|[^\]\\])(?:-(?:{ESCAPE.pattern}|[^\]\\]))?"
CLASS = re.compile(rf"\[\^?(?:\](?:-(?:{ESCAPE.pattern}|[^\]\\]))?)?(?:{MEMBER})*\]", re.DOTALL)
REPEAT = re.compile(r"(?:[*+?]|\{(?P<low>\d+)(?P<more>,(?P<high>\d*))?\})\??")
ONE_BUT = re.compile(r"\[\^(?:[^\\\[\]]|\\[^\w])\]", re.DOTALL)
ANY = "."
WITHOUT_WIDTH = frozenset({"^", "$", r"\A", r"\z", r"\b", r"\B"})
OF_CLASSES = "is"
BYTES = tuple(bytes([number]) for number in range(256))


@dataclass(frozen=True, slots=True)
class Bytes:
    """One byte out of several, in order; `vague` where it says little which: any byte, or any but one."""

    several: bytes
    vague: bool = False


@dataclass(frozen=True, slots=True)
class Sequence:
    """Parts one after another."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Branches:
    """One part out of several."""

    several: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """A part so many times; without a `most`, as often as one likes."""

    part: Part
    least: int
    most: int | None


Part = Bytes | Sequence | Branches | Repeated


def parse(pattern: str) -> Part:
    """The parts of a pattern that RE2 takes."""
    return _Reader(pattern.encode("utf-8", "surrogateescape").decode("latin-1")).branches(frozenset())


def needs(part: Part, marks: bytes) -> bool:
    """Whether every text that a part matches has one of these bytes."""
    match part:
        case Bytes():
            return bool(part.several) and set(part.several) <= set(marks)
        case Sequence():
            return any(needs(one, marks) for one in part.parts)
        case Branches():
            return all(needs(one, marks) for one in part.several)
        case Repeated():
            return part.least > 0 and needs(part.part, marks)


def begins(part: Part, marks: bytes) -> bool:
    """Whether a text that a part matches may begin with one of these bytes."""
    return _begins(part, marks)[0]


def _begins(part: Part, marks: bytes) -> tuple[bool, bool]:
    """Whether one may begin so, and whether one may be empty."""
    match part:
        case Bytes():
            return not set(part.several).isdisjoint(marks), False
        case Sequence():
            so = False
            for one in part.parts:
                found, empty = _begins(one, marks)
                so = so or found
                if not empty:
                    return so, False
            return so, True
        case Branches():
            several = [_begins(one, marks) for one in part.several]
            return any(one for one, _ in several), any(empty for _, empty in several)
        case Repeated():
            if part.most == 0:
                return False, True
            found, empty = _begins(part.part, marks)
            return found, empty or part.least == 0


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def branches(self, flags: frozenset[str]) -> Part:
        """Up to the end of a group, or of all."""
        several: list[Part] = []
        parts: list[Part] = []
        while self.at < len(self.text) and self.text[self.at] != ")":
            if self.text[self.at] == "|":
                self.at += 1
                several.append(Sequence(tuple(parts)))
                parts = []
            elif (found := GROUP.match(self.text, self.at)) and found["end"] == ")":
                # Flags stand up to the end of the group, in its further branches too.
                self.at = found.end()
                flags = _changed(flags, found)
                self._repeat(parts)
            else:
                parts += self._atom(flags)
                self._repeat(parts)
        several.append(Sequence(tuple(parts)))
        return several[0] if len(several) == 1 else Branches(tuple(several))

    def _atom(self, flags: frozenset[str]) -> list[Part]:
        """The next atom, or the several of a quoted text."""
        text, start = self.text, self.at
        if text.startswith("\\Q", start):
            quoted, _, _ = text[start + 2 :].partition("\\E")
            self.at = min(start + 4 + len(quoted), len(text))
            return [_literal(one, flags) for one in quoted]
        if text[start] == "(":
            found = GROUP.match(text, start)
            self.at = found.end() if found else start + 1
            inner = self.branches(_changed(flags, found) if found and found["end"] else flags)
            self.at += 1
            return [inner]
        found = (CLASS if text[start] == "[" else ESCAPE).match(text, start)
        self.at = found.end() if found else start + 1
        atom = text[start : self.at]
        if atom in WITHOUT_WIDTH:
            return [Sequence(())]
        if found or atom == ANY:
            return [Bytes(_bytes_of(atom, _prefix(flags)), vague=atom == ANY or bool(ONE_BUT.fullmatch(atom)))]
        return [_literal(atom, flags)]

    def _repeat(self, parts: list[Part]) -> None:
        """Take a repetition, which counts for the last part."""
        while parts and (found := REPEAT.match(self.text, self.at)):
            self.at = found.end()
            parts[-1] = Repeated(parts[-1], *_times(found))


def _times(found: re.Match[str]) -> tuple[int, int | None]:
    if found["low"] is None:
        return (1, None) if found[0][0] == "+" else (0, 1 if found[0][0] == "?" else None)
    low = int(found["low"])
    return low, low if found["more"] is None else int(found["high"]) if found["high"] else None


def _changed(flags: frozenset[str], found: re.Match[str]) -> frozenset[str]:
    return (flags | set(found["on"] or "")) - set(found["off"] or "")


def _prefix(flags: frozenset[str]) -> str:
    """What says of a class by itself which flags stand there, as far as they change its bytes."""
    on = "".join(one for one in OF_CLASSES if one in flags)
    return f"(?{on})" if on else ""


def _literal(one: str, flags: frozenset[str]) -> Part:
    """A byte as it is written, and in the other case where that does not count."""
    own = one.encode("latin-1")
    others = _bytes_of(rf"\x{ord(one):02x}", "(?i)").replace(own, b"") if "i" in flags else b""
    return Branches((Bytes(own), Bytes(others))) if others else Bytes(own)


@lru_cache(maxsize=256)
def _bytes_of(atom: str, prefix: str) -> bytes:
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    compiled: Any = re2.compile(f"{prefix}{atom}".encode("latin-1"), options)
    return b"".join(one for one in BYTES if compiled.fullmatch(one))
