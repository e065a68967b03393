"""A case as meshproof reads it, and as istiod does: the same objects, clients and gateways."""

from __future__ import annotations

import datetime
import io
import itertools
import json
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cases import Case
from forms import Surroundings
from meshproof.envoy.istiod.conversation import described, settings
from meshproof.envoy.istiod.objects import BEGINNING, INSTALLED, Cluster, cluster
from meshproof.envoy.node import Address, Kind, Proxy
from meshproof.envoy.translate import translate
from meshproof.errors import MeshproofError
from meshproof.manifest import Manifests, load
from meshproof.mesh.build.assemble import Built, build_all
from meshproof.mesh.build.mesh_config.document import OPERATOR
from meshproof.targets.embedded.listening import ports

Json = dict[str, Any]

CLIENT_LABELS = {"app": "client"}
# Cases of one process of istiod's: it takes some gigabytes by then.
A_PROCESS = 400
# Something that can be read, where all else may be refused.
READABLE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "meshproof-readable"}}


@dataclass(frozen=True, slots=True)
class Sides:
    """A case with what both are given: `proxies` by name, and the cluster's objects."""

    case: Case
    built: Built
    proxies: Mapping[str, Proxy]
    cluster: Cluster
    refused: frozenset[str]

    def ours(self, name: str) -> Json:
        """meshproof's configuration of a proxy."""
        return translate(self.built.mesh, self.proxies[name], self.addresses).document()

    @property
    def addresses(self) -> dict[str, tuple[Address, ...]]:
        """Each replica at the address that istiod is told."""
        mesh = self.built.mesh
        places = {(workload.key, number): place for place, (workload, number) in self.cluster.pods.items()}
        # What stands in for others has addresses of a network that is there for tests alone.
        outside = (f"198.18.{high}.{low}" for high in range(256) for low in range(1, 255))
        return {
            one.key: tuple(
                Address(f"{one.name}-{number}", {port: (place, port) for port in ports(mesh, one)})
                for number in range(one.replicas)
                for place in (places.get((one.key, number)) or next(outside),)
            )
            for one in mesh.workloads
        }

    def asked(self) -> Json:
        """The case for istiod."""
        return {
            "name": self.case.name,
            "manifests": self.cluster.objects,
            "mesh": settings(self.built.mesh),
            "proxies": {
                name: described(self.built.mesh, one, self.cluster.gateways[number - 1] if number else "10.250.0.1")
                for number, (name, one) in enumerate(self.proxies.items())
            },
        }


def sides(case: Case, without: frozenset[str] = frozenset()) -> Sides:
    """Both sides of a case, without the objects whose names (`Kind namespace/name`) are given."""
    kept = [_made(one, number) for number, one in enumerate(case.objects) if called(one) not in without]
    manifests, built = _read(kept)
    if added := _services_added(kept, manifests, built):
        built = _read([*kept, *added])[1]
    refused = frozenset(one.subject for one in built.mesh.unmodelled if one.refused)
    found = {"client": Proxy(namespace=_namespace(kept), labels=CLIENT_LABELS)}
    pods = []
    for gateway in built.mesh.gateways:
        namespace, labels = built.mesh.pods_of(gateway)
        if (namespace, dict(labels)) not in pods:
            pods.append((namespace, dict(labels)))
            found[f"gateway-{len(pods)}"] = Proxy(Kind.GATEWAY, namespace, labels)
    # No API server keeps an IstioOperator: istioctl reads it.
    resources = (*manifests.resources, *(one for one in manifests.foreign if one.kind != OPERATOR))
    resources = (*resources, *(one.resource for one in manifests.refusals if one.resource))
    return Sides(case, built, found, cluster(resources, built.mesh, pods), refused)


