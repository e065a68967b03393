"""The objects of one mesh in a cluster: those of its manifests, its client, and the markers of each revision."""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.load import MASTER_PORTS
from meshproof.errors import UsageError
from meshproof.manifest import Resource
from meshproof.mesh.build.workloads.workload import FORMS
from meshproof.mesh.model.destination_rule import TrafficPolicy
from meshproof.mesh.model.kubernetes import Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.records import dataclass
from meshproof.targets.cluster import client_pod
from meshproof.targets.cluster.gateway_lock import private_to_namespace
from meshproof.targets.cluster.mesh.attribution import envoy_filter
from meshproof.targets.cluster.mesh.shared import SharedNamespace
from meshproof.targets.cluster.workload import as_deployment, probed, sample
from meshproof.targets.embedded.listening import ports
from meshproof.targets.istio.proxy import marker
from meshproof.targets.kube import conflicts
from meshproof.targets.kube.wanted import Wanted, wanted

# Kinds with a template whose pods stay: with their own image they are applied as they are.
STAYING = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"})


# A run has namespaces of its own, a policy could shut those of others, and Nodes and classes are the cluster's; so are
# the pods that serve Ingresses.
WITHHELD = frozenset({"Namespace", "AuthorizationPolicy", "Node", "GatewayClass", "Ingress", "IngressClass"})


@dataclass(slots=True)
class MeshObjects:
    """What one mesh puts into its namespace."""

    shared: SharedNamespace
    _checked: frozenset[conflicts.Claim] = frozenset()
    _in_force: Sequence[Wanted] = ()

    def of(self, mesh: Mesh, resources: Sequence[Resource]) -> list[Wanted]:
        """The objects for these resources, and the clients'; raises UsageError."""
        taken = {port.number for service in mesh.services for port in service.ports} & set(MASTER_PORTS)
        if taken and self.shared.wanted_clients > 1:
            raise UsageError(f"several clients need port {min(taken)} for themselves, which a Service has")
        return [*self._from_manifests(mesh, resources), *self._client()]

    async def check_conflicts(self, objects: Sequence[Wanted]) -> None:
        """Raise UsageError where somebody else's object claims a host that one of these claims too.

        Claims that an earlier stage of this mesh made were checked then.
        """
        claims = {one.key: conflicts.claims(one.body) for one in objects}
        fresh = [one for one in objects if not claims[one.key] <= self._checked]
        self._checked |= frozenset().union(*claims.values())
        found = await conflicts.find(self.shared.cluster, fresh, self.shared.in_force.run)
        if found:
            listed = "\n".join(map(str, found))
            raise UsageError(f"what is to be applied conflicts with what the cluster has:\n{listed}")

    async def apply(self, objects: Sequence[Wanted]) -> None:
        """Put exactly these in force, and after them the markers of a new revision."""
        shared = self.shared
        shared.revision += 1
        # Where nothing is applied the gateways run what they ran before, and must not see anything of this run.
        selectors = shared.gateways.selectors if shared.applying else ()
        bodies = marker.manifests(shared.namespace, shared.revision, selectors, shared.gateways.namespace)
        shared.markers = tuple(Wanted(body) for body in bodies)
        self._in_force = objects
        await shared.in_force.apply(objects, shared.markers)

    async def apply_without_destination_rules(self, objects: Sequence[Wanted]) -> None:
        """Put these in force but for their DestinationRules."""
        await self.apply([one for one in objects if one.key[0] != "DestinationRule"])

    async def withdraw_from_gateways(self) -> None:
        """Delete what other namespaces can see, gateways included; the pods stay for the next mesh."""
        await self.shared.in_force.apply(private_to_namespace(self._in_force, self.shared.namespace))

    def _from_manifests(self, mesh: Mesh, resources: Sequence[Resource]) -> list[Wanted]:
        if not self.shared.applying:
            return []
        workloads = {(workload.kind, workload.key): workload for workload in mesh.workloads}
        found = []
        for resource in resources:
            if resource.kind in WITHHELD:
                continue
            if resource.kind not in FORMS:
                found.append(wanted(resource))
                continue
            names = (resource.name, f"{resource.name}-{resource.kind.lower()}")
            several = (workloads.get((resource.kind, f"{resource.namespace}/{name}")) for name in names)
            workload = next((one for one in several if one is not None), None)
            # Pods without labels are selected by nothing, and those of another resource's template are not known.
            if workload is not None and workload.labels:
                found.append(self._workload(mesh, wanted(resource), workload))
        return found

    def _workload(self, mesh: Mesh, one: Wanted, workload: Workload) -> Wanted:
        if self.shared.probed:
            return probed(as_deployment(one, workload), workload, ports(mesh, workload), self.shared.image)
        return sample(one if workload.kind in STAYING else as_deployment(one, workload), workload)

    def _client(self) -> list[Wanted]:
        shared = self.shared
        deployment = client_pod.deployment(shared.namespace, shared.image, shared.bypassed, shared.wanted_clients)
        client = [Wanted(deployment)]
        return client if shared.self_identifying else [*client, Wanted(envoy_filter(shared.namespace))]


def ejects(mesh: Mesh) -> bool:
    """Whether any DestinationRule of the mesh has outlier detection."""
    return any(policy.outlier_detection is not None for policy in _policies(mesh))


def limits_connections(mesh: Mesh) -> bool:
    """Whether any DestinationRule of the mesh has a connection pool."""
    return any(policy.connection_pool is not None for policy in _policies(mesh))


def _policies(mesh: Mesh) -> list[TrafficPolicy]:
    return [policy for rule in mesh.destination_rules for policy, _ in rule.policies]
