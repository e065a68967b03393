"""IPVS: its modules are loaded, are loaded again after a reboot, and balance."""

from __future__ import annotations

from collections import Counter

from meshproof.border.facts.hosts import HostFacts
from meshproof.border.verdict import Verdict
from meshproof.judge.found import failed, passed, some, undecided
from meshproof.judge.hosts.check import HostCheck, unjudged

IN_FORCE = ("loaded", "built in")
NEEDED = "ip_vs"


class IpvsModules(HostCheck):
    """Each expected module is loaded, or built into the kernel."""

    def judge_host(self, host: HostFacts) -> Verdict:
        if not host.modules:
            return unjudged("no modules")
        states = {module.name: module.state for module in host.modules}
        idle = [f"{name} is {_words(state)}" for name, state in states.items() if state not in IN_FORCE]
        if idle:
            return failed(some(idle), modules=states)
        kinds = Counter(states.values())
        return passed(", ".join(f"{count} {state}" for state, count in kinds.items()), modules=states)


class IpvsModulesPersist(HostCheck):
    """Each expected module is loaded again after a reboot, or built into the kernel."""

    def judge_host(self, host: HostFacts) -> Verdict:
        if not host.modules:
            return unjudged("no modules")
        files = {module.name: module.persisted for module in host.modules if module.state != "built in"}
        kept_out = [f"{one.name} is blacklisted in {one.blacklisted}" for one in host.modules if one.blacklisted]
        lost = [f"no file loads {some([name for name, file in files.items() if not file])} at boot"]
        problems = kept_out + (lost if not all(files.values()) else [])
        if problems:
            return failed("; ".join(problems), files=files)
        return passed(some(sorted(set(files.values()))) or "all are built in", files=files)


class IpvsBalances(HostCheck):
    """A virtual service, round robin over two backends, answered every request, and from both alike."""

    def judge_host(self, host: HostFacts) -> Verdict:
        balance = host.balance
        if NEEDED not in [module.name for module in host.modules]:
            return unjudged("IPVS was not tried")
        counts = dict(Counter(balance.answers))
        if balance.unseen:
            return undecided(f"not shown: {balance.unseen}")
        if balance.error:
            return failed(balance.error, answers=counts)
        if len(counts) != 2 or "nothing" in counts or max(counts.values()) - min(counts.values()) > 1:
            shares = ", ".join(f"backend {name} {count}" for name, count in counts.items())
            return failed(f"of {len(balance.answers)} requests round robin over two backends: {shares or 'no answer'}")
        return passed(f"{len(balance.answers)} requests, shared evenly by two backends", answers=counts)


def _words(state: str) -> str:
    return "not loaded, though it could be" if state == "loadable" else "not there for the running kernel"
