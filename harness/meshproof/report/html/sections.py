"""The sections of a page, one for each outcome: the groups of checks, and how much of each is shown."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from meshproof.border.verdict import Outcome, Verdict
from meshproof.language.words import Words
from meshproof.records import dataclass
from meshproof.report.html.checks import CheckView, line, whole
from meshproof.report.html.groups import Group, by_file, groups
from meshproof.report.html.space import Space, Spaces
from meshproof.report.record import Record
from meshproof.report.wording import tally

# A run of so many checks is shown open and whole; of a longer one so many passed checks are shown whole.
SHORT = 40
# More groups than these that passed are put together by their file.
MOST_GROUPS = 40
BUNDLE_LINES = 2
GOOD = (Outcome.PASSED, Outcome.SKIPPED)
TITLES = {
    Outcome.ERROR: "Broke",
    Outcome.FAILED: "Failed",
    Outcome.INCONCLUSIVE: "Inconclusive",
    Outcome.PASSED: "Passed",
    Outcome.SKIPPED: "Skipped",
}


@dataclass(frozen=True, slots=True)
class GroupView:
    """A rule or a scenario (`description` is the latter's) with its checks; those that are not `open` are folded."""

    name: str
    outcome: Outcome
    description: str
    amount: str
    requests: int
    checks: list[CheckView]
    open: bool

    @property
    def printed(self) -> bool:
        return any(one.printed for one in self.checks)

    @property
    def headed(self) -> bool:
        """Whether its name is a heading: a reader who goes from heading to heading is spared thousands of lines."""
        return self.outcome not in GOOD or any(one.whole for one in self.checks)


@dataclass(frozen=True, slots=True)
class Bundle:
    """The groups of one file under its `name`, folded; without a name they stand by themselves.

    On paper it is one line, or left out where it is not `printed`.
    """

    name: str
    amount: str
    groups: list[GroupView]
    printed: bool


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    outcome: Outcome
    amount: str
    bundles: list[Bundle]

    @property
    def rows(self) -> Iterator[tuple[str, CheckView]]:
        """What each check is about, and the check; of a folded group only those that did not pass."""
        for bundle in self.bundles:
            for group in bundle.groups:
                own = (one for one in group.checks if group.open or one.verdict.outcome not in GOOD)
                yield from ((group.name, check) for check in own)

    @property
    def unprinted(self) -> int:
        checks = (check for bundle in self.bundles for group in bundle.groups for check in group.checks)
        return sum(not check.printed for check in checks)


def sections(record: Record, spaces: Spaces, words: Words, *, full: bool) -> list[Section]:
    """All checks, the worst first, which have the space that there is before the others."""
    short = full or len(record.verdicts) <= SHORT
    views = _Views(record, words, full=full)
    made = []
    found = groups(record)
    for outcome, title in TITLES.items():
        own = [one for one in found if one.outcome is outcome]
        if not own:
            continue
        good = outcome in GOOD
        if good and len(own) > MOST_GROUPS and not full:
            parts = {file or words("scenarios"): several for file, several in by_file(own).items()}
        else:
            parts = {"": own}
        bundles = []
        for name, several in parts.items():
            printed = not name or spaces.paper.take(BUNDLE_LINES)
            # What is folded into a file's line is not printed, and takes no lines of paper from the others.
            own_space = replace(spaces, paper=Space(0)) if name else spaces
            shown = [views.group(one, own_space, open_=short or not good) for one in several]
            bundles.append(Bundle(name, _amount(several, words, grouped=True), shown, printed))
        made.append(Section(words(title), outcome, _amount(own, words, grouped=len(own) > 1), bundles))
    return made


def _amount(several: list[Group], words: Words, *, grouped: bool) -> str:
    """`12 rules, 24 checks`."""
    rules = sum(bool(one.file) for one in several)
    parts = [words.amount(rules, "rule")] if rules else []
    parts += [words.amount(len(several) - rules, "scenario")] if len(several) > rules else []
    checks = words.amount(sum(len(one.verdicts) for one in several), "check")
    return words.listed([*(parts if grouped else ()), checks])


class _Views:
    def __init__(self, record: Record, words: Words, *, full: bool) -> None:
        self._record, self._words, self._full = record, words, full
        self._passed_whole = SHORT
        self._ids: Mapping[int, str] = _ids(record.verdicts)

    def group(self, one: Group, spaces: Spaces, *, open_: bool) -> GroupView:
        scenario = None if one.file else self._record.scenarios.get(one.name)
        description = scenario.started.description if scenario and scenario.started else ""
        amount = tally([verdict.outcome for verdict in one.verdicts], self._words)
        sent = sum(verdict.n for verdict in one.verdicts)
        return GroupView(one.name, one.outcome, description, amount, sent, list(self._checks(one, spaces)), open_)

    def _checks(self, one: Group, spaces: Spaces) -> Iterator[CheckView]:
        for verdict in one.verdicts:
            id_ = self._ids[id(verdict)]
            yield self._whole(id_, verdict, spaces) or line(id_, verdict, spaces)

    def _whole(self, id_: str, verdict: Verdict, spaces: Spaces) -> CheckView | None:
        if verdict.outcome in GOOD and not self._full:
            if not self._passed_whole:
                return None
            self._passed_whole -= 1
        scenario = self._record.scenarios[verdict.scenario]
        return whole(id_, scenario, verdict, spaces, self._words, full=self._full)


def _ids(verdicts: Sequence[Verdict]) -> dict[int, str]:
    """A name for each verdict, by which a link finds it: the same in every run that has the same check."""
    taken: Counter[str] = Counter()
    found = {}
    for verdict in verdicts:
        words = "\0".join((verdict.scenario, verdict.check, verdict.request, str(verdict.stage)))
        name = "c-" + hashlib.sha256(words.encode(errors="surrogatepass")).hexdigest()[:8]
        taken[name] += 1
        found[id(verdict)] = name if taken[name] == 1 else f"{name}-{taken[name]}"
    return found
