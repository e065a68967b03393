"""Workloads that stand in for those of a Service that selects none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from meshproof.manifest.resource import Resource
from meshproof.mesh.build.kubernetes import NOT_CARRIED
from meshproof.mesh.build.stand_ins import bodies
from meshproof.mesh.model.kubernetes import Labels, Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers

NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
LONGEST = 63


def without_pods(mesh: Mesh) -> list[Service]:
    """The Services whose selector no workload carries; hosts of ServiceEntries are none."""
    return [one for one in mesh.services if one.selector and not one.hostname and not mesh.selected(one.host)]


def deployments(service: Service, mesh: Mesh, taken: set[tuple[str, str]]) -> Iterator[Resource]:
    """A Deployment for each subset that the Service's pods can have, else one; `taken` are names in use."""
    subsets = list(_subsets(service, mesh))
    for name, labels in subsets or [("", dict(service.selector))]:
        own = _name(service, name, taken)
        taken.add((service.namespace, own))
        yield bodies.deployment(service.namespace, own, labels, list(_ports(service)), service.location)


def _subsets(service: Service, mesh: Mesh) -> Iterator[tuple[str, dict[str, str]]]:
    """Names and labels of its subsets, each set of labels once."""
    seen: list[Labels] = []
    for rule in mesh.destination_rules:
        if not covers(rule.host, service.host):
            continue
        for subset in rule.subsets:
            labels = {**service.selector, **subset.labels}
            if service.selector.items() <= labels.items() and labels not in seen:
                seen.append(labels)
                yield subset.name, labels


def _ports(service: Service) -> Iterable[tuple[str, int]]:
    """The container's ports: those that its Service aims at, one for each number and name."""
    numbers: dict[int, str] = {}
    named: dict[str, int] = {}
    for port in service.ports:
        if port.protocol in NOT_CARRIED:
            continue
        if isinstance(port.target, int):
            numbers.setdefault(port.target, "")
        else:
            named.setdefault(port.target, port.number)
    for name, number in named.items():
        while number in numbers:
            number += 1
        numbers[number] = name
    return [(name, number) for number, name in numbers.items()]


def _name(service: Service, subset: str, taken: set[tuple[str, str]]) -> str:
    ending = NOT_IN_NAMES.sub("-", subset.lower()).strip("-")
    name = f"{service.name}-{ending}" if ending else service.name
    name = name[:LONGEST].rstrip("-")
    number = 2
    while (service.namespace, name) in taken:
        cut = f"-{number}"
        name, number = f"{name[: LONGEST - len(cut)]}{cut}", number + 1
    return name


def summary(service: Service, made: Sequence[Resource]) -> str:
    """What is said of the workloads that were made for a Service."""
    names = ", ".join(one.name for one in made)
    text = f"no workload among the manifests carries the labels that Service {service.namespace}/{service.name} selects"
    return f"{text}: {names} stand{'s' if len(made) == 1 else ''} in"
