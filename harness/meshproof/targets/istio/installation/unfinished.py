"""An installation that was killed half-way: the commands that remove it, and the error that the next run ends with.

CleanupOnDeath runs the commands; where it cannot (the machine went down too), the note in the namespace stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from meshproof.border.istio_releases import uninstall
from meshproof.errors import TargetError
from meshproof.process import NOTHING, Surroundings
from meshproof.targets.istio.health import COMPONENT
from meshproof.targets.istio.installation.sweep import CLUSTER_WIDE, NAMESPACED
from meshproof.targets.istio.istioctl import NAMESPACE, Istioctl
from meshproof.targets.istio.proxy.injection import DEFAULT
from meshproof.targets.kube.api.connection import Cluster

GONE = ("--ignore-not-found", "--wait=false")
CHILDREN_ENDED = ("sleep", "3")
"""The parent-death guard ends the killed run's own commands within two seconds; these must not run beside them."""


def cleanup_commands(
    cluster: Cluster,
    istioctl: Istioctl | None,
    *,
    revision: str,
    manifest: Path | None,
    kinds: bool,
    annotations: Sequence[str],
    surroundings: Surroundings = NOTHING,
) -> list[list[str]]:
    """The commands that remove what an installation has put in by then, as `remove` does.

    With `kinds` Istio's kinds are deleted too. `annotations` are removed where the namespace stays; empty where
    the namespace is deleted. `surroundings` stand around the commands. No command where only a part of a manifest
    would go: kubectl alone cannot do that.
    """
    if manifest and not kinds:
        return []
    kubectl = cluster.kubectl.within("")
    commands = [list(CHILDREN_ENDED), *map(list, surroundings.before)]
    if manifest:
        commands.append(kubectl.by_itself("delete", "-f", str(manifest.absolute()), *GONE))
    elif istioctl:
        commands.append(istioctl.by_itself(*uninstall(istioctl.version), *_which(revision, kinds=kinds), "-y"))
        commands += [] if kinds else [kubectl.by_itself(*one) for one in _sweep()]
    cleared = ("annotate", "namespace", NAMESPACE, *(f"{name}-" for name in annotations))
    ending = cleared if annotations else ("delete", "namespace", NAMESPACE, *GONE)
    return [*commands, kubectl.by_itself(*ending), *map(list, surroundings.after)]


def half_installed(cluster: Cluster, *, kinds: bool) -> TargetError:
    """The error that there is such an installation, where an installed Istio was to be used."""
    kubectl = cluster.kubectl.within("")
    which = " ".join(_which("", kinds=kinds))
    return TargetError(
        f"namespace {NAMESPACE}: meshproof began to install Istio there and did not finish: it may be incomplete",
        "that run was killed, or is still running; to remove it:\n"
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
