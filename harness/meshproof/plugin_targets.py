"""The pytest plugin's options for what scenarios run on, `--mesh-*` as the command's own `--*`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from meshproof.errors import UsageError

if TYPE_CHECKING:
    from meshproof.targets.cluster.settings import KubeSettings

TEXTS = {
    "context": ("NAME", "the cluster's context (cluster, hosts)"),
    "kubeconfig": ("FILES", "where contexts are looked up (cluster)"),
    "image": ("REF", "the probe image (kind, cluster, hosts)"),
    "entry": ("HOW", "gateways are entered by forward, nodeport or loadbalancer (kind, cluster, hosts)"),
    "istio-version": ("X.Y[.Z]", "the Istio that must be there (kind, cluster, hosts)"),
    "hub": (
        "REGISTRY",
        "where Istio's images come from, or with --mesh-skip-install have to come from (kind, cluster, hosts)",
    ),
    "revision": ("NAME", "Istio's revision (kind, cluster, hosts)"),
    "cluster": ("NAME", "the kind cluster's name; one that is there is used again (kind)"),
    "kubernetes": ("VERSION|IMAGE", "Kubernetes' version, or a node image (kind)"),
    "kube-proxy-mode": ("MODE", "iptables, ipvs or nftables: kind's, elsewhere the one that must be there"),
}
FLAGS = {
    "samples": "keep the published images of workloads; fewer checks then (kind, cluster, hosts)",
    "keep": "leave the cluster (kind) or the run's namespace (cluster, hosts), and use it again",
    "skip-install": "take Istio as it stands (kind; cluster and hosts do so by themselves)",
}
DEFAULTS = {"istioctl": "istioctl"}
OTHERS = ("istioctl", "istio-manifest", "set", "allow", "nodes")


def whole(low: int, high: int) -> Callable[[str], int]:
    """The type of an option that is a whole number between these two."""

    def number(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not between {low} and {high}")
        return value

    return number


def port_pair(text: str) -> tuple[int, int]:
    """The type of an option that is `SERVICE_PORT=LOCAL_PORT`."""
    service, _, local = text.partition("=")
    port = whole(1, 65535)
    return port(service), port(local)


def add(group: pytest.OptionGroup) -> None:
    """Add the options."""
    group.addoption("--mesh-hosts", type=Path, default=None, metavar="FILE", help="inventory for the hosts target")
    group.addoption("--mesh-show-names", action="store_true", help="call hosts by their own names, in reports too")
    group.addoption(
        "--mesh-port", action="append", type=port_pair, default=[], metavar="SERVICE_PORT=LOCAL_PORT",
        help="listen for a service's port on this local port; on kind the gateway's (embedded, kind)",
    )  # fmt: skip
    for name, (metavar, text) in TEXTS.items():
        group.addoption(f"--mesh-{name}", default="", metavar=metavar, help=text)
    for name, text in FLAGS.items():
        group.addoption(f"--mesh-{name}", action="store_true", help=text)
    group.addoption("--mesh-istioctl", default="istioctl", metavar="PATH", help="the istioctl to install with")
    group.addoption("--mesh-istio-manifest", type=Path, default=None, metavar="FILE", help="apply this, not istioctl")
    group.addoption("--mesh-set", action="append", default=[], metavar="NAME=VALUE", help="for istioctl install")
    group.addoption(
        "--mesh-allow", action="append", default=[], metavar="WHAT", help="production, gateway-secrets (cluster, hosts)"
    )
    group.addoption("--mesh-nodes", type=whole(0, 20), default=None, metavar="N", help="worker nodes (kind)")


def check(config: pytest.Config) -> None:
    """Raise pytest.UsageError for options that do not go together; nothing is imported where none is given."""
    target = config.getoption("--mesh-target")
    for name in ("hosts", "show-names"):
        if target != "hosts" and config.getoption(f"--mesh-{name}"):
            raise pytest.UsageError(f"--mesh-{name} is for --mesh-target hosts")
    if target == "hosts" and config.getoption("--mesh-hosts") is None:
        raise pytest.UsageError("--mesh-target hosts needs --mesh-hosts FILE, an inventory")
    names = (*TEXTS, *FLAGS, *OTHERS)
    values = {name: config.getoption(f"--mesh-{name}") for name in names}
    given = [name for name, value in values.items() if value and value != DEFAULTS.get(name)]
    if given and target == "embedded":
        raise pytest.UsageError(f"--mesh-{given[0]} is for --mesh-target kind, cluster and hosts")
    if given:
        kube_settings(config)


def kube_settings(config: pytest.Config) -> KubeSettings:
    """The settings that these options make; raises pytest.UsageError for what contradicts itself."""
    from meshproof.targets.cluster.settings import KubeSettings

    def option(name: str) -> str:
        return str(config.getoption(f"--mesh-{name}"))

    settings = KubeSettings(
        context=option("context"),
        kubeconfig=option("kubeconfig"),
        image=option("image"),
        entry=option("entry"),
        samples=config.getoption("--mesh-samples"),
        allow=frozenset(config.getoption("--mesh-allow")),
        keep=config.getoption("--mesh-keep"),
        istioctl=option("istioctl"),
        istio_version=option("istio-version"),
        hub=option("hub"),
        settings=tuple(config.getoption("--mesh-set")),
        manifest=config.getoption("--mesh-istio-manifest"),
        revision=option("revision"),
        skip_install=config.getoption("--mesh-skip-install"),
        cluster=option("cluster"),
        kubernetes=option("kubernetes"),
        kube_proxy=option("kube-proxy-mode"),
        nodes=config.getoption("--mesh-nodes"),
        ports=dict(config.getoption("--mesh-port")),
    )
    try:
        return settings.checked()
    except UsageError as error:
        raise pytest.UsageError(str(error)) from None
