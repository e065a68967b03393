"""Which namespaces a Gateway's listeners take routes of, or a Gateway ListenerSets: by name, or by their labels.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#routenamespaces; what istiod makes of a selector:
pilot/pkg/config/kube/gatewaycommon/gateway_utils.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from meshproof.errors import Location
from meshproof.manifest.value import Value
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.build.workloads.selector import OPERATORS
from meshproof.mesh.model.kubernetes import Labels
from meshproof.mesh.model.mesh import Mesh

# A namespace that there is none of.
NOWHERE = "~"
# The label that a cluster gives to every namespace.
NAMED = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True)
class Selector:
    """Namespaces by their labels; `expressions` are (key, operator, values)."""

    labels: tuple[tuple[str, str], ...]
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...]
    location: Location

    def holds(self, name: str, own: Labels) -> bool:
        """Whether it selects a namespace with these labels."""
        known = {**own, NAMED: name}
        held = (OPERATORS[operator].holds(known.get(key), values) for key, operator, values in self.expressions)
        return all(known.get(key) == value for key, value in self.labels) and all(held)

    @property
    def by_name(self) -> bool:
        """Whether names alone decide."""
        return all(key == NAMED for key, *_ in (*self.labels, *self.expressions))


@dataclass(frozen=True, slots=True)
class Chosen:
    """Namespaces: these ('' for all), or those that a selector selects."""

    names: tuple[str, ...] = ()
    selector: Selector | None = None


EVERYWHERE, NOBODY = Chosen(("",)), Chosen((NOWHERE,))


def chosen(given: Value | None, own: str, otherwise: str) -> Chosen:
    """What `from` and `selector` say in the namespace `own`; `otherwise` is what `from` is where nothing is given."""
    said = given.get("from") if given else None
    word = said.text() if said else otherwise
    selector = given.get("selector") if given else None
    if word == "Selector" and selector is not None:
        return Chosen(selector=_selector(selector))
    # A selector that is not there selects all routes, and no ListenerSets.
    unselected = "All" if otherwise == "Same" else "None"
    return Chosen({"All": ("",), "Same": (own,)}.get(unselected if word == "Selector" else word, (NOWHERE,)))


def _selector(value: Value) -> Selector:
    expressions = []
    for one in value.list("matchExpressions"):
        operator = one.need("operator")
        if operator.text() not in OPERATORS:
            raise operator.problem(f"operator must be one of {', '.join(OPERATORS)}, not {operator.shown}")
        values = tuple(each.text() for each in one.list("values"))
        expressions.append((one.need("key").text(), operator.text(), values))
    return Selector(tuple(labels(value, "matchLabels").items()), tuple(expressions), value.location)


def names(mesh: Mesh, found: Chosen, asking: Iterable[str]) -> tuple[str, ...]:
    """The namespaces; `asking` are those whose objects want to be taken."""
    if found.selector is None:
        return found.names
    several = {*mesh.namespaces, *asking}
    selected = (one for one in sorted(several) if found.selector.holds(one, mesh.namespaces.get(one, {})))
    return tuple(selected) or (NOWHERE,)


def untold(mesh: Mesh, found: Chosen, asking: Iterable[str]) -> list[str]:
    """Those of the namespaces that ask whose labels matter, and are told nowhere."""
    if found.selector is None or found.selector.by_name:
        return []
    return sorted({one for one in asking if one not in mesh.namespaces})
