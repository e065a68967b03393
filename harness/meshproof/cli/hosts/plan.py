"""What was planned or done to hosts, as text and as data."""

from __future__ import annotations

from typing import Any

from meshproof.language.words import ENGLISH, Words
from meshproof.targets.hosts.prepare.change import Plan
from meshproof.targets.hosts.prepare.sequence import Prepared


def as_text(prepared: Prepared, dry: bool, words: Words = ENGLISH) -> str:
    """For a person: what is changed where, with the difference to each file."""
    lines: list[str] = []
    for host in prepared.hosts:
        busy = [plan for plan in host.plans if plan.changes or plan.blocked or plan.notices]
        lines.append(host.label if busy else words("{host}: is as it should be", host=host.label))
        for plan in busy:
            lines += [f"  {plan.step}", *(f"    {line}" for line in _plan(plan, dry))]
    if prepared.images:
        there = len(prepared.images.wanted) - len(prepared.images.missing)
        registry = {"kind": prepared.images.kind, "n": there, "all": len(prepared.images.wanted)}
        lines.append(words("registry ({kind}): {n} of {all} images are there", **registry))
        lines += [f"  {line if dry else line.replace('push ', 'pushed ', 1)}" for line in prepared.images.lines()]
    if prepared.mesh:
        lines += [words("cluster"), *(f"  {line}" for line in prepared.mesh.lines())]
    lines += prepared.notices
    if dry:
        lines.append(words("Nothing was changed. --apply does it; what follows a reboot is planned again after it."))
    return "\n".join(lines) + "\n"


def _plan(plan: Plan, dry: bool) -> list[str]:
    lines = [line for change in plan.changes for line in change.lines()]
    lines += [f"note: {notice}" for notice in plan.notices]
    lines += [f"{'would stop' if dry else 'stopped'}: {reason}" for reason in plan.blocked]
    return lines


def as_data(prepared: Prepared, dry: bool) -> dict[str, Any]:
    """For a program."""
    return {
        "dryRun": dry,
        "hosts": [
            {
                "host": host.label,
                "steps": [
                    {
                        "step": plan.step,
                        "changes": [{**change.record(), "text": change.lines()} for change in plan.changes],
                        "notices": list(plan.notices),
                        "blocked": list(plan.blocked),
                    }
                    for plan in host.plans
                ],
            }
            for host in prepared.hosts
        ],
        "images": [str(goal) for goal in prepared.images.missing] if prepared.images else [],
        "cluster": prepared.mesh.lines() if prepared.mesh else [],
        "notices": list(prepared.notices),
    }
