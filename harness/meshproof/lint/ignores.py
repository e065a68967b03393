"""`# meshproof: ignore MP012 because …`: comments that take a finding away, each with its reason.

One at the end of a line is for that line, one on a line of its own for the next line that is no comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from meshproof.errors import Location
from meshproof.lint.catalogue import CODES, IDLE, NO_REASON
from meshproof.lint.check import Finding
from meshproof.records import dataclass

MARK = "meshproof:"
COMMENT = re.compile(r"(?:^|(?<=\s))#\s*meshproof:\s*ignore\b(?P<said>.*)")
SAID = re.compile(r"\s*(?P<codes>MP\d+(?:[\s,]+MP\d+)*)\s+because\s+(?P<reason>\S.*)")
NOTHING = re.compile(r"\s*(?:#.*)?")


@dataclass(frozen=True, slots=True)
class Ignore:
    """One comment: the codes that it ignores on a line; `wrong` says what it lacks, and it ignores nothing then."""

    location: Location
    line: int
    codes: tuple[str, ...] = ()
    wrong: str = ""


def ignores(file: str, text: str) -> Iterator[Ignore]:
    """The comments of a file's text."""
    if MARK not in text:
        return
    lines = text.splitlines()
    for number, line in enumerate(lines):
        found = COMMENT.search(line)
        if found:
            place = Location(file, number + 1, found.start() + 1)
            aimed = number if line[: found.start()].strip() else _after(lines, number)
            yield _read(place, aimed + 1, found["said"])


def _after(lines: Sequence[str], number: int) -> int:
    """The next line that is more than a comment."""
    several = (at for at in range(number + 1, len(lines)) if not NOTHING.fullmatch(lines[at]))
    return next(several, number)


def _read(place: Location, line: int, text: str) -> Ignore:
    said = SAID.fullmatch(text.rstrip())
    if said is None:
        lacking = "its reason (because …)" if re.search(r"\bMP\d+", text) else "the code that it ignores"
        return Ignore(place, line, wrong=f"the ignore lacks {lacking}, and so it ignores nothing")
    codes = tuple(dict.fromkeys(re.findall(r"MP\d+", said["codes"])))
    unknown = [code for code in codes if code not in CODES]
    wrong = f"there is no code {' and no '.join(unknown)}" if unknown else ""
    return Ignore(place, line, codes, wrong)


def heeded(findings: Iterable[Finding], several: Sequence[Ignore], left_out: frozenset[str]) -> Iterator[Finding]:
    """The findings that no comment ignores, and one for each comment that is wrong, or that ignores nothing.

    `left_out` are codes that are not looked for at all: a comment for one of those is as it should be.
    """
    wanted: dict[tuple[str, int, str], list[Ignore]] = {}
    for one in several:
        for code in one.codes:
            wanted.setdefault((one.location.file, one.line, code), []).append(one)
    used: set[tuple[Location, str]] = set()
    for finding in findings:
        met = wanted.get((finding.location.file, finding.location.line, finding.code), [])
        used.update((one.location, finding.code) for one in met)
        if not met:
            yield finding
    for one in several:
        if one.wrong:
            yield Finding(NO_REASON, one.location, one.wrong, NO_REASON.fix)
        idle = [code for code in one.codes if code in CODES and (one.location, code) not in used]
        for code in idle:
            if code not in left_out:
                text = f"nothing in line {one.line} is found by {code}"
                yield Finding(IDLE, one.location, text, IDLE.fix)
