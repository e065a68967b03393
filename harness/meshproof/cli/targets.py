"""The target that the options name."""

from __future__ import annotations

from meshproof.cli.kube_options import kube_settings, refused
from meshproof.cli.options import Settings
from meshproof.errors import UsageError
from meshproof.target.base import Target


def target_of(settings: Settings, *, applying: bool = True) -> Target:
    """The target, not yet looked at; raises UsageError. `applying` False leaves what runs as it is."""
    if settings.target == "embedded":
        from meshproof.target.embedded import EmbeddedTarget

        refused(settings.kube, settings.target)
        if not applying:
            raise UsageError(
                "--no-apply is for --target cluster: nothing runs on the embedded mesh before it is applied"
            )
        return EmbeddedTarget(dict(settings.ports))
    said = kube_settings(settings.kube, dict(settings.ports), applying=applying)
    if settings.target == "kind":
        from meshproof.target.kind import KindTarget

        return KindTarget(said)
    from meshproof.target.cluster import ClusterTarget

    return ClusterTarget(said)
