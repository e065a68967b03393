"""One load on a person's own manifests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from meshproof.manifest import Notice
from meshproof.run.prepare import Prepared, prepared_load
from meshproof.run.verification.breakers.below import below
from meshproof.run.verification.specification import Specification
from meshproof.scenario import Scenario


def companion(specification: Specification, scenario: Scenario, notices: Sequence[Notice] = ()) -> Prepared:
    """A scenario on these manifests; what they themselves give notice of is said elsewhere."""
    specified = replace(specification.specified, notices=())
    applied = replace(specification.applied, notices=())
    prepared = prepared_load(
        scenario,
        [specified],
        [applied],
        specification.precision,
        notices,
        client=specification.client,
    )
    return replace(prepared, load=below(prepared.load, chain.from_iterable(prepared.plan.stages)))
