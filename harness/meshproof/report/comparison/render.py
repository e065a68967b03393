"""A comparison for people (text, Markdown) and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from meshproof.border.verdict import Outcome
from meshproof.language.words import ENGLISH, Words
from meshproof.report.comparison.comparison import ABSENT, Change, Comparison, ShareChange
from meshproof.report.comparison.side import Share, Side
from meshproof.report.wording import line, number, share, specified

OUTCOMES = frozenset(one.value for one in Outcome)
UNSAFE = str.maketrans({one: f"\\{one}" for one in "\\`*_{}[]()<>#|!~&"})


def text(found: Comparison, words: Words = ENGLISH) -> Iterator[str]:
    """Lines for a terminal."""
    before, after = (_headed(one, words) for one in (found.before, found.after))
    yield words("before  {run}", run=before)
    yield words("after   {run}", run=after)
    for title, entries in _sections(found, words):
        yield ""
        yield title
        yield from (f"  {line(one)}" for one in entries)
    yield ""
    yield verdict(found, words)


def _headed(side: Side, words: Words) -> str:
    return f"{line(side.name)}: {line(words(side.headline))}"


def markdown(found: Comparison) -> Iterator[str]:
    """The same for a pull request."""
    yield f"## {_plain(verdict(found))}"
    yield ""
    yield "| | run | headline |"
    yield "|---|---|---|"
    for name, one in (("before", found.before), ("after", found.after)):
        yield f"| {name} | {_plain(one.name)} | {_plain(one.headline)} |"
    for title, entries in _sections(found, ENGLISH):
        yield ""
        yield f"### {title}"
        yield ""
        yield from (f"* {_plain(one)}" for one in entries)


def document(found: Comparison) -> dict[str, Any]:
    """Plain data."""
    return {
        "worse": found.worse,
        "before": {"name": found.before.name, "headline": found.before.headline},
        "after": {"name": found.after.name, "headline": found.after.headline},
        "alpha": found.alpha,
        **{name: [_change(one) for one in getattr(found, name)] for name in ("gained", "lost", "other")},
        "shares": [
            {
                "name": one.name,
                "before": _share(one.before),
                "after": _share(one.after),
                "bound": one.bound,
                "differ": one.differ,
                "worse": one.worse,
            }
            for one in found.shares
        ],
        "newGaps": list(found.new_gaps),
        "closedGaps": list(found.closed_gaps),
        "facts": [_change(one) for one in found.facts],
    }


def verdict(found: Comparison, words: Words = ENGLISH) -> str:
    """What got worse, in a sentence."""
    worse: list[str] = []
    if found.headline_worse:
        fell = {"before": words(found.before.headline), "after": words(found.after.headline)}
        worse.append(words("the headline fell from {before} to {after}", **fell))
    if found.lost_tests:
        worse.append(words("{tests} lost", tests=words.amount(found.lost_tests, "test")))
    if checks := len(found.lost) - found.lost_tests:
        worse.append(words("{checks} lost", checks=words.amount(checks, "check")))
    if found.new_gaps:
        worse.append(words.amount(len(found.new_gaps), "new gap"))
    if shares := sum(one.worse for one in found.shares):
        worse.append(words("{shares} farther from what is specified", shares=words.amount(shares, "share")))
    return words("worse: {what}", what=words.listed(worse)) if worse else words("nothing got worse")


def _sections(found: Comparison, words: Words) -> Iterator[tuple[str, list[str]]]:
    several: list[tuple[str, Iterable[str]]] = [
        (words("lost"), _changed(found.lost, words)),
        (words("gained"), _changed(found.gained, words)),
        (words("otherwise than before, and passed neither time"), _changed(found.other, words)),
        (words("new gaps"), found.new_gaps),
        (words("closed gaps"), found.closed_gaps),
        (
            words("shares that differ (α = {alpha} for all of them), or are specified anew", alpha=number(found.alpha)),
            (_moved(one, words) for one in found.shares if one.differ or one.moved),
        ),
        (words("what they ran on and with"), _changed(found.facts, words)),
    ]
    for title, entries in several:
        if shown := list(entries):
            yield title, shown
    same = sum(not one.differ for one in found.shares)
    if same:
        counted = words("{n} of {all}", n=same, all=len(found.shares))
        yield words("shares without a difference that can be shown"), [counted]


def _changed(several: Iterable[Change], words: Words) -> Iterator[str]:
    return (f"{one.name}: {state(one.before, words)} → {state(one.after, words)}" for one in several)


def state(value: str, words: Words) -> str:
    """An outcome, or that there is none, in the language; a fact as it is."""
    return words(value) if value == ABSENT else words.outcome(value) if value in OUTCOMES else value


def _moved(one: ShareChange, words: Words) -> str:
    first, other = one.before, one.after
    wanted = specified(first.expected) + (f" → {specified(other.expected)}" if one.moved else "")
    how = words("differ") if one.differ else words("no difference shown")
    counts = {
        name: words("{share} of {n}", share=share(side.observed), n=f"{side.n:,}")
        for name, side in (("before", first), ("after", other))
    }
    told = words("{before} → {after}, {specified} specified; {how}", specified=wanted, how=how, **counts)
    bound = f" (p ≤ {number(float(f'{one.bound:.2g}'))})"
    return f"{one.name}: {told}{bound}{words(', worse') if one.worse else ''}"


def _change(one: Change) -> dict[str, str]:
    return {"name": one.name, "before": one.before, "after": one.after}


def _share(one: Share) -> dict[str, Any]:
    return {"expected": one.expected, "observed": one.observed, "count": one.count, "n": one.n}


def _plain(value: str) -> str:
    """The text as itself, whatever Markdown would make of its characters."""
    return line(value).translate(UNSAFE)
