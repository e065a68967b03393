"""Names that may be meant for each other: what is there under such a name is misspelt, not missing."""

from __future__ import annotations

from collections.abc import Iterable

# Folders with more pairs of names than this hold more than routing.
MOST_PAIRS = 4_096
ALIKE = 0.75


def alike(one: str, other: str) -> bool:
    """Whether two names are the same but for a slip or an ending (`web`, `web-v1`)."""
    if one == other or one.startswith(f"{other}-") or other.startswith(f"{one}-"):
        return True
    return is_slip(*_without_same_end(one, other))


def _without_same_end(one: str, other: str) -> tuple[str, str]:
    """Both without the words that they both end with: `shop-gateway` and `news-gateway` have little in common."""
    ours, theirs = one.split("-"), other.split("-")
    while len(ours) > 1 and len(theirs) > 1 and ours[-1] == theirs[-1]:
        del ours[-1], theirs[-1]
    return "-".join(ours), "-".join(theirs)


def is_slip(one: str, other: str) -> bool:
    """Whether one name may be the other with a letter or two that are wrong."""
    from difflib import SequenceMatcher

    longest = max(len(one), len(other))
    if longest < 3:
        return one == other
    # One letter of a short name may be wrong, or two may have changed places.
    least = min(ALIKE, (longest - 1) / longest)
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.real_quick_ratio() >= least and matcher.quick_ratio() >= least and matcher.ratio() >= least


def nearest(name: str, known: Iterable[str]) -> str:
    """Which of some names (`namespace/name`) another one may have been meant for, as a question; empty for none."""
    own = name.rpartition("/")[2]
    found = [one for one in dict.fromkeys(known) if one != name and alike(own, one.rpartition("/")[2])]
    return f": did you mean {' or '.join(found[:3])}?" if found else ""


def any_alike(names: Iterable[str], known: Iterable[str]) -> bool:
    """Whether any of some names may be meant for any other; so they count where they are too many to be compared."""
    names, known = set(names), set(known)
    return len(names) * len(known) > MOST_PAIRS or any(alike(one, other) for one in names for other in known)
