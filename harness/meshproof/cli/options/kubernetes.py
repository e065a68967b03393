"""The options of a mesh on Kubernetes: those of the targets kind, cluster and hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from meshproof.errors import UsageError

if TYPE_CHECKING:
    from meshproof.targets.cluster.settings import KubeSettings

KIND, CLUSTER, EXISTING, BOTH = "kind", "cluster", "cluster, hosts", "kind, cluster, hosts"


def _text(name: str, metavar: str, of: str, help: str, default: str = "") -> Callable[..., Any]:
    return click.option(name, metavar=metavar, default=default, help=f"{help}  [{of}]")


def _flag(name: str, of: str, help: str) -> Callable[..., Any]:
    return click.option(name, is_flag=True, help=f"{help}  [{of}]")


def _several(name: str, metavar: str, of: str, help: str, *more: str) -> Callable[..., Any]:
    return click.option(name, *more, metavar=metavar, multiple=True, help=f"{help} (repeatable)  [{of}]")


def _modes(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    from meshproof.targets.cluster.settings import MODES

    return [mode for mode in MODES if mode.startswith(incomplete)]


KUBE_OPTIONS = (
    _text("--context", "NAME", EXISTING, "The cluster's context; the current one is never used."),
    _text("--kubeconfig", "FILES", CLUSTER, "Where contexts are looked up; KUBECONFIG otherwise."),
    _text("--image", "REF", BOTH, "The probe image; kind can do without, it is built here then."),
    _text("--entry", "HOW", BOTH, "Gateways are entered by forward (a local port), nodeport or loadbalancer."),
    _flag("--samples", BOTH, "Keep the published images of workloads; there are fewer checks then."),
    _flag("--keep", BOTH, "Leave the cluster (kind) or the run's namespace (others); kind uses it again."),
    _several("--allow", "WHAT", EXISTING, "`production`, or `gateway-secrets` in istio-system."),
    _text("--istioctl", "PATH", BOTH, "The istioctl to install with.", "istioctl"),
    _text("--istio-version", "X.Y[.Z]", BOTH, "The Istio that must be there."),
    _text("--hub", "REGISTRY", BOTH, "Where Istio's images come from, or with --skip-install have to come from."),
    _several("--set", "NAME=VALUE", BOTH, "A value for istioctl install.", "settings"),
    click.option(
        *("--istio-manifest", "manifest"),
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help=f"Apply this rendered manifest instead of istioctl install.  [{BOTH}]",
    ),
    _text("--revision", "NAME", BOTH, "Istio's revision."),
    _flag("--skip-install", BOTH, "Take Istio as it stands; cluster and hosts do so unless told how to install it."),
    _text("--cluster", "NAME", KIND, "The kind cluster's name; one that is there is used again."),
    _text("--kubernetes", "VERSION|IMAGE", KIND, "Kubernetes' version, or a node image."),
    click.option(
        *("--kube-proxy-mode", "kube_proxy"),
        metavar="MODE",
        default="",
        shell_complete=_modes,
        help="iptables, ipvs or nftables: kind's, elsewhere the one that must be there.  [kind, cluster, hosts]",
    ),
    click.option(
        "--nodes", type=click.IntRange(0, 20), metavar="N", help="Worker nodes beside the control plane.  [kind]"
    ),
    click.option(
        "--lanes",
        type=click.IntRange(1, 16),
        metavar="N",
        help=f"Scenarios side by side, each in a namespace of its own; 4 unless told.  [{BOTH}]",
    ),
)


def on_kubernetes(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options; it receives each by its name in NAMES."""
    for option in reversed(KUBE_OPTIONS):
        command = option(command)
    return command


NAMES = (
    *("context", "kubeconfig", "image", "entry", "samples", "keep", "allow", "istioctl", "istio_version", "hub"),
    *("settings", "manifest", "revision", "skip_install", "cluster", "kubernetes", "kube_proxy", "nodes", "lanes"),
)
SPELLED = {"settings": "set", "manifest": "istio-manifest", "kube_proxy": "kube-proxy-mode"}
DEFAULTS = {"istioctl": "istioctl"}


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of these options that say something."""
    return {name: value for name, value in values.items() if value and value != DEFAULTS.get(name)}


def refused(values: Mapping[str, Any], target: str) -> None:
    """Raise UsageError when one of them is given for a target that runs on no Kubernetes."""
    for name in given(values):
        word = SPELLED.get(name, name.replace("_", "-"))
        raise UsageError(f"--{word} is for --target kind, cluster and hosts: the mesh runs on {target} here")


def kube_settings(values: Mapping[str, Any], ports: Mapping[int, int], *, applying: bool = True) -> KubeSettings:
    """The settings that these options make; raises UsageError for what contradicts itself."""
    from meshproof.targets.cluster.settings import KubeSettings

    said = {**values, "allow": frozenset(values["allow"]), "settings": tuple(values["settings"])}
    return KubeSettings(**said, ports=dict(ports), applying=applying).checked()
