"""Two runs compared: what was gained, what was lost, and what got worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from meshproof.records import dataclass
from meshproof.report.comparison.difference import bound
from meshproof.report.comparison.side import Share, Side
from meshproof.report.headline.headline import Headline

PASSED = "passed"
ABSENT = "absent"
# What facts about files begin with.
FILES = ("specified ", "applied ")
ORDER = (Headline.CERTIFIED.value, Headline.WITH_GAPS.value, Headline.NOT.value)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is another; `before` and `after` are `absent` where it is not there."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ShareChange:
    """A share in both runs. `bound`: how probable a difference as great is at most, where there is none.

    `differ` tells that this is below α, shared among all shares that were compared; `moved` that another share is
    specified now.
    """

    name: str
    before: Share
    after: Share
    bound: float
    differ: bool

    @property
    def moved(self) -> bool:
        return self.before.expected != self.after.expected

    @property
    def worse(self) -> bool:
        """It differs, and is farther from what is specified than before.

        One that is specified anew differs because it is meant to; whether it is what is meant now, its check says.
        """
        return self.differ and not self.moved and _off(self.after) > _off(self.before)


def _off(share: Share) -> float:
    return abs(share.observed - share.expected)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`gained`, `lost` and `other` are tests and checks: those that pass now, that passed before, and all else."""

    before: Side
    after: Side
    alpha: float
    gained: tuple[Change, ...]
    lost: tuple[Change, ...]
    other: tuple[Change, ...]
    shares: tuple[ShareChange, ...]
    new_gaps: tuple[str, ...]
    closed_gaps: tuple[str, ...]
    facts: tuple[Change, ...]

    @property
    def lost_tests(self) -> int:
        """How many of what was lost are tests; the others are single checks."""
        return sum(one.name in self.before.tests for one in self.lost)

    @property
    def headline_worse(self) -> bool:
        return _rank(self.after.headline) > _rank(self.before.headline)

    @property
    def worse(self) -> bool:
        """Whether anything got worse."""
        return self.headline_worse or bool(self.lost or self.new_gaps) or any(one.worse for one in self.shares)


def _rank(headline: str) -> int:
    return ORDER.index(headline) if headline in ORDER else len(ORDER)


def compare(before: Side, after: Side, alpha: float) -> Comparison:
    """The second run against the first; `alpha` bounds how probable any difference of shares is that is none."""
    changes = [
        *_changes(before.tests, after.tests),
        *_changes(before.checks, after.checks),
    ]
    gained = tuple(one for one in changes if one.after == PASSED)
    lost = tuple(one for one in changes if one.before == PASSED)
    other = tuple(one for one in changes if PASSED not in (one.before, one.after))
    return Comparison(
        before,
        after,
        alpha,
        gained,
        lost,
        other,
        tuple(_shares(before.shares, after.shares, alpha)),
        tuple(sorted(after.gaps - before.gaps)),
        tuple(sorted(before.gaps - after.gaps)),
        tuple(_changes(_as_called_by(after.facts, before.facts), after.facts)),
    )


def _changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for name in dict.fromkeys((*before, *after)):
        first, other = before.get(name, ABSENT), after.get(name, ABSENT)
        if first != other:
            yield Change(name, first, other)


def _as_called_by(after: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """The facts of the first run, its files called as by the second, which read them from another folder.

    A file whose name, without its folder, stands twice among those that only one of the runs has keeps its own.
    """
    ours, theirs = _named(before, after), _named(after, before)
    moved = {
        several[0]: theirs[name][0]
        for name, several in ours.items()
        if len(several) == 1 and len(theirs.get(name, ())) == 1
    }
    return {moved.get(name, name): value for name, value in before.items()}


def _named(facts: Mapping[str, str], other: Mapping[str, str]) -> dict[tuple[str, str], list[str]]:
    """The files that the other run does not know, by what they are for and their names without folders."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in facts:
        if one.startswith(FILES) and one not in other:
            kind, _, path = one.partition(" ")
            found.setdefault((kind, PurePosixPath(path).name), []).append(one)
    return found


def _shares(before: Mapping[str, Share], after: Mapping[str, Share], alpha: float) -> Iterator[ShareChange]:
    both = [name for name in before if name in after]
    for name in both:
        first, other = before[name], after[name]
        least = bound((first.count, first.n), (other.count, other.n))
        yield ShareChange(name, first, other, least, least <= alpha / len(both))
