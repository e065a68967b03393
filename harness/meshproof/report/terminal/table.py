"""Verdicts and progress as lines of text of a given width; every text in them shows all its characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from rich.text import Text

from meshproof.border.verdict import ArmResult, Outcome, Verdict
from meshproof.language.words import ENGLISH, Words
from meshproof.language.wrap import columns, padded, wrap
from meshproof.records import dataclass
from meshproof.report.events import Progress
from meshproof.report.nearness import to_go
from meshproof.report.record import Record, ScenarioRecord
from meshproof.report.terminal.abridged import abridged
from meshproof.report.wording import count, line, printable, share, short_names, span, specified

STYLES: dict[str, str] = {
    Outcome.PASSED.value: "green",
    Outcome.FAILED.value: "bold red",
    Outcome.INCONCLUSIVE.value: "yellow",
    Outcome.SKIPPED.value: "dim",
    Outcome.ERROR.value: "bold magenta",
}
BAR = 16
NARROWEST = 40
LONGEST_REASON = 2000
# Of a scenario with more checks that passed, these are summed up by the name of their check.
MOST_PASSED = 40


def gauge(name: str, progress: Progress | None, width: int, words: Words = ENGLISH) -> Text:
    """One line of a scenario: `CanarySplit  Split ━━╌╌ 842/2,960  v1 90.3 % [87.9, 93.4] %  0.4 points to go`."""
    text = Text(line(name), no_wrap=True, overflow="ellipsis", end="")
    if progress is None:
        text.append(f"  {words('starting')}", "dim")
    else:
        filled = round(BAR * min(1.0, progress.n / progress.limit)) if progress.limit > 0 else 0
        text.append(f"  {line(progress.check)} ", "dim")
        text.append("━" * filled, "cyan").append("╌" * (BAR - filled), "dim")
        limit = f"/{count(progress.limit)}" if progress.limit > 0 else ""
        text.append(f" {count(progress.n)}{limit}")
        for short, arm in zip(short_names(progress.arms), progress.arms, strict=True):
            text.append(f"  {short} {share(arm.observed)} ").append(span(arm.interval), "dim")
        if left := to_go(progress, words):
            text.append(f"  {left}")
    # One column stays free: a terminal that wraps at its last column would break the line count.
    text.truncate(max(width - 1, 1), overflow="ellipsis")
    return text


def table(record: Record, width: int, words: Words = ENGLISH) -> Iterator[Text]:
    """The verdicts by scenario, then an empty line."""
    verdicts = record.verdicts
    sent = [verdict.n for verdict in verdicts]
    sent += [one.sent for scenario in record.scenarios.values() for one in _sums(scenario)]
    layout = Columns(
        check=max([len(line(verdict.check)) for verdict in verdicts], default=0),
        outcome=max([columns(words.outcome(verdict.outcome)) for verdict in verdicts], default=0),
        n=max([len(count(n)) for n in sent], default=0),
        words=words,
    )
    for scenario in record.scenarios.values():
        yield Text(line(scenario.name), "bold")
        yield from _scenario(scenario, layout, width)
    if record.scenarios:
        yield Text()


class Columns:
    """The widths of the columns that all scenarios share, none of them wide enough to push the rest away.

    `words` is the language that they are in.
    """

    def __init__(self, check: int, outcome: int, n: int, words: Words) -> None:
        self.check, self.outcome, self.n, self.words = min(check, 24), outcome, n, words

    @property
    def indent(self) -> int:
        return 2 + self.check + 2 + self.outcome + 2 + self.n + 2


def _scenario(scenario: ScenarioRecord, layout: Columns, width: int) -> Iterator[Text]:
    if not scenario.verdicts:
        style = STYLES[scenario.outcome]
        yield Text.assemble("  ", (layout.words.outcome(scenario.outcome.value), style))
        if scenario.finished and scenario.finished.reason:
            yield wrapped(scenario.finished.reason, width, indent=4, words=layout.words)
    requests = {verdict.request for verdict in scenario.verdicts if verdict.request}
    sums = _sums(scenario)
    for one in sums:
        yield _head(one.check, Outcome.PASSED, one.sent, layout).append(f"  {layout.words.amount(one.checks, 'check')}")
    shown = [verdict for verdict in scenario.verdicts if not (sums and verdict.outcome is Outcome.PASSED)]
    above = None
    for verdict, more in abridged(shown):
        place = _place(verdict, layout.words, several=len(requests) > 1)
        if place and place != above:
            yield Text(f"  {place}", "dim")
        above = place
        yield from _verdict(verdict, layout, width)
        if more:
            yield Text(
                f"  {layout.words('and {n} more of which the same is to be said: the report has each', n=more)}", "dim"
            )


@dataclass(frozen=True, slots=True)
class _Sum:
    """So many checks of one name passed, with so many requests sent for all of them."""

    check: str
    checks: int
    sent: int


def _sums(scenario: ScenarioRecord) -> list[_Sum]:
    """The checks that passed by their name; none where they are few enough to be shown one by one."""
    passed = [verdict for verdict in scenario.verdicts if verdict.outcome is Outcome.PASSED]
    if len(passed) <= MOST_PASSED:
        return []
    names = Counter(verdict.check for verdict in passed)
    return [_Sum(name, n, sum(one.n for one in passed if one.check == name)) for name, n in names.items()]


def _head(check: str, outcome: Outcome, n: int, layout: Columns) -> Text:
    return Text.assemble(
        f"  {line(check):<{layout.check}}  ",
        (padded(layout.words.outcome(outcome.value), layout.outcome), STYLES[outcome]),
        f"  {count(n):>{layout.n}}",
    )


def _place(verdict: Verdict, words: Words, *, several: bool) -> str:
    """What distinguishes verdicts of one check: the request when there are several, the stage after the first."""
    place = [line(verdict.request)] if several and verdict.request else []
    return " · ".join([*place, *([words("stage {n}", n=verdict.stage)] if verdict.stage else [])])


def _verdict(verdict: Verdict, layout: Columns, width: int) -> Iterator[Text]:
    head = _head(verdict.check, verdict.outcome, verdict.n, layout)
    arms = _arms(verdict.arms)
    beside = bool(arms) and layout.indent + max(map(len, arms)) <= width
    if beside:
        head.append(f"  {arms[0]}")
    yield head
    for arm in arms[1:] if beside else arms:
        yield Text(" " * (layout.indent if beside else 4) + arm)
    if verdict.reason and (verdict.outcome is not Outcome.PASSED or verdict.evidence.get("told")):
        yield wrapped(verdict.reason, width, indent=4, words=layout.words)


def _arms(arms: tuple[ArmResult, ...]) -> list[str]:
    """`v1  90 % → 89.7 %  [86.1, 93.3] %` for each arm, in columns."""
    cells = [
        (name, specified(arm.expected), share(arm.observed), span(arm.interval))
        for name, arm in zip(short_names(arms), arms, strict=True)
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        f"{name:<{widths[0]}}  {wanted:>{widths[1]}} → {seen:>{widths[2]}}  {interval:>{widths[3]}}"
        for name, wanted, seen, interval in cells
    ]


def wrapped(text: str, width: int, style: str = "", indent: int = 0, words: Words = ENGLISH) -> Text:
    """`text` broken between words at `width`, each of its own lines apart; long ones are cut."""
    if len(text) > LONGEST_REASON:
        text = text[:LONGEST_REASON] + words(" … (the rest is in the report)")
    space = max(width - indent, NARROWEST)
    rows = [row for part in printable(text).splitlines() for row in wrap(part, space)]
    return Text("\n".join(" " * indent + row for row in rows), style)
