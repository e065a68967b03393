"""Which namespaces a Gateway's listeners take routes of, or a Gateway ListenerSets: by name, or by their labels.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#routenamespaces; what istiod makes of a selector:
pilot/pkg/config/kube/gatewaycommon/gateway_utils.go.
"""

from __future__ import annotations

from collections.abc import Iterable

from meshproof.manifest.value import Value
from meshproof.mesh.build.workloads.namespaces import Selector, namespace_selector
from meshproof.mesh.model.mesh import Mesh
from meshproof.records import dataclass

# A namespace that there is none of.
NOWHERE = "~"


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
        return Chosen(selector=namespace_selector(selector))
    # A selector that is not there selects all routes, and no ListenerSets.
    unselected = "All" if otherwise == "Same" else "None"
    return Chosen({"All": ("",), "Same": (own,)}.get(unselected if word == "Selector" else word, (NOWHERE,)))


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
