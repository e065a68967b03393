"""Facts about an installation of Istio and the cluster below it, not yet judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class Specified:
    """What was asked for; empty where nothing was."""

    istio: str = ""
    hub: str = ""
    kube_proxy: str = ""


@dataclass(frozen=True, slots=True)
class NodeFact:
    """One node. `kube_proxy` is the mode that its kube-proxy works in, empty when that is not known.

    `mode_from` says how the mode is known: `running` (kube-proxy reported it) or `configured`.
    """

    name: str
    ready: bool
    kernel: str
    kubelet: str
    kube_proxy: str = ""
    mode_from: str = ""


@dataclass(frozen=True, slots=True)
class PodFact:
    """One pod of Istio: its images by container, and why it is not ready (empty when it is)."""

    name: str
    images: Mapping[str, str]
    hindrance: str = ""


@dataclass(frozen=True, slots=True)
class Balance:
    """`requests` connections to a ClusterIP, none of them through a sidecar: how many each pod behind it answered.

    `error` is the error of the others; `pods` are those behind the address.
    """

    pods: tuple[str, ...]
    requests: int
    answers: Mapping[str, int]
    error: str = ""


@dataclass(frozen=True, slots=True)
class GatewayFact:
    """An ingress gateway, and the HTTP status of its readiness page (0: no answer, and `error` says why)."""

    name: str
    addresses: tuple[str, ...]
    status: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Definition:
    """A kind that the API server serves (`virtualservices.networking.istio.io`), and its served versions."""

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
        """The namespace of its object (`VirtualService shop/cart`, `Namespace shop`); empty where it has none."""
        kind, _, name = self.origin.partition(" ")
        namespace, slash, _ = name.partition("/")
        return namespace if slash or kind == "Namespace" else ""


@dataclass(frozen=True, slots=True)
class InstallFacts:
    """An installation as it is. `sidecar` is the image of the proxy that a new pod gets, empty when it gets none.

    A fact that could not be read is None, and `unknown` says why, by the field's name; `withheld` says it of facts
    that this user has no right to read.
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
