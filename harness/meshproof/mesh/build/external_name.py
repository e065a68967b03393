"""ExternalNames, which istiod takes for aliases of the host that they name, and what is not modelled of them.

Source: istio/istio pilot/pkg/model/push_context.go (resolveServiceAliases) and pilot/pkg/networking/core/route/route.go
(GetDestinationCluster).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.manifest.resource import Resource
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Asked, Rule, Touches
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, HttpRoute


def across(mesh: Mesh, resources: Sequence[Resource], findings: Findings) -> None:
    """Say which host no alias comes to, and what of the others is not modelled."""
    if not mesh.aliases:
        return
    written = {(one.name, one.namespace): one for one in resources if one.kind == "Service"}
    leading = _leading(mesh)
    for alias in mesh.aliases:
        with findings.about(written[alias.name, alias.namespace], ()):
            if not mesh.knows(mesh.stands_for(alias.host)):
                text = f"no Service and no ServiceEntry has the host {alias.alias_of}: to the mesh {alias.called} is"
                findings.notice(alias.location, f"{text} no destination, and rules that lead there are answered 503")
            for why, touches in _unknown(mesh, alias):
                findings.unproved(alias.location, why, touches=(touches,))
            for touches in leading.get(alias.host, ()):
                why = f"what a rule of this kind that leads to an ExternalName does is not modelled: {alias.called}"
                findings.unproved(alias.location, why, touches=(touches,))


def _unknown(mesh: Mesh, alias: Service) -> Iterator[tuple[str, Touches]]:
    """Why it may be otherwise what becomes of requests for an alias."""
    asked = Asked((alias.host,))
    bound = mesh.bound_to(MESH_GATEWAY)
    if any(bound[at].gateway_api for at in mesh.naming(MESH_GATEWAY).candidates(alias.host)):
        yield f"a route of the Gateway API for {alias.called}, an ExternalName, is not modelled", asked
    service = mesh.service(mesh.stands_for(alias.host))
    if service is None:
        return
    if mesh.sidecars:
        yield f"which aliases a Sidecar imports is not modelled: {alias.called}", asked
    if any(one.sniffed or not one.is_http for one in service.ports):
        why = f"{alias.called} stands for {service.called}, which has a port that is not known to be HTTP"
        yield f"{why}: by the alias nothing is sent there", asked


def _leading(mesh: Mesh) -> dict[str, list[Touches]]:
    """The rules for connections and of the Gateway API that lead to an alias, by its host."""
    found: dict[str, list[Touches]] = {}
    for one in mesh.virtual_services:
        for rule in one.rules:
            if one.gateway_api or not isinstance(rule, HttpRoute):
                for aim in rule.destinations:
                    if mesh.alias(aim.destination.host):
                        found.setdefault(aim.destination.host, []).append(Rule(rule.location))
    return found