def _made(one: Json, number: int) -> Json:
    """When an object was made, where it does not say: in their order, for both sides."""
    made = (BEGINNING + datetime.timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {**one, "metadata": {"creationTimestamp": made, **one["metadata"]}}


def _read(several: Iterable[Json]) -> tuple[Manifests, Built]:
    text = "\n---\n".join(json.dumps(one) for one in (*several, READABLE))
    manifests = load(["-"], stdin=io.StringIO(text), strict=False)
    return manifests, build_all(manifests)


def _services_added(several: Iterable[Json], manifests: Manifests, built: Built) -> list[Json]:
    """The Services that any cluster with istiod has beside those of the case: a client meets them on both sides."""
    named = {called(one) for one in several}
    there = cluster(manifests.resources, built.mesh).objects
    return [one for one in there if one["kind"] == "Service" and called(one) not in named]


def called(one: Json) -> str:
    """An object as meshproof calls it."""
    return f"{one['kind']} {one['metadata'].get('namespace') or 'default'}/{one['metadata']['name']}"


def _namespace(several: Iterable[Json]) -> str:
    """Where most of the VirtualServices stand."""
    speaking = (one["metadata"] for one in several if one["kind"] in ("VirtualService", "Sidecar"))
    found = [one.get("namespace") or "default" for one in speaking]
    return max(sorted(set(found)), key=found.count) if found else "default"


def of_istiod(program: Sequence[str], asked: Iterable[Json], folder: Path) -> Iterator[Json]:
    """istiod's answers, in order; by several processes, one after another, since one keeps what it has answered."""
    for several in batched(asked, A_PROCESS):
        with (folder / "cases.jsonl").open("w+", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(one)}\n" for one in several)
            file.seek(0)
            with subprocess.Popen(
                program, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
            ) as run:
                assert run.stdout is not None
                yield from (json.loads(line) for line in run.stdout if line.startswith("{"))


def batched(several: Iterable[Json], size: int) -> Iterator[list[Json]]:
    """So many at a time."""
    left = iter(several)
    while part := list(itertools.islice(left, size)):
        yield part


def surroundings(sides: Sides) -> Surroundings:
    """What the addresses, ports and Secrets of a proxy's configuration stand for in the case."""
    several = sides.cluster.objects
    services = [one for one in several if one["kind"] == "Service" and one["apiVersion"] == "v1"]
    return Surroundings(
        hosts={one["spec"]["clusterIP"]: _host(one) for one in services if one["spec"].get("clusterIP", NO) != NO},
        headless=frozenset(_host(one) for one in services if one["spec"].get("clusterIP") == NO),
        unresolved=frozenset(host for one in several if one["kind"] == "ServiceEntry" for host in _unresolved(one)),
        pods=frozenset(sides.cluster.pods),
        gateways=frozenset(sides.cluster.gateways),
        ports={name: _ports(services, one) for name, one in sides.proxies.items() if one.kind == Kind.GATEWAY},
        secrets=frozenset(one["metadata"]["name"] for one in several if one["kind"] == "Secret"),
    )


NO = "None"


def _unresolved(entry: Json) -> list[str]:
    spec = entry.get("spec")
    if not isinstance(spec, dict) or str(spec.get("resolution", NO)).upper() != NO.upper():
        return []
    return [one for one in spec.get("hosts") or () if isinstance(one, str)]


def _host(service: Json) -> str:
    return f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc.cluster.local"


def _ports(services: Iterable[Json], gateway: Proxy) -> dict[int, int]:
    """By each port of a gateway's pods the first of its Services' that leads there."""
    found: dict[int, int] = {}
    for target, port in _targets(services, gateway):
        found.setdefault(target, port)
    return found


def _targets(services: Iterable[Json], gateway: Proxy) -> Iterator[tuple[int, int]]:
    """The ports of a gateway's pods, with those of its Services that lead there."""
    for one in services:
        selector, near = one["spec"].get("selector"), one["metadata"]["namespace"] == gateway.namespace
        if near and selector and selector.items() <= gateway.labels.items():
            for port in one["spec"].get("ports", ()):
                if str(port["targetPort"]).isdigit():
                    yield int(port["targetPort"]), port["port"]


def is_ours(host: str) -> bool:
    """Whether a host is one that meshproof put there."""
    return INSTALLED in host


__all__ = ["MeshproofError", "Sides", "called", "is_ours", "of_istiod", "sides", "surroundings"]
