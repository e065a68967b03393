"""The steps that prepare a host, in their order."""

from __future__ import annotations

from typing import Protocol

from meshproof.border.inventory import REGISTRY, HostEntry
from meshproof.targets.hosts.prepare.change import Plan
from meshproof.targets.hosts.prepare.desired import DesiredState
from meshproof.targets.hosts.prepare.steps.boot import BootLoaderStep, RebootStep
from meshproof.targets.hosts.prepare.steps.istio_tool import IstioToolStep
from meshproof.targets.hosts.prepare.steps.modules import ModulesStep
from meshproof.targets.hosts.prepare.steps.packages import PackagesStep
from meshproof.targets.hosts.prepare.survey import Survey


class Step(Protocol):
    """One step: from a survey of a host to what would be changed. It is done when its plan is empty."""

    @property
    def name(self) -> str: ...

    def plan(self, host: Survey, entry: HostEntry, desired: DesiredState, /) -> Plan: ...


STEPS: tuple[Step, ...] = (PackagesStep(), BootLoaderStep(), RebootStep(), ModulesStep(), IstioToolStep())


def steps(entry: HostEntry) -> tuple[Step, ...]:
    """The steps for one host; a registry's host is only checked."""
    return () if entry.role == REGISTRY else STEPS
