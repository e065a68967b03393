"""The distribution, the running kernel, and the kernel that is booted next."""

from __future__ import annotations

import re

from meshproof.border.facts.hosts import HostFacts
from meshproof.border.verdict import Verdict
from meshproof.judge.found import failed, passed, some, undecided
from meshproof.judge.hosts.check import HostCheck, matches, unjudged

SAVED = "saved"
SAVED_ENTRY = "${saved_entry}"


class Distribution(HostCheck):
    """It is the distribution that the inventory expects."""

    def judge_host(self, host: HostFacts) -> Verdict:
        system, wanted = host.system, host.expect.distribution
        if not wanted:
            return unjudged(system.pretty)
        identity, _, version = wanted.partition(" ")
        if system.distribution != identity.lower() or (version and not matches(version, system.version)):
            return failed(f"{system.pretty} ({system.distribution} {system.version}), and {wanted} is expected")
        return passed(system.pretty)


class RunningKernel(HostCheck):
    """The running kernel is the expected one."""

    def judge_host(self, host: HostFacts) -> Verdict:
        kernel, wanted = host.system.kernel, host.expect.kernel
        evidence = {"running": kernel, "installed": list(host.system.installed)}
        if not wanted:
            return unjudged(f"{kernel} runs", **evidence)
        if kernel_is(wanted, kernel):
            return passed(f"{kernel} runs", **evidence)
        there = [release for release in host.system.installed if kernel_is(wanted, release)]
        hint = f"{some(there)} is installed and would need a boot" if there else "no such kernel is installed"
        return failed(f"{kernel} runs, {wanted} is expected; {hint}", **evidence)


class GrubDefault(HostCheck):
    """GRUB_DEFAULT has no line that is without effect, and the boot loader's configuration was built from it.

    The last assignment of GRUB_DEFAULT wins: one that stands before `GRUB_DEFAULT=saved` has no effect.
    """

    def judge_host(self, host: HostFacts) -> Verdict:
        boot = host.boot
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
            stale = f"{boot.config} was not built from it"
            reason = f"{stale}: GRUB_DEFAULT={effective}, and there the default is {boot.configured}"
            return failed(reason, **evidence)
        over = f", over {some([str(one) for one in dead])}" if dead else ""
        return passed(f"{last or 'GRUB_DEFAULT is not set, which means 0'}{over}", **evidence)


class NextBoot(HostCheck):
    """The next boot brings the expected kernel, and that kernel is installed."""

    def judge_host(self, host: HostFacts) -> Verdict:
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
        booted = f"{kernel} is booted next ({following.how}{', this once' if following.once else ''})"
        if following.doubt:
            return undecided(f"{booted}, but {following.doubt}", **evidence)
        if host.system.installed and kernel not in host.system.installed and "rescue" not in kernel:
            return failed(f"{booted}, and /boot has no such kernel", **evidence)
        if wanted and not kernel_is(wanted, kernel):
            return failed(f"{booted}, and {wanted} is expected", **evidence)
        return passed(
            booted if kernel == host.system.kernel else f"{booted}; {host.system.kernel} runs now", **evidence
        )


def kernel_is(wanted: str, release: str) -> bool:
    """Whether a release satisfies an expectation: `>=4.19`, `5.4`, or a release in full."""
    if not wanted.startswith(">="):
        return matches(wanted, release)
    least, ours = (tuple(map(int, re.findall(r"\d+", text))) for text in (wanted, re.split(r"[^\d.]", release)[0]))
    return ours >= least
