"""Services, workloads and Secrets, in Kubernetes' own terms.

Every object keeps the location of the manifest lines that it came from.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import field

from meshproof.errors import Location
from meshproof.mesh.model.traffic_policy.locality import Distribution, Locality
from meshproof.records import dataclass

Labels = Mapping[str, str]

CLUSTER_DOMAIN = "svc.cluster.local"
# Istio's own namespace: its configuration is for the whole mesh, and its gateways run there.
ROOT_NAMESPACE = "istio-system"
HTTP = frozenset({"http", "http2", "http_proxy", "grpc", "grpc-web"})
# What a ServiceEntry is that says nothing of it.
OUTSIDE = "MESH_EXTERNAL"
# Labels that pods get beside those of their template, from Kubernetes' controllers and from istiod's injector.
WRITTEN = frozenset(
    {
        *("pod-template-hash", "controller-revision-hash", "pod-template-generation", "rollouts-pod-template-hash"),
        *("statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "controller-uid", "job-name"),
        *(
            "batch.kubernetes.io/controller-uid",
            "batch.kubernetes.io/job-name",
            "batch.kubernetes.io/job-completion-index",
        ),
        *("service.istio.io/canonical-name", "service.istio.io/canonical-revision", "security.istio.io/tlsMode"),
        *("istio.io/rev", "topology.istio.io/network", "topology.istio.io/subzone", "networking.istio.io/tunnel"),
        *("topology.kubernetes.io/region", "topology.kubernetes.io/zone"),
    }
)


@dataclass(frozen=True, slots=True)
class ServicePort:
    """`target` is a number, or the name of a container port; `protocol` is Istio's (http, http2, grpc, tcp, tls …).

    A port that is `sniffed` says nothing of its protocol: a sidecar finds it out on each connection to this Service.
    """

    number: int
    name: str
    target: int | str
    protocol: str
    location: Location
    sniffed: bool = False

    @property
    def is_http(self) -> bool:
        """Whether rules for HTTP count on it."""
        return self.protocol in HTTP


@dataclass(frozen=True, slots=True)
class Service:
    """`export_to` are the entries of its annotation networking.istio.io/exportTo (none: all namespaces).

    A host of a ServiceEntry is one, too: `name` and `hostname` are that host. `endpoints` are the keys of what stands
    behind it without being selected by labels (`Workload.endpoint_of`). `addresses` are those that it says,
    `own_addresses` those by which clients call it as by its name (none: there are none, or none that is known),
    `alternative_names` those that it expects in certificates; with `called_address` whoever has the address that the
    client called answers (resolution NONE). A `headless` Service has no address of its own: its clients look up those
    of its pods. One that is `unlisted` is known to a client as what rules lead to alone. An ExternalName is none of the
    mesh's Services, but an alias of the host `alias_of`. With `unready` pods that are not ready are called, too.
    `waypoint` is the Gateway that its label says (`none`: none at all; empty: that of its namespace), and `unseen` what
    a ServiceEntry says that shows in no answer, by the names of its fields. `distribution` is which of its pods it
    prefers (None: it does not say).
    """

    name: str
    namespace: str
    ports: tuple[ServicePort, ...]
    selector: Labels
    location: Location
    export_to: tuple[str, ...] = ()
    hostname: str = ""
    endpoints: tuple[str, ...] = ()
    headless: bool = False
    unready: bool = False
    unlisted: bool = False
    alias_of: str = ""
    alternative_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    own_addresses: tuple[str, ...] = ()
    called_address: bool = False
    waypoint: str = ""
    unseen: tuple[tuple[str, str], ...] = ()
    distribution: Distribution | None = None
    host: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        host = self.hostname or sys.intern(f"{self.name}.{self.namespace}.{CLUSTER_DOMAIN}")
        object.__setattr__(self, "host", host)

    @property
    def called(self) -> str:
        """What a person calls it: `name.namespace`, or the host of a ServiceEntry."""
        return self.host.removesuffix(f".{CLUSTER_DOMAIN}")

    def is_apart(self, port: ServicePort) -> bool:
        """Whether a sidecar listens for a port at this Service's own address, whatever Host header is sent there.

        So it does where nothing tells what the port carries; a ServiceEntry has an address of its own only if it says
        one, and no block of them.
        """
        return port.sniffed and self.has_address

    @property
    def is_outside(self) -> bool:
        """Whether what answers for it is no part of the mesh."""
        return ("location", OUTSIDE) in self.unseen

    @property
    def has_address(self) -> bool:
        """Whether a sidecar knows connections to it by their address, be it that of a pod."""
        address, _, length = next(iter(self.addresses), "").partition("/")
        return not self.hostname or (bool(address) and length in ("", "128" if ":" in address else "32"))


@dataclass(frozen=True, slots=True)
class ContainerPort:
    number: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class InboundPorts:
    """The ports of pods that their sidecar takes over: those `captured` (None: all), but for those `excluded`."""

    captured: frozenset[int] | None = None
    excluded: frozenset[int] = frozenset()

    def is_past(self, port: int) -> bool:
        """Whether connections to a port pass the sidecar by."""
        return port in self.excluded or (self.captured is not None and port not in self.captured)


@dataclass(frozen=True, slots=True)
class Workload:
    """A Deployment: `labels` are its pod template's, `image` its first application container's.

    What stands for the endpoints of a ServiceEntry is one, too, with the port of each name of the ServiceEntry's:
    `endpoint_of` is then its key. One of kind WorkloadEntry or WorkloadGroup listens on whatever port it is called on.
    Its pods run on Nodes with `node_labels`, or on the one called `node`; `locality` is None where nothing tells it.
    `bypass` is why what its pods send passes no sidecar. `addresses` are those that manifests say of machines and
    endpoints, each one's replica by its place, and `weights` theirs (none: all alike). With `versions` a controller
    tells old pods from new ones by labels that stand in no manifest; those `on_host` have the addresses of their Nodes.
    `account` is the ServiceAccount of its pods (empty: not told), `inbound` says what their sidecars take over (None:
    all). `sidecar` says whether one stands beside them (None: that is left to their namespace).
    """

    name: str
    namespace: str
    replicas: int
    labels: Labels
    image: str
    ports: tuple[ContainerPort, ...]
    location: Location
    kind: str = "Deployment"
    endpoint_of: str = ""
    locality: Locality | None = None
    node: str = ""
    node_labels: Labels = field(default_factory=dict)
    bypass: str = ""
    addresses: tuple[str, ...] = ()
    weights: tuple[int, ...] = ()
    versions: bool = False
    on_host: bool = False
    account: str = ""
    inbound: InboundPorts | None = None
    sidecar: bool | None = None
    key: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", sys.intern(f"{self.namespace}/{self.name}"))

    @property
    def in_pods(self) -> bool:
        """Whether its containers, and no machine's or ServiceEntry's endpoints, say on which ports it listens."""
        return not self.endpoint_of and self.kind not in ("WorkloadEntry", "WorkloadGroup")


@dataclass(frozen=True, slots=True)
class Secret:
    """A Secret's decoded data; it never shows in a repr."""

    name: str
    namespace: str
    data: Mapping[str, bytes] = field(repr=False)
    location: Location


def may_carry(own: Labels, wanted: Labels) -> bool:
    """Whether pods may carry these labels in a cluster, whose template has its own."""
    return all(own.get(name, value if name in WRITTEN else None) == value for name, value in wanted.items())


def key_of(wanted: Labels) -> tuple[str, str] | None:
    """One of the labels by which pods are selected, to find them by: it stands in their template; None: none does."""
    return min((one for one in wanted.items() if one[0] not in WRITTEN), default=None)


def keys_of(own: Labels) -> Iterator[tuple[str, str] | None]:
    """The keys of all selections that pods with these labels may be of."""
    yield None
    yield from own.items()
