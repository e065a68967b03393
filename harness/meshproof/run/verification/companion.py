"""Another load on the manifests of a verification."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

from meshproof.manifest import Manifests
from meshproof.run.prepare import Prepared, prepared_load
from meshproof.run.verification.breakers import below
from meshproof.scenario import Scenario


def companion(verification: Prepared, scenario: Scenario) -> Prepared:
    """A scenario on what a verification specifies and applies, without the notices that it gives already."""
    (stage,) = verification.stages
    specified, actual = Manifests(stage.specified), Manifests(stage.resources)
    precision, namespace = verification.plan.precision, verification.namespace
    prepared = prepared_load(scenario, [specified], [actual], precision, namespace=namespace)
    prepared = replace(prepared, load=below(prepared.load, chain.from_iterable(prepared.plan.stages)))
    return replace(prepared, notices=tuple(one for one in prepared.notices if one not in verification.notices))
