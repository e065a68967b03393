"""How numbers, names and outcomes are written, the same in every report."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence

from meshproof.border.verdict import ArmResult, Outcome
from meshproof.language.words import ENGLISH, Words

# Format (Cf: bidirectional overrides, zero width), surrogates and line separators can make a text
# look like another (Trojan Source, CVE-2021-42574); control characters drive a terminal.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def printable(text: str, *, keep: str = "\n") -> str:
    """`text` with every character that is not visible written as an escape (`\\x1b`), except `keep`."""
    # What Python holds for printable is in none of these categories; the loop below takes twenty times as long.
    if text.isprintable() or (keep == "\n" and text.replace("\n", "").isprintable()):
        return text
    return "".join(
        c if c in keep or unicodedata.category(c) not in _HIDDEN_CATEGORIES else _escape(c)
        for c in text.replace("\r\n", "\n").expandtabs(4)
    )


def line(text: str) -> str:
    """`text` on one line, printable."""
    return printable(" ".join(text.split("\n")), keep="")


def _escape(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def share(fraction: float, digits: int = 1) -> str:
    """A fraction of one as percent, never rounded onto 0 % or 100 % (`<0.1 %`); a dash when there is none."""
    if not math.isfinite(fraction):
        return "–"
    percent, step = fraction * 100, 10.0**-digits
    if 0 < percent < step / 2:
        return f"<{step:.{digits}f} %"
    if 100 - step / 2 < percent < 100:
        return f">{100 - step:.{digits}f} %"
    return f"{percent:.{digits}f} %"


def specified(fraction: float) -> str:
    """A specified share, with no more digits than it has (`10 %`, `0.5 %`, `33.33 %`)."""
    return f"{round(fraction * 100, 2):g} %" if math.isfinite(fraction) else "–"


def span(interval: tuple[float, float]) -> str:
    """An interval of shares in percent: `[8.4, 12.0] %`."""
    low, high = interval
    if not (math.isfinite(low) and math.isfinite(high)):
        return "–"
    return f"[{low * 100:.1f}, {high * 100:.1f}] %"


def count(number: int) -> str:
    return f"{number:,}"


def duration(seconds: float) -> str:
    if not math.isfinite(seconds):
        return "–"
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if round(seconds) < 120:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def number(value: float) -> str:
    """Short and exact enough for an error rate: 0.001, 3, 0.5."""
    return f"{value:g}"


def points(tolerance: float, words: Words = ENGLISH) -> str:
    """A tolerance in percentage points: `3 points`."""
    value = round(tolerance * 100, 6)
    return words("{n} point", n=f"{value:g}") if value == 1 else words("{n} points", n=f"{value:g}")


def plural(amount: int, noun: str) -> str:
    return ENGLISH.amount(amount, noun)


def tally(outcomes: Sequence[Outcome], words: Words = ENGLISH) -> str:
    """How many of each, the worst first: `1 failed, 2 passed`."""
    order = (Outcome.ERROR, Outcome.FAILED, Outcome.INCONCLUSIVE, Outcome.PASSED, Outcome.SKIPPED)
    return words.listed(
        words("{n} {outcome}", n=count(outcomes.count(one)), outcome=words(one.value))
        for one in order
        if one in outcomes
    )


def short_names(arms: Sequence[ArmResult]) -> list[str]:
    """The arms' destinations without what they all share: subsets of one service go by the subset alone."""
    split = [arm.destination.partition("/") for arm in arms]
    if len({service for service, _, _ in split}) == 1 and all(subset for _, _, subset in split):
        return [line(subset) for _, _, subset in split]
    return [line(arm.destination) for arm in arms]
