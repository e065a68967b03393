"""The distribution, the kernel that runs, and the one that will."""

from __future__ import annotations

import re
from dataclasses import dataclass

from meshproof.border.facts.boot import BootFacts
from meshproof.border.facts.hosts import HostFacts, HostsFacts
from meshproof.border.verdict import Verdict
from meshproof.judge.found import failed, passed, some, undecided
from meshproof.judge.hosts.check import each, matches, unjudged

SAVED = "saved"
SAVED_ENTRY = "${saved_entry}"


@dataclass(frozen=True, slots=True)
class Distribution:
    """It is the distribution that the inventory expects."""

    name: str = "Distribution"

    def judge(self, facts: HostsFacts) -> Verdict:
        return each(facts, _distribution)


@dataclass(frozen=True, slots=True)
class RunningKernel:
    """The running kernel is the expected one."""

    name: str = "RunningKernel"

    def judge(self, facts: HostsFacts) -> Verdict:
        return each(facts, _running)


@dataclass(frozen=True, slots=True)
class GrubDefault:
    """What /etc/default/grub is meant to say is what it says, and the boot loader's configuration says the same.

    The last assignment of GRUB_DEFAULT wins: one that stands before `GRUB_DEFAULT=saved` has no effect.
    """

    name: str = "GrubDefault"

    def judge(self, facts: HostsFacts) -> Verdict:
        return each(facts, lambda host: _default(host.boot))


@dataclass(frozen=True, slots=True)
class NextBoot:
    """The next boot brings the expected kernel, and that kernel is installed."""

    name: str = "NextBoot"

    def judge(self, facts: HostsFacts) -> Verdict:
        return each(facts, _next)


def kernel_is(wanted: str, release: str) -> bool:
    """Whether a release satisfies an expectation: `>=4.19`, `5.4`, or a release in full."""
    if not wanted.startswith(">="):
        return matches(wanted, release)
    least, ours = (tuple(map(int, re.findall(r"\d+", text))) for text in (wanted, re.split(r"[^\d.]", release)[0]))
    return ours >= least


def _distribution(host: HostFacts) -> Verdict:
    system, wanted = host.system, host.expect.distribution
    if not wanted:
        return unjudged(system.pretty)
    identity, _, version = wanted.partition(" ")
    if system.distribution != identity.lower() or (version and not matches(version, system.version)):
        return failed(f"{system.pretty} ({system.distribution} {system.version}), and {wanted} is expected")
    return passed(system.pretty)


def _running(host: HostFacts) -> Verdict:
    kernel, wanted = host.system.kernel, host.expect.kernel
    evidence = {"running": kernel, "installed": list(host.system.installed)}
    if not wanted:
        told = unjudged(f"{kernel} runs")
        return Verdict("", "", told.outcome, told.reason, evidence=evidence)
    if kernel_is(wanted, kernel):
        return passed(f"{kernel} runs", **evidence)
    there = [release for release in host.system.installed if kernel_is(wanted, release)]
    hint = f"{some(there)} is installed and would need a boot" if there else "no such kernel is installed"
    return failed(f"{kernel} runs, {wanted} is expected; {hint}", **evidence)


def _default(boot: BootFacts) -> Verdict:
    lines = [str(one) for one in boot.assignments]
    if boot.unseen:
        return undecided(boot.unseen, lines=lines)
    effective = boot.effective or "0"
    last = boot.assignments[-1] if boot.assignments else None
    dead = [one for one in boot.assignments[:-1] if one.value != effective]
    if last is not None and effective == SAVED and dead:
        reason = f"{dead[-1]} has no effect: {last} comes after it, and the last one wins"
        return failed(reason, lines=lines, effective=effective)
    built = SAVED_ENTRY if effective == SAVED else effective
    evidence = {"lines": lines, "effective": effective, "configuration": boot.config, "configured": boot.configured}
    if not boot.configured:
        return undecided(f"{boot.config} sets no default that can be followed", **evidence)
    if boot.configured != built:
        reason = (
            f"{boot.config} was not built from it: GRUB_DEFAULT={effective}, and there the default is {boot.configured}"
        )
        return failed(reason, **evidence)
    over = f", over {some([str(one) for one in dead])}" if dead else ""
    return passed(f"{last or 'GRUB_DEFAULT is not set, which means 0'}{over}", **evidence)


def _next(host: HostFacts) -> Verdict:
    boot, wanted = host.boot, host.expect.kernel
    following = boot.next
    if following is None:
        return undecided(boot.unseen or "the boot loader's menu was not read")
    evidence = {
        "firmware": boot.firmware,
        "configuration": boot.config,
        "environment": boot.environment,
        "default": following.default,
        "saved": boot.saved,
        "menu": [f"{entry.position} {entry.title}" for entry in boot.entries],
    }
    if following.entry is None or not following.entry.kernel:
        what = following.entry.title if following.entry else "nothing"
        return undecided(f"{what} is booted next ({following.how}), which names no kernel", **evidence)
    kernel = following.entry.kernel
    told = f"{kernel} is booted next ({following.how}{', this once' if following.once else ''})"
    if following.doubt:
        return undecided(f"{told}, but {following.doubt}", **evidence)
    if host.system.installed and kernel not in host.system.installed and "rescue" not in kernel:
        return failed(f"{told}, and /boot has no such kernel", **evidence)
    if wanted and not kernel_is(wanted, kernel):
        return failed(f"{told}, and {wanted} is expected", **evidence)
    return passed(told if kernel == host.system.kernel else f"{told}; {host.system.kernel} runs now", **evidence)
