"""What is known of an installation of Istio and of the cluster below it: facts, not yet judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Specified:
    """What was asked for; empty where nothing was."""

    istio: str = ""
    hub: str = ""
    kube_proxy: str = ""


@dataclass(frozen=True, slots=True)
class NodeFact:
    """One node. `kube_proxy` is the mode that its kube-proxy works in, empty when that is not known.

    `told` says where the mode is known from: `running` (kube-proxy itself said so) or `configured`.
    """

    name: str
    ready: bool
    kernel: str
    kubelet: str
    kube_proxy: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True)
class PodFact:
    """One pod of Istio: its images by container, and what keeps it from being ready (empty when it is)."""

    name: str
    images: Mapping[str, str]
    hindrance: str = ""


@dataclass(frozen=True, slots=True)
class Balance:
    """`requests` connections to a ClusterIP, none of them through a sidecar: how many each pod behind it answered.

    `error` is what the others ended in; `pods` are those that stand behind the address.
    """

    pods: tuple[str, ...]
    requests: int
    answers: Mapping[str, int]
    error: str = ""


@dataclass(frozen=True, slots=True)
class GatewayFact:
    """An ingress gateway, and what its readiness page answered (0: nothing, then `error` says why)."""

    name: str
    addresses: tuple[str, ...]
    status: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """A kind that the API server serves (`virtualservices.networking.istio.io`), and in which versions."""

    name: str
    served: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of `istioctl analyze`; `level` is Info, Warning or Error."""

    code: str
    level: str
    origin: str
    text: str

    @property
    def namespace(self) -> str:
        """Of what it is about (`VirtualService shop/cart`, `Namespace shop`); empty for what stands in none."""
        kind, _, name = self.origin.partition(" ")
        place, slash, _ = name.partition("/")
        return place if slash or kind == "Namespace" else ""


@dataclass(frozen=True, slots=True)
class InstallFacts:
    """An installation as it is. `sidecar` is the image of the proxy that a new pod gets, empty when it gets none.

    What could not be found out is None, and `unknown` says why, by the field's name; `withheld` says it of what this
    user has no right to know.
    """

    specified: Specified
    kubernetes: str
    istio: str
    istioctl: str
    nodes: tuple[NodeFact, ...] | None
    pods: tuple[PodFact, ...] | None
    sidecar: str | None
    definitions: tuple[Definition, ...] | None
    balance: Balance | None
    gateways: tuple[GatewayFact, ...] | None
    messages: tuple[Message, ...] | None
    unknown: Mapping[str, str] = field(default_factory=dict)
    withheld: Mapping[str, str] = field(default_factory=dict)
