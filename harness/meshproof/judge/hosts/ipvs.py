"""IPVS: its modules are there, stay there, and balance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from meshproof.border.facts.hosts import HostFacts, HostsFacts
from meshproof.border.verdict import Verdict
from meshproof.judge.found import failed, passed, some, undecided
from meshproof.judge.hosts.check import each, unjudged

IN_FORCE = ("loaded", "built in")
NEEDED = "ip_vs"


@dataclass(frozen=True, slots=True)
class IpvsModules:
    """Each expected module is loaded, or built into the kernel."""

    name: str = "IpvsModules"

    def judge(self, facts: HostsFacts) -> Verdict:
        return each(facts, _expected(_loaded))


@dataclass(frozen=True, slots=True)
class IpvsModulesPersist:
    """Each expected module is there again after a reboot."""

    name: str = "IpvsModulesPersist"

    def judge(self, facts: HostsFacts) -> Verdict:
        return each(facts, _expected(_persistent))


@dataclass(frozen=True, slots=True)
class IpvsBalances:
    """A virtual service, round robin over two backends, answered every request, and from both alike."""

    name: str = "IpvsBalances"

    def judge(self, facts: HostsFacts) -> Verdict:
        return each(facts, _balanced)


def _expected(judge: Callable[[HostFacts], Verdict]) -> Callable[[HostFacts], Verdict]:
    return lambda host: judge(host) if host.modules else unjudged("no modules")


def _loaded(host: HostFacts) -> Verdict:
    states = {module.name: module.state for module in host.modules}
    idle = [f"{name} is {_words(state)}" for name, state in states.items() if state not in IN_FORCE]
    if idle:
        return failed(some(idle), modules=states)
    kinds = Counter(states.values())
    return passed(", ".join(f"{count} {state}" for state, count in kinds.items()), modules=states)


def _words(state: str) -> str:
    return "not loaded, though it could be" if state == "loadable" else "not there for the running kernel"


def _persistent(host: HostFacts) -> Verdict:
    files = {module.name: module.persisted for module in host.modules if module.state != "built in"}
    kept_out = [f"{one.name} is blacklisted in {one.blacklisted}" for one in host.modules if one.blacklisted]
    lost = [f"no file loads {some([name for name, file in files.items() if not file])} at boot"]
    problems = kept_out + (lost if not all(files.values()) else [])
    if problems:
        return failed("; ".join(problems), files=files)
    return passed(some(sorted(set(files.values()))) or "all are built in", files=files)


def _balanced(host: HostFacts) -> Verdict:
    balance = host.balance
    if NEEDED not in [module.name for module in host.modules]:
        return unjudged("IPVS was not tried")
    counts = dict(Counter(balance.answers))
    if balance.unseen:
        return undecided(f"not shown: {balance.unseen}")
    if balance.error:
        return failed(balance.error, answers=counts)
    if len(counts) != 2 or "nothing" in counts or max(counts.values()) - min(counts.values()) > 1:
        told = ", ".join(f"backend {name} {count}" for name, count in counts.items())
        return failed(f"of {len(balance.answers)} requests round robin over two backends: {told or 'no answer'}")
    return passed(f"{len(balance.answers)} requests, shared evenly by two backends", answers=counts)
