"""When a CronJob runs: five fields, or a word for them.

Source: github.com/robfig/cron v3 parser.go (ParseStandard), by which the API server reads it. It says what is wrong
with a text, nothing where it is right.
"""

from __future__ import annotations

import re

WORDS = frozenset(["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"])
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
# What each field is called, with its least and its greatest number, and the words for these from the least on.
FIELDS: tuple[tuple[str, int, int, list[str]], ...] = (
    ("minute", 0, 59, []),
    ("hour", 0, 23, []),
    ("day of the month", 1, 31, []),
    ("month", 1, 12, MONTHS),
    ("day of the week", 0, 6, DAYS),
)
EVERY = "@every "
# A duration as Go reads it.
DURATION = re.compile(r"[+-]?(0|(([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)")


def schedule(text: str) -> str:
    if text.startswith(("TZ=", "CRON_TZ=")):
        return "names a time zone, which stands in timeZone"
    if text.startswith("@"):
        is_time = text.startswith(EVERY) and DURATION.fullmatch(text[len(EVERY) :])
        return "" if text in WORDS or is_time else f"is none of {', '.join(sorted(WORDS))} and '@every 1h'"
    given = text.split()
    if len(given) != len(FIELDS):
        return f"has {len(given)} fields, not the five of minute, hour, day, month and day of the week"
    for part, (name, low, high, words) in zip(given, FIELDS, strict=True):
        for one in part.split(","):
            if one and (wrong := _range(one, low, high, words)):
                return f"has {one!r} for the {name}: {wrong}"
    return ""


def _range(text: str, low: int, high: int, words: list[str]) -> str:
    """What is wrong with one of `*`, `?`, `5`, `5-9`, each with `/2` behind it or not."""
    span, *steps = text.split("/")
    ends = span.split("-")
    every = ends[0] in ("*", "?")
    if len(steps) > 1 or (len(ends) > 2 and not every):
        return "that is no range with a step"
    # With a step a number alone is where a range begins.
    found = [low, high] if every else [_number(one, low, words) for one in ends]
    found += [high] if steps and len(found) == 1 else []
    numbers = [one for one in found if one is not None]
    step = _number(steps[0], low, []) if steps else 1
    if len(numbers) < len(found) or step is None:
        return "that is no number"
    if step < 1:
        return "a step is at least 1"
    return "" if low <= numbers[0] <= numbers[-1] <= high else f"numbers go up, from {low} to {high}"


def _number(text: str, low: int, words: list[str]) -> int | None:
    if text.lower() in words:
        return low + words.index(text.lower())
    return int(text) if re.fullmatch(r"\+?[0-9]+", text, re.ASCII) else None
