"""Objects that are for the istiod of one revision alone, by their label `istio.io/rev`.

istio/istio pkg/config/model.go (LabelsInRevision): one of another revision does not read them; tags are none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from meshproof.errors import ManifestError
from meshproof.manifest.resource import Resource
from meshproof.mesh.build.unmodelled.resources import reach
from meshproof.mesh.build.workloads.at import at
from meshproof.mesh.model.ambient import REVISION
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Unmodelled

GROUPS = ("networking.istio.io/", "security.istio.io/", "gateway.networking.k8s.io/")
# That of an installation that names none.
DEFAULT = "default"
NEEDS = "leave the label out: every istiod reads it then"


def of_one_revision(resources: Iterable[Resource], mesh: Mesh) -> Iterator[Unmodelled]:
    """Each such object, with the requests that it decides."""
    for one in resources:
        if not one.api_version.startswith(GROUPS):
            continue
        try:
            found = at(one.body, ("metadata", "labels", REVISION))
        except ManifestError:
            continue
        if found is not None and found.data and found.text_form != DEFAULT:
            why = f"only an istiod of revision {found.text_form} reads it: whether it is the proxies' own is not told"
            yield Unmodelled(one.kind, str(one), found.location, why, reach(one, mesh), NEEDS)
