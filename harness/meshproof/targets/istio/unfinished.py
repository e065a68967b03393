"""An installation that was killed half-way: what takes it out by itself, and what the next run says of one that stayed.

A LastWill carries the commands out; where it cannot (the machine went down, too), the note in the namespace is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from meshproof.border.istio_releases import uninstall
from meshproof.errors import TargetError
from meshproof.targets.istio.health import COMPONENT
from meshproof.targets.istio.injection import DEFAULT
from meshproof.targets.istio.istioctl import NAMESPACE, Istioctl
from meshproof.targets.istio.sweep import CLUSTER_WIDE, NAMESPACED
from meshproof.targets.kube.api.connection import Cluster

GONE = ("--ignore-not-found", "--wait=false")
SETTLED = ("sleep", "3")
"""What the run had begun is ended by its leash within two seconds."""


def cleanup_commands(
    cluster: Cluster,
    istioctl: Istioctl | None,
    *,
    revision: str,
    manifest: Path | None,
    kinds: bool,
    notes: Sequence[str],
) -> list[list[str]]:
    """The commands that take out what an installation has put in by then, as `install.remove` does.

    With `kinds` Istio's kinds go too. `notes` are the annotations that go where the namespace stays; empty where
    the namespace goes. No command where only a part of a manifest would go, which kubectl cannot do by itself.
    """
    if manifest and not kinds:
        return []
    kubectl = cluster.kubectl.within("")
    commands = [list(SETTLED)]
    if manifest:
        commands.append(kubectl.by_itself("delete", "-f", str(manifest.absolute()), *GONE))
    elif istioctl:
        commands.append(istioctl.by_itself(*uninstall(istioctl.version), *_which(revision, kinds=kinds), "-y"))
        commands += [] if kinds else [kubectl.by_itself(*one) for one in _sweep()]
    cleared = ("annotate", "namespace", NAMESPACE, *(f"{note}-" for note in notes))
    ending = cleared if notes else ("delete", "namespace", NAMESPACE, *GONE)
    return [*commands, kubectl.by_itself(*ending)]


def half_installed(cluster: Cluster, *, kinds: bool) -> TargetError:
    """The error that there is such an installation, where an Istio that stands was to be used."""
    kubectl = cluster.kubectl.within("")
    which = " ".join(_which("", kinds=kinds))
    return TargetError(
        f"namespace {NAMESPACE}: meshproof has begun to install Istio there and has not ended, so half of it may stand",
        "it was killed, or is still at it; what takes it out again:\n"
        f"istioctl uninstall {which} -y --context {cluster.context.name}\n"
        f"{kubectl.shown('delete', 'namespace', NAMESPACE)}\n"
        f"look: {kubectl.shown('get', 'namespace', NAMESPACE, '-o', 'yaml')}",
    )


def _which(revision: str, *, kinds: bool) -> tuple[str, ...]:
    return ("--purge",) if kinds else ("--revision", revision or DEFAULT)


def _sweep() -> Iterator[tuple[str, ...]]:
    """What `sweep` does, as commands of kubectl."""
    for served, where in ((CLUSTER_WIDE, ()), (NAMESPACED, ("--namespace", NAMESPACE))):
        kinds = ",".join(kind.lower() for _, kind in served)
        yield ("delete", kinds, "--selector", COMPONENT, *where, *GONE)
