"""What is predicted of a request, in words."""

from __future__ import annotations

from fractions import Fraction

from meshproof.border.expectation import Expectation


def percent(share: Fraction) -> str:
    """A share as `95 %`, `33.33 %`."""
    return f"{f'{float(share) * 100:.2f}'.rstrip('0').rstrip('.')} %"


def predicted(one: Expectation) -> str:
    """What becomes of a request."""
    if one.undecided:
        return one.undecided
    if one.refused:
        return f"no {one.refused}: {one.note}" if one.note else f"no {one.refused}"
    if one.redirect:
        return f"{one.redirect.status} to {one.redirect.target}"
    if one.status:
        return f"{one.status} by the proxy" + (f": {one.note}" if one.note else "")
    drawn = [arm for arm in one.arms if arm.share]
    parts = [
        f"{arm.destination} {percent(arm.share)}" + ("" if arm.workloads else f" ({arm.note or 'no pods'})")
        for arm in drawn
    ]
    if one.abort and one.abort.share:
        parts.append(f"{percent(one.abort.share)} aborted with {one.abort.status}")
    parts += [f"{percent(copy.share)} copied to {copy.destination}" for copy in one.copies if copy.share]
    return ", ".join(parts) or "nowhere"


def taken(one: Expectation) -> str:
    """Which rule takes it."""
    if one.route:
        return f"by the rule at {one.route}"
    return "no rule of these takes it" if one.looked_at else "without a rule"
