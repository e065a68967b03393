"""Findings for people: one line each with its fix below, and how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from meshproof.language.words import ENGLISH, Words
from meshproof.lint.check import Severity
from meshproof.lint.lint import Linted


def text(linted: Linted, words: Words = ENGLISH) -> str:
    return "\n".join(_lines(linted, words)) + "\n"


def _lines(linted: Linted, words: Words) -> Iterator[str]:
    for one in linted.findings:
        yield f"{one.location}: {one.severity} {one.code}: {one.message}"
        yield f"    {one.fix}"
    counted = Counter(one.severity for one in linted.findings)
    parts = [words.amount(counted[Severity.ERROR], "error")] if counted[Severity.ERROR] else []
    parts += [words.amount(counted[Severity.WARNING], "warning")] if counted[Severity.WARNING] else []
    parts += [words("{n} info", n=counted[Severity.INFO])] if counted[Severity.INFO] else []
    many = words("nothing found")
    if parts:
        findings = words.amount(len(linted.findings), "finding")
        many = words("{findings}: {parts}", findings=findings, parts=words.listed(parts))
    looked = words.amount(linted.objects, "object"), words.amount(linted.checks, "check")
    yield words("{many} ({objects}, {checks})", many=many, objects=looked[0], checks=looked[1])
