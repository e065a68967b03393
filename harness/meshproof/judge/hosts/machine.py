"""What Kubernetes needs of a machine besides its kernel's version."""

from __future__ import annotations

from dataclasses import dataclass

from meshproof.border.facts.hosts import HostFacts, HostsFacts
from meshproof.border.inventory import REGISTRY
from meshproof.border.verdict import Verdict
from meshproof.judge.found import failed, passed, some, undecided
from meshproof.judge.hosts.check import each, unjudged

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True, slots=True)
class KernelSettings:
    """Packets are forwarded, and those on bridges pass through iptables, as kubeadm asks before it starts."""

    name: str = "KernelSettings"

    def judge(self, facts: HostsFacts) -> Verdict:
        return each(facts, _settings)


@dataclass(frozen=True, slots=True)
class SwapOff:
    """Swap is as expected (off, unless said otherwise), and stays so after a reboot."""

    name: str = "SwapOff"

    def judge(self, facts: HostsFacts) -> Verdict:
        return each(facts, _swap)


@dataclass(frozen=True, slots=True)
class ControlGroups:
    """Control groups are of the expected version."""

    name: str = "ControlGroups"

    def judge(self, facts: HostsFacts) -> Verdict:
        return each(facts, _cgroup)


@dataclass(frozen=True, slots=True)
class ClockRight:
    """The clock is synchronised, and no further from ours than expected."""

    name: str = "ClockRight"

    def judge(self, facts: HostsFacts) -> Verdict:
        return each(facts, _clock)


@dataclass(frozen=True, slots=True)
class DiskRoom:
    """Each expected path stands on a file system that can be written, with the room expected."""

    name: str = "DiskRoom"

    def judge(self, facts: HostsFacts) -> Verdict:
        return each(facts, _disk)


def _settings(host: HostFacts) -> Verdict:
    settings = dict(host.system.sysctls)
    if host.role == REGISTRY:
        return unjudged("no node of Kubernetes")
    wrong = [f"{name} is {value}" for name, value in settings.items() if value not in ("1", "")]
    wrong += [f"{name} does not exist" for name, value in settings.items() if not value]
    hint = "; load br_netfilter" if any("bridge" in name and not value for name, value in settings.items()) else ""
    return failed(some(wrong) + hint, **settings) if wrong else passed(f"{len(settings)} of them are 1", **settings)


def _swap(host: HostFacts) -> Verdict:
    used, back = host.system.swaps, host.system.swap_entries
    told = f"{some(used)} is in use" if used else "no swap"
    if host.expect.swap is None:
        return unjudged(told)
    if host.expect.swap:
        return passed(told) if used else failed("no swap is in use")
    if used:
        return failed(told)
    return failed(f"off now, but /etc/fstab brings {some(back)} back") if back else passed(told)


def _cgroup(host: HostFacts) -> Verdict:
    version, wanted = host.system.cgroup, host.expect.cgroup
    told = f"version {version}" if version else "none are mounted"
    if wanted is None:
        return unjudged(told)
    return passed(told) if version == wanted else failed(f"{told}, and version {wanted} is expected")


def _clock(host: HostFacts) -> Verdict:
    clock, limit = host.clock, host.expect.clock_offset
    told = f"{clock.offset:+.2f} s from ours, give or take {clock.uncertainty:.2f} s"
    evidence = {"offset": clock.offset, "uncertainty": clock.uncertainty, "source": clock.source}
    if abs(clock.offset) - clock.uncertainty > limit:
        return failed(f"{told}, and {limit:g} s are allowed", **evidence)
    if clock.synchronised is False:
        return failed(f"not synchronised{f' ({clock.source} runs)' if clock.source else ''}; {told}", **evidence)
    if abs(clock.offset) + clock.uncertainty > limit:
        return undecided(f"{told}, which is too coarse for {limit:g} s", **evidence)
    if clock.synchronised is None:
        return undecided(f"the host does not say whether it is synchronised; {told}", **evidence)
    return passed(f"synchronised{f' by {clock.source}' if clock.source else ''}; {told}", **evidence)


def _disk(host: HostFacts) -> Verdict:
    wanted = dict(host.expect.disk)
    if not wanted:
        return unjudged("no path")
    wrong = []
    for disk in host.disks:
        if disk.unseen:
            wrong.append(disk.unseen)
        elif not disk.writable:
            wrong.append(f"{disk.path} is mounted read-only")
        elif disk.free < wanted[disk.path]:
            wrong.append(f"{disk.path} has {size(disk.free)} free, and {size(wanted[disk.path])} are expected")
    free = {disk.path: disk.free for disk in host.disks}
    if wrong:
        return failed("; ".join(wrong), free=free)
    return passed(some([f"{path} has {size(room)} free" for path, room in free.items()]), free=free)


def size(amount: float) -> str:
    """Bytes as a person reads them."""
    for unit in UNITS:
        if amount < 1024 or unit == UNITS[-1]:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError
