"""Of verdicts and notices that say the same of one object after another a few are shown, and how many more there are.

A folder of hundreds of Services has hundreds of objects with the same gap. What failed is never left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from meshproof.border.verdict import Outcome, Verdict

# So many of a kind are shown one by one, or the first few of more.
MOST_ALIKE = 5
FIRST = 3
# What differs where the same is said of another object: places, hosts, names with a namespace, numbers.
OWN = re.compile(r"\S*[\d./|]\S*")


class FewAlike:
    """Tells of notices, as they come, which to show; `hidden` counts the others."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self.hidden = 0

    def shows(self, text: str) -> bool:
        """Whether it is among the first that say the same."""
        key = OWN.sub("", text)
        self._seen[key] += 1
        few = self._seen[key] <= FIRST
        self.hidden += not few
        return few


def abridged(verdicts: Sequence[Verdict]) -> Iterator[tuple[Verdict, int]]:
    """Each verdict that is shown, in their order, and how many further ones like it are not shown after it."""
    keys = [_alike(one) for one in verdicts]
    several, seen = Counter(keys), Counter[tuple[str, str]]()
    for one, key in zip(verdicts, keys, strict=True):
        seen[key] += 1
        many = bool(key[0]) and several[key] > MOST_ALIKE
        if not many or seen[key] <= FIRST:
            yield one, several[key] - FIRST if many and seen[key] == FIRST else 0


def _alike(one: Verdict) -> tuple[str, str]:
    """What verdicts that say the same have in common; nothing where each is to be shown."""
    if one.outcome is not Outcome.INCONCLUSIVE:
        return "", ""
    return one.check, OWN.sub("", one.reason.replace(one.request, "") if one.request else one.reason)
