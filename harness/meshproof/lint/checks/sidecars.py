"""Sidecars: which workloads they are for."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.errors import ManifestError
from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.folder import Folder, distinct
from meshproof.lint.raw import texts
from meshproof.manifest.resource import Resource
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import Workload

AMBIENT = "istio.io/dataplane-mode"
Selecting = list[tuple[Resource, dict[str, str], tuple[Workload, ...]]]


def _sidecars(folder: Folder) -> tuple[list[Resource], Selecting]:
    """Those for a whole namespace, and those for some workloads with these."""
    return folder.mesh.once(("lint", "sidecars"), lambda: _sorted(folder))


def _sorted(folder: Folder) -> tuple[list[Resource], Selecting]:
    whole: list[Resource] = []
    several: Selecting = []
    for one in folder.of_kind("Sidecar"):
        try:
            labels = texts(one.body, "spec", "workloadSelector", "labels")
        except ManifestError:
            continue
        if not labels:
            whole.append(one)
            continue
        found = min((folder.mesh.workloads_with(one.namespace, *pair) for pair in labels.items()), key=len)
        pods = tuple(each for each in found if labels.items() <= each.labels.items())
        several.append((one, labels, pods))
    return whole, several


def _in_ambient(folder: Folder, namespace: str) -> bool:
    spaces = folder.mesh.once(("lint", "ambient"), lambda: frozenset(_ambient(folder)))
    return namespace in spaces


def _ambient(folder: Folder) -> Iterator[str]:
    for one in folder.of_kind("Namespace", ""):
        try:
            labels = texts(one.body, "metadata", "labels")
        except ManifestError:
            continue
        # Where pods get sidecars, that goes before.
        injected = labels.get("istio-injection") == "enabled" or labels.get("istio.io/rev")
        if labels.get(AMBIENT) == "ambient" and not injected:
            yield one.name


def selecting_the_same(folder: Folder) -> Iterator[Found]:
    """Sidecars that select a workload that an earlier one selects, too."""
    pairs = ((pod.key, (one, pod)) for one, _, pods in _sidecars(folder)[1] for pod in pods)
    for several in grouped(pairs).values():
        (first, pod), *others = several
        for one, _ in others if not _is_ambient(folder, pod) else ():
            text = (
                f"{pod.kind} {pod.key} is also selected by Sidecar {first.name} ({first.location}): one of them counts"
            )
            yield Found(one.location, text, first.location)


def _is_ambient(folder: Folder, pod: Workload) -> bool:
    return pod.labels.get(AMBIENT) == "ambient" or (
        _in_ambient(folder, pod.namespace) and pod.labels.get(AMBIENT) != "none"
    )


def several_defaults(folder: Folder) -> Iterator[Found]:
    """Several Sidecars for all workloads of a namespace."""
    whole = grouped((one.namespace, one) for one in _sidecars(folder)[0])
    for namespace, (first, *others) in whole.items():
        for one in others if not _in_ambient(folder, namespace) else ():
            text = (
                f"Sidecar {first.name} is for all workloads of {namespace}, too ({first.location}): one of them counts"
            )
            yield Found(one.location, text, first.location)


def selecting_nothing(folder: Folder) -> Iterator[Found]:
    """Sidecars that select no workload, in namespaces of which there are some."""
    for one, labels, pods in _sidecars(folder)[1]:
        if not pods and folder.peopled:
            shown = distinct(f"{name}: {value}" for name, value in labels.items())
            yield Found(
                one.location, f"Sidecar {one.namespace}/{one.name} selects {shown}, and no workload here has that"
            )


def without_sidecars(folder: Folder) -> Iterator[Found]:
    """Sidecars for what is in ambient mode, which has none."""
    whole, several = _sidecars(folder)
    idle = [one for one in whole if _in_ambient(folder, one.namespace)]
    idle += [one for one, _, pods in several if pods and all(_is_ambient(folder, pod) for pod in pods)]
    for one in idle:
        yield Found(
            one.location, f"Sidecar {one.namespace}/{one.name} is for workloads in ambient mode: they have none"
        )


CHECKS = (
    Check(
        "MP110",
        Severity.ERROR,
        "Two Sidecars select one workload",
        "Let each workload be selected by one.",
        selecting_the_same,
        ("IST0110",),
    ),
    Check(
        "MP111",
        Severity.ERROR,
        "Two Sidecars are for one whole namespace",
        "Keep one of the two.",
        several_defaults,
        ("IST0111",),
    ),
    Check(
        "MP112",
        Severity.WARNING,
        "A Sidecar selects no workload",
        "Correct the labels.",
        selecting_nothing,
        ("IST0101",),
    ),
    Check(
        "MP113",
        Severity.WARNING,
        "A Sidecar is for ambient mode",
        "Remove it.",
        without_sidecars,
        ("IST0167",),
    ),
)
