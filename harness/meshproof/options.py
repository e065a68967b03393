"""The options of a mesh on Kubernetes, as data: the command's options and pytest's are both made from it.

Light to import: the pytest plugin is loaded by every pytest of its environment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any

from meshproof.errors import UsageError
from meshproof.records import dataclass

if TYPE_CHECKING:
    from meshproof.targets.cluster.settings import KubeSettings


class Kind(Enum):
    """What an option takes, and what is given on when it is not there."""

    TEXT = "a text; its default"
    FLAG = "nothing; False"
    SEVERAL = "a text, any number of times; ()"
    PATH = "a path; None"
    COUNT = "a whole number within bounds; None"


def _proxy_modes() -> Sequence[str]:
    from meshproof.targets.cluster.settings import MODES

    return MODES


@dataclass(frozen=True, slots=True)
class Option:
    """One option: `--NAME` of the command, `--mesh-NAME` of pytest.

    `targets` are those that have it; `help` is a sentence without its full stop, in which other options are written
    as the command has them; `setting` is the field of KubeSettings that it sets (empty: the name's own);
    `bounds` are those of a count; `completion` gives the words that a shell completes; one that is `command_only`
    is no option of pytest.
    """

    name: str
    kind: Kind
    metavar: str
    targets: str
    help: str
    setting: str = ""
    default: str = ""
    bounds: tuple[int, int] = (0, 0)
    completion: Callable[[], Sequence[str]] | None = None
    command_only: bool = False

    @property
    def key(self) -> str:
        """The field of KubeSettings."""
        return self.setting or self.name.replace("-", "_")


KIND, CLUSTER, EXISTING, ALL = "kind", "cluster", "cluster, hosts", "kind, cluster, hosts"


def _text(name: str, metavar: str, targets: str, help: str, **more: Any) -> Option:
    return Option(name, Kind.TEXT, metavar, targets, help, **more)


def _flag(name: str, targets: str, help: str) -> Option:
    return Option(name, Kind.FLAG, "", targets, help)


def _several(name: str, metavar: str, targets: str, help: str, **more: Any) -> Option:
    return Option(name, Kind.SEVERAL, metavar, targets, help, **more)


def _path(name: str, targets: str, help: str, **more: Any) -> Option:
    return Option(name, Kind.PATH, "FILE", targets, help, **more)


def _count(name: str, bounds: tuple[int, int], targets: str, help: str, **more: Any) -> Option:
    return Option(name, Kind.COUNT, "N", targets, help, bounds=bounds, **more)


KUBERNETES = (
    _text("context", "NAME", EXISTING, "the cluster's context; the current one is never used"),
    _text("kubeconfig", "FILES", CLUSTER, "where contexts are looked up; KUBECONFIG otherwise"),
    _text("image", "REF", ALL, "the probe image; kind can do without, it is built here then"),
    _text("entry", "HOW", ALL, "gateways are entered by forward (a local port), nodeport or loadbalancer"),
    _flag("samples", ALL, "keep the published images of workloads; there are fewer checks then"),
    _flag("keep", ALL, "leave the cluster (kind) or the run's namespace (others); kind uses it again"),
    _several("allow", "WHAT", EXISTING, "`production`, or `gateway-secrets` in istio-system"),
    _text("istioctl", "PATH", ALL, "the istioctl to install with", default="istioctl"),
    _text("istio-version", "X.Y[.Z]", ALL, "the Istio that must be there"),
    _text("hub", "REGISTRY", ALL, "where Istio's images come from, or with --skip-install have to come from"),
    _several("set", "NAME=VALUE", ALL, "a value for istioctl install", setting="settings"),
    _path("istio-manifest", ALL, "apply this rendered manifest instead of istioctl install", setting="manifest"),
    _text("revision", "NAME", ALL, "Istio's revision"),
    _flag(
        "skip-install", ALL, "take Istio as it stands; cluster and hosts do so unless an option says how to install it"
    ),
    _text("cluster", "NAME", KIND, "the kind cluster's name; one that is there is used again"),
    _text("kubernetes", "VERSION|IMAGE", KIND, "Kubernetes' version, or a node image"),
    _text(
        "kube-proxy-mode",
        "MODE",
        ALL,
        "the mode of kube-proxy (iptables, ipvs or nftables): kind's, elsewhere the one that must be there",
        setting="kube_proxy",
        completion=_proxy_modes,
    ),
    _count("nodes", (0, 20), KIND, "worker nodes beside the control plane"),
    _count(
        "lanes", (1, 16), ALL, "scenarios side by side, each in a namespace of its own; 4 by default", command_only=True
    ),
)


def given(values: Mapping[str, Any], options: Iterable[Option] = KUBERNETES) -> list[Option]:
    """Those of the options whose value, by the option's key, is not what it is when the option is left out."""
    return [one for one in options if (value := values.get(one.key)) and value != one.default]


def refuse(values: Mapping[str, Any], target: str) -> None:
    """Raise UsageError when one of them is given for a target that does not run on Kubernetes."""
    for one in given(values):
        raise UsageError(f"--{one.name} is for --target kind, cluster and hosts: the mesh runs on {target} here")


def kube_settings(values: Mapping[str, Any], ports: Mapping[int, int], *, applying: bool = True) -> KubeSettings:
    """The settings that these values make, by each option's key; raises UsageError for what contradicts itself."""
    from meshproof.targets.cluster.settings import KubeSettings

    several = {one.key: tuple(values[one.key]) for one in KUBERNETES if one.kind is Kind.SEVERAL}
    settings = {**values, **several, "allow": frozenset(values["allow"])}
    return KubeSettings(**settings, ports=dict(ports), applying=applying).checked()
