"""A comparison for people (text, Markdown) and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from meshproof.report.comparison.comparison import Change, Comparison, ShareChange
from meshproof.report.comparison.side import Share
from meshproof.report.wording import line, number, plural, share, specified

SAME = "nothing got worse"
UNSAFE = str.maketrans({one: f"\\{one}" for one in "\\`*_{}[]()<>#|!~&"})


def text(found: Comparison) -> Iterator[str]:
    """Lines for a terminal."""
    yield f"before  {line(found.before.name)}: {line(found.before.headline)}"
    yield f"after   {line(found.after.name)}: {line(found.after.headline)}"
    for title, entries in _sections(found):
        yield ""
        yield title
        yield from (f"  {line(one)}" for one in entries)
    yield ""
    yield verdict(found)


def markdown(found: Comparison) -> Iterator[str]:
    """The same for a pull request."""
    yield f"## {_plain(verdict(found))}"
    yield ""
    yield "| | run | headline |"
    yield "|---|---|---|"
    for name, one in (("before", found.before), ("after", found.after)):
        yield f"| {name} | {_plain(one.name)} | {_plain(one.headline)} |"
    for title, entries in _sections(found):
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


def verdict(found: Comparison) -> str:
    """What got worse, in a sentence."""
    worse = (
        [f"the headline fell from {found.before.headline} to {found.after.headline}"] if found.headline_worse else []
    )
    for number_of, what in ((found.lost_tests, "test"), (len(found.lost) - found.lost_tests, "check")):
        worse += [f"{plural(number_of, what)} lost"] if number_of else []
    worse += [f"{plural(len(found.new_gaps), 'new gap')}"] if found.new_gaps else []
    shares = sum(one.worse for one in found.shares)
    worse += [f"{plural(shares, 'share')} farther from what is specified"] if shares else []
    return f"worse: {', '.join(worse)}" if worse else SAME


def _sections(found: Comparison) -> Iterator[tuple[str, list[str]]]:
    several: list[tuple[str, Iterable[str]]] = [
        ("lost", map(_changed, found.lost)),
        ("gained", map(_changed, found.gained)),
        ("otherwise than before, and passed neither time", map(_changed, found.other)),
        ("new gaps", found.new_gaps),
        ("closed gaps", found.closed_gaps),
        (
            f"shares that differ (α = {number(found.alpha)} for all of them), or are specified anew",
            (_moved(one) for one in found.shares if one.differ or one.moved),
        ),
        ("what they ran on and with", map(_changed, found.facts)),
    ]
    for title, entries in several:
        if shown := list(entries):
            yield title, shown
    same = sum(not one.differ for one in found.shares)
    if same:
        yield "shares without a difference that can be shown", [f"{same} of {len(found.shares)}"]


def _changed(one: Change) -> str:
    return f"{one.name}: {one.before} → {one.after}"


def _moved(one: ShareChange) -> str:
    first, other = one.before, one.after
    wanted = specified(first.expected) + (f" → {specified(other.expected)}" if one.moved else "")
    how = "differ" if one.differ else "no difference shown"
    return (
        f"{one.name}: {share(first.observed)} of {first.n:,} → {share(other.observed)} of {other.n:,}, {wanted} "
        f"specified; {how} (p ≤ {number(float(f'{one.bound:.2g}'))}){', worse' if one.worse else ''}"
    )


def _change(one: Change) -> dict[str, str]:
    return {"name": one.name, "before": one.before, "after": one.after}


def _share(one: Share) -> dict[str, Any]:
    return {"expected": one.expected, "observed": one.observed, "count": one.count, "n": one.n}


def _plain(value: str) -> str:
    """The text as itself, whatever Markdown would make of its characters."""
    return line(value).translate(UNSAFE)
