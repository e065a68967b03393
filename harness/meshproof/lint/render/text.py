"""Findings for people: one line each with its fix below, and how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from meshproof.lint.check import Severity
from meshproof.lint.lint import Linted


def text(linted: Linted) -> str:
    return "\n".join(_lines(linted)) + "\n"


def _lines(linted: Linted) -> Iterator[str]:
    for one in linted.findings:
        yield f"{one.location}: {one.severity} {one.code}: {one.message}"
        yield f"    {one.fix}"
    counted = Counter(one.severity for one in linted.findings)
    number = len(linted.findings)
    parts = [_number(counted[one], str(one)) for one in (Severity.ERROR, Severity.WARNING) if counted[one]]
    parts += [f"{counted[Severity.INFO]} info"] if counted[Severity.INFO] else []
    many = f"{_number(number, 'finding')}: {', '.join(parts)}" if number else "nothing found"
    yield f"{many} ({_number(linted.objects, 'object')}, {_number(linted.checks, 'check')})"


def _number(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
