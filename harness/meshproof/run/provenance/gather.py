"""What a run of scenarios, or a verification of a person's own manifests, is made of."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from typing import Any

from meshproof.border.facts.provenance import Profile, Provenance, Question, SelfCheckScore, Sources
from meshproof.inspection import Inspection
from meshproof.run.discover import Found
from meshproof.run.prepare import Prepared
from meshproof.run.provenance.commit import commit_of
from meshproof.run.verification.verification import Verification
from meshproof.scenario import Scenario
from meshproof.targets.base import Target

FOLDER = "folder"


def of_scenarios(
    chosen: Sequence[Found[Scenario | Inspection[Any]]],
    prepared: Iterable[Prepared | Inspection[Any]],
    target: Target,
    not_asked: Sequence[str] = (),
) -> Provenance:
    """A profile for each folder of scenarios; those that take very many requests are its extended ones."""
    several = (one.sources for one in prepared if isinstance(one, Prepared))
    sources = Sources(tuple(dict.fromkeys(one for own in several for one in own)))
    names = dict.fromkeys(one.folder.name for one in chosen)
    profiles = tuple(_profile(name, [one.scenario for one in chosen if one.folder.name == name]) for name in names)
    return _whole(sources, target, profiles, not_asked=tuple(not_asked))


def of_verification(
    verification: Verification,
    target: Target,
    question: Question,
    allowed: Sequence[str] = (),
    allowed_by: str = "",
    self_check: SelfCheckScore | None = None,
) -> Provenance:
    """One profile: all that is driven has to pass, and so has what says how much of the folder that proves."""
    names = (verification.inspection.name, *(one.name for one in verification.driven))
    profile = Profile(FOLDER, core=tuple(dict.fromkeys(names)))
    return _whole(
        verification.sources,
        target,
        (profile,),
        allowed=tuple(sorted(set(allowed))),
        allowed_by=allowed_by,
        self_check=self_check,
        question=question,
    )


def offered(
    found: Sequence[Found[Scenario | Inspection[Any]]], target: Target
) -> tuple[tuple[Found[Scenario | Inspection[Any]], ...], tuple[str, ...]]:
    """The scenarios of the profiles that the target has something for, and the names of the other profiles."""
    having = {one.folder.name for one in found if set(one.scenario.features) <= target.features}
    rest = dict.fromkeys(one.folder.name for one in found if one.folder.name not in having)
    return tuple(one for one in found if one.folder.name in having), tuple(rest)


def _profile(name: str, scenarios: Sequence[Scenario | Inspection[Any]]) -> Profile:
    return Profile(
        name,
        tuple(one.name for one in scenarios if not one.thorough),
        tuple(one.name for one in scenarios if one.thorough),
        {one.name: tuple(sorted(one.features)) for one in scenarios},
    )


def _whole(sources: Sources, target: Target, profiles: tuple[Profile, ...], **more: Any) -> Provenance:
    machine = {"system": platform.system(), "kernel": platform.release(), "machine": platform.machine()}
    commit = commit_of((*sources.specified, *sources.applied))
    return Provenance(sources, commit, machine, tuple(sorted(target.features)), profiles, **more)
