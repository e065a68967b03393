"""The target that the options name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from meshproof.border.facts.control_plane import OWN
from meshproof.cli.options.shared import Settings
from meshproof.errors import UsageError
from meshproof.options import kube_settings, refuse
from meshproof.targets.base import Target


def target_of(settings: Settings, *, applying: bool = True, selected: Iterable[Any] = ()) -> Target:
    """The target, before anything is done with it; raises UsageError.

    `applying` False leaves what runs as it is; `selected` are the scenarios and inspections that it is for.
    """
    if settings.target != "hosts" and (settings.hosts or settings.show_names):
        raise UsageError(f"--{'hosts-file' if settings.hosts else 'show-names'} is for --target hosts")
    if settings.target != "embedded" and settings.control_plane != OWN:
        raise UsageError("--control-plane is for the embedded mesh: a cluster has its own")
    if settings.target == "embedded":
        from meshproof.targets.embedded.target import EmbeddedTarget

        refuse(settings.kube, settings.target)
        if not applying:
            raise UsageError(
                "--no-apply is for --target cluster: nothing runs on the embedded mesh before it is applied"
            )
        return EmbeddedTarget(dict(settings.ports), configured_by=settings.control_plane)
    kube = kube_settings(settings.kube, dict(settings.ports), applying=applying)
    if settings.target == "kind":
        from meshproof.targets.kind.target import KindTarget

        return KindTarget(kube)
    if settings.target == "hosts":
        from meshproof.targets.hosts.cluster import hosts_target

        if settings.hosts is None:
            raise UsageError("--target hosts needs --hosts-file FILE, an inventory")
        return hosts_target(settings.hosts, kube, selected, names=settings.show_names)
    from meshproof.targets.cluster.existing import ClusterTarget

    return ClusterTarget(kube)
