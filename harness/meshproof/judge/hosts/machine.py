"""What Kubernetes needs of a machine beside the version of its kernel."""

from __future__ import annotations

from meshproof.border.facts.hosts import HostFacts
from meshproof.border.inventory import REGISTRY
from meshproof.border.verdict import Verdict
from meshproof.judge.found import failed, passed, some, undecided
from meshproof.judge.hosts.check import HostCheck, unjudged

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


class KernelSettings(HostCheck):
    """Packets are forwarded, and those on bridges pass through iptables, as kubeadm asks before it starts."""

    def judge_host(self, host: HostFacts) -> Verdict:
        settings = dict(host.system.sysctls)
        if host.role == REGISTRY:
            return unjudged("no node of Kubernetes")
        wrong = [f"{name} is {value}" for name, value in settings.items() if value not in ("1", "")]
        wrong += [f"{name} does not exist" for name, value in settings.items() if not value]
        hint = "; load br_netfilter" if any("bridge" in name and not value for name, value in settings.items()) else ""
        return failed(some(wrong) + hint, **settings) if wrong else passed(f"{len(settings)} of them are 1", **settings)


class SwapOff(HostCheck):
    """Swap is as expected (off, unless said otherwise), and stays so after a reboot."""

    def judge_host(self, host: HostFacts) -> Verdict:
        used, back = host.system.swaps, host.system.swap_entries
        seen = f"{some(used)} is in use" if used else "no swap"
        if host.expect.swap is None:
            return unjudged(seen)
        if host.expect.swap:
            return passed(seen) if used else failed("no swap is in use")
        if used:
            return failed(seen)
        return failed(f"off now, but /etc/fstab brings {some(back)} back") if back else passed(seen)


class ControlGroups(HostCheck):
    """Control groups are of the expected version."""

    def judge_host(self, host: HostFacts) -> Verdict:
        version, wanted = host.system.cgroup, host.expect.cgroup
        seen = f"version {version}" if version else "none are mounted"
        if wanted is None:
            return unjudged(seen)
        return passed(seen) if version == wanted else failed(f"{seen}, and version {wanted} is expected")


class ClockRight(HostCheck):
    """The clock is synchronised, and no further from ours than expected."""

    def judge_host(self, host: HostFacts) -> Verdict:
        clock, limit = host.clock, host.expect.clock_offset
        seen = f"{clock.offset:+.2f} s from ours, give or take {clock.uncertainty:.2f} s"
        evidence = {"offset": clock.offset, "uncertainty": clock.uncertainty, "source": clock.source}
        if abs(clock.offset) - clock.uncertainty > limit:
            return failed(f"{seen}, and {limit:g} s are allowed", **evidence)
        if clock.synchronised is False:
            return failed(f"not synchronised{f' ({clock.source} runs)' if clock.source else ''}; {seen}", **evidence)
        if abs(clock.offset) + clock.uncertainty > limit:
            return undecided(f"{seen}, which is too coarse for {limit:g} s", **evidence)
        if clock.synchronised is None:
            return undecided(f"the host does not say whether it is synchronised; {seen}", **evidence)
        return passed(f"synchronised{f' by {clock.source}' if clock.source else ''}; {seen}", **evidence)


class DiskRoom(HostCheck):
    """Each expected path stands on a file system that can be written, with the free space expected."""

    def judge_host(self, host: HostFacts) -> Verdict:
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
        return passed(some([f"{path} has {size(space)} free" for path, space in free.items()]), free=free)


def size(amount: float) -> str:
    """Bytes as a person reads them."""
    for unit in UNITS:
        if amount < 1024 or unit == UNITS[-1]:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError
