"""Cases of one and of two features, each a change of base.yaml."""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from cases import Case, case, objects

Json = dict[str, Any]

HERE = Path(__file__).parent
SEED = 1


def features() -> list[Json]:
    found: list[Json] = yaml.safe_load((HERE / "features.yaml").read_text())
    return found


def changed(several: list[Json], feature: Json) -> None:
    """Make the objects of the base those of the feature."""
    virtual_service, rule, server, service = (_named(several, *one) for one in PLACES)
    for at, into in (
        ("rule", virtual_service["spec"]["http"][0]),
        ("vs", virtual_service["spec"]),
        ("policy", rule["spec"].setdefault("trafficPolicy", {})),
        ("destination", rule["spec"]),
        ("server", server["spec"]["servers"][0]),
        ("service", service["spec"]),
        ("annotations", service["metadata"].setdefault("annotations", {})),
    ):
        for name, value in feature.get(at, {}).items():
            if value is None:
                into.pop(name, None)
            elif isinstance(value, dict) and isinstance(into.get(name), dict):
                into[name] |= value
            else:
                into[name] = value
    if not rule["spec"]["trafficPolicy"]:
        # One without any field is refused.
        del rule["spec"]["trafficPolicy"]
    several += feature.get("objects", ())


PLACES = (("VirtualService", "r"), ("DestinationRule", "beta"), ("Gateway", "gate"), ("Service", "alpha"))


def _named(several: list[Json], kind: str, name: str) -> Json:
    return next(one for one in several if one["kind"] == kind and one["metadata"]["name"] == name)


def generated(number: int) -> Iterator[Case]:
    """A case of each feature, and so many of pairs, the same each time."""
    base, known = objects((HERE / "base.yaml").read_text()), features()
    pairs = list(itertools.combinations(range(len(known)), 2))
    chosen = random.Random(SEED).sample(pairs, min(number, len(pairs)))
    for several in (*((one,) for one in range(len(known))), *chosen):
        made = copy.deepcopy(base)
        for one in several:
            changed(made, copy.deepcopy(known[one]))
        last = {(one["apiVersion"], one["kind"], str(one["metadata"])): one for one in made}
        if found := case("features " + " and ".join(map(str, several)), "features", last.values()):
            yield found
