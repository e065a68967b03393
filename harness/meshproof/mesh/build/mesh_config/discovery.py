"""Which namespaces istiod looks at: `discoverySelectors` of the mesh configuration.

What stands in others it does not see, but for the pods whose proxies it configures. Source: istio/istio
pkg/kube/namespace/filter.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field

from meshproof.errors import Location, ManifestError
from meshproof.manifest.resource import Manifests, Resource
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import labels
from meshproof.mesh.build.mesh_config.document import DISCOVERY, configuring, read
from meshproof.mesh.build.unmodelled.touches import touches
from meshproof.mesh.build.workloads.workload import FORMS
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Everything, Unmodelled
from meshproof.records import dataclass

# Of these it needs no more than what proxies themselves tell, or reads them as they are asked for.
KEPT = frozenset({*FORMS, "Rollout", "Secret", "Namespace", "Node"})
NEEDS = "write the Namespace, with its labels, beside these manifests"


@dataclass(frozen=True, slots=True)
class Discovered:
    """`resources` are those that istiod sees, or may see: of `untold` namespaces that is not known."""

    resources: Sequence[Resource]
    location: Location | None = None
    untold: dict[str, list[Resource]] = field(default_factory=dict)

    def unmodelled(self, mesh: Mesh) -> Iterable[Unmodelled]:
        """What depends on the labels of namespaces that are not among the manifests."""
        for namespace, several in self.untold.items():
            reach = dict.fromkeys(touch for one in several for touch in touches(one, mesh))
            why = f"whether {DISCOVERY} ({self.location}) select it depends on its labels, which are told nowhere"
            name = f"Namespace {namespace}"
            yield Unmodelled("Namespace", name, several[0].location, why, tuple(reach), NEEDS)


def discovered(manifests: Manifests, resources: Sequence[Resource], findings: Findings) -> Discovered:
    """What of the resources istiod sees; those of namespaces that it does not see are told."""
    telling = configuring(manifests.foreign)
    fields = read(telling[0])[0] if len(telling) == 1 else None
    said = fields.list(DISCOVERY) if fields is not None else []
    if not said:
        return Discovered(resources)
    from meshproof.mesh.build.workloads.namespaces import namespace_selector

    with findings.about(telling[0], (Everything(),)):
        try:
            selectors = [namespace_selector(one) for one in said]
        except ManifestError as error:
            findings.unproved(said[0].location, f"{DISCOVERY}: {error.problems[0].message}")
            return Discovered(resources)
    known = {one.name: labels(one.body.get("metadata"), "labels") for one in resources if one.kind == "Namespace"}
    seen: list[Resource] = []
    untold: dict[str, list[Resource]] = {}
    hidden: dict[str, list[Resource]] = {}
    for one in resources:
        place = one.namespace
        if one.kind in KEPT or any(each.holds(place, known.get(place, {})) for each in selectors):
            seen.append(one)
        elif place in known or all(each.by_name for each in selectors):
            hidden.setdefault(place, []).append(one)
        else:
            seen.append(one)
            untold.setdefault(place, []).append(one)
    for place, several in hidden.items():
        text = f"{DISCOVERY} do not select the namespace {place}: istiod does not see what is in it"
        findings.notice(several[0].location, f"{text} ({len(several)} of these objects)")
    return Discovered(seen, said[0].location, untold)
