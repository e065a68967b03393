"""Applies steps to one host: each is planned from a survey, journaled, applied, and verified by another survey."""

from __future__ import annotations

from dataclasses import field

from meshproof.border.facts.hosts import ModuleFacts
from meshproof.border.inventory import REGISTRY
from meshproof.errors import MeshproofError, TargetError, UsageError
from meshproof.records import dataclass
from meshproof.targets.hosts.facts.balance import NEEDED, balance
from meshproof.targets.hosts.prepare import remote
from meshproof.targets.hosts.prepare.change import Change, Command, Plan, Reboot, Upload, WriteFile
from meshproof.targets.hosts.prepare.desired import DesiredState
from meshproof.targets.hosts.prepare.journal import BEGUN, DONE, FAILED, Journal, stopped_at
from meshproof.targets.hosts.prepare.link import Link
from meshproof.targets.hosts.prepare.remote import Tell
from meshproof.targets.hosts.prepare.step import Step, steps
from meshproof.targets.hosts.prepare.steps.boot import starts
from meshproof.targets.hosts.prepare.survey import Survey, survey

# Which entry of a boot menu is the wanted one may be known only after the menu has been rebuilt.
ROUNDS = 2
BACKENDS = 2


@dataclass(frozen=True, slots=True)
class Outcome:
    """The plans that were applied to a host (or, in a dry run, would be)."""

    label: str
    plans: tuple[Plan, ...] = field(default=())

    @property
    def changed(self) -> bool:
        """True when there was anything to do."""
        return any(plan.changes for plan in self.plans)

    @property
    def blocked(self) -> bool:
        """True when the user must do something first."""
        return any(plan.blocked for plan in self.plans)


async def look(link: Link) -> Survey:
    """A survey of the host; raises TargetError."""
    return await survey(link.connection, link.entry.expect.modules)


async def plan_host(link: Link, desired: DesiredState) -> Outcome:
    """What would be changed, from a survey; changes nothing. Raises TargetError."""
    host = await look(link)
    plans = tuple(step.plan(host, link.entry, desired) for step in steps(link.entry))
    return Outcome(link.label, plans)


async def apply_host(link: Link, desired: DesiredState, journal: Journal, tell: Tell) -> Outcome:
    """Apply what is missing, step by step; raises MeshproofError at the first failure."""
    before = stopped_at(await journal.read(link.connection))
    if before is not None:
        tell(f"{link.label}: an earlier run stopped in the step `{before.step}`: {before.note or 'it was interrupted'}")
    done = [await _apply_step(link, step, desired, journal, tell) for step in steps(link.entry)]
    await _check_balance(link, tell)
    return Outcome(link.label, tuple(done))


async def _apply_step(link: Link, step: Step, desired: DesiredState, journal: Journal, tell: Tell) -> Plan:
    applied: list[Change] = []
    plan = step.plan(await look(link), link.entry, desired)
    for _ in range(ROUNDS):
        _require_unblocked(link, plan)
        if plan.empty:
            break
        for notice in plan.notices:
            tell(f"{link.label}: {notice}")
        for change in plan.changes:
            tell(f"{link.label}: {change.lines()[0]}")
            await _journaled(link, step.name, change, journal, tell)
            applied.append(change)
        plan = step.plan(await look(link), link.entry, desired)
    _require_unblocked(link, plan)
    if not plan.empty:
        left = "; ".join(change.lines()[0] for change in plan.changes)
        raise TargetError(f"{link.label}: the step `{step.name}` had no effect; what is still missing: {left}")
    return Plan(step.name, tuple(applied), plan.notices)


async def _check_balance(link: Link, tell: Tell) -> None:
    """Check that the loaded modules balance connections; raises TargetError when they do not."""
    if link.entry.role == REGISTRY or not set(NEEDED) <= set(link.entry.expect.modules):
        return
    seen = await balance(link.connection, [ModuleFacts(name, "loaded") for name in link.entry.expect.modules])
    if seen.unseen:
        tell(f"{link.label}: whether IPVS balances was not checked: {seen.unseen}")
    elif seen.error or len(set(seen.answers)) < BACKENDS:
        reason = seen.error or f"only {', '.join(sorted(set(seen.answers))) or 'nobody'} answered"
        raise TargetError(f"{link.label}: the modules are loaded, and IPVS does not balance: {reason}")


def _require_unblocked(link: Link, plan: Plan) -> None:
    if plan.blocked:
        raise UsageError(f"{link.label}: the step `{plan.step}` cannot continue: {'; '.join(plan.blocked)}")


async def _journaled(link: Link, step: str, change: Change, journal: Journal, tell: Tell) -> None:
    record = change.record()
    await journal.note(link.connection, step, BEGUN, record)
    try:
        await _apply(link, change, tell)
    except MeshproofError as error:
        await _note_failure(link, step, record, journal, str(error).partition("\n")[0])
        raise
    await journal.note(link.connection, step, DONE, record)


async def _note_failure(link: Link, step: str, record: dict[str, object], journal: Journal, note: str) -> None:
    """On both sides if possible; when the connection is lost, on this one alone."""
    try:
        await journal.note(link.connection, step, FAILED, record, note)
    except TargetError:
        return


async def _apply(link: Link, change: Change, tell: Tell) -> None:
    match change:
        case WriteFile():
            await remote.write_file(link.connection, change)
        case Upload():
            await remote.upload(link.connection, change, tell)
        case Command():
            await remote.command(link.connection, change)
        case Reboot():
            await reboot(link, change, tell)


async def reboot(link: Link, change: Reboot, tell: Tell) -> None:
    """Reboot into a kernel that the boot loader will certainly start; TargetError when another one comes up."""
    host = await look(link)
    if not starts(host, change.release):
        upcoming = host.next_kernel or "an unknown kernel"
        doubt = f" ({host.next.doubt})" if host.next and host.next.doubt else ""
        raise TargetError(
            f"{link.label}: not rebooted, because the boot loader would start {upcoming}{doubt}, not {change.release}"
        )
    tell(f"{link.label}: reboots, which may take up to {link.timeouts.host_reboot:g} s")
    await link.reboot(host.boot_id)
    now = await look(link)
    if now.kernel != change.release:
        raise TargetError(
            f"{link.label}: came back with the kernel {now.kernel}, not {change.release}; nothing else is changed\n"
            "Either the new one did not start and the boot loader fell back, or somebody chose another in its menu: "
            f"the log of the boot before says why (journalctl -b -1). {now.kernel} works as before; `hosts restore` "
            "puts back what was changed, and `hosts prepare --apply --allow-reboot` tries again"
        )
    tell(f"{link.label}: runs {now.kernel}")
