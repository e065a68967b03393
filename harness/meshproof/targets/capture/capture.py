"""A cluster to what is known of it: objects, facts, and the proxies' own configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from meshproof.border.facts.captured import Captured, ClusterFacts, Document, Dump
from meshproof.errors import TargetError
from meshproof.manifest.captured import cluster as whole
from meshproof.manifest.captured import not_read
from meshproof.manifest.written import dump as written
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, ROOT_NAMESPACE
from meshproof.records import dataclass
from meshproof.targets.capture import proxies
from meshproof.targets.capture.cleared import LeftOut, cleared, mesh_config
from meshproof.targets.capture.reading import Reading
from meshproof.targets.capture.workloads import differing, endpoints, is_derived, proxies_of, workloads
from meshproof.targets.istio.proxy.injection import DEFAULT
from meshproof.targets.kube.api.connection import Cluster

Body = Mapping[str, Any]
MESH_CONFIG = "istio"
TOPOLOGY = "topology."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a cluster: the namespaces (none: all), Secrets of gateways, and the proxies' configuration.

    What is not `kept` in a file holds what looks like a credential: conditions on it are held against requests.
    """

    namespaces: tuple[str, ...] = ()
    secrets: bool = False
    dumps: bool = True
    kept: bool = True
    revision: str = ""


async def capture(cluster: Cluster, wanted: Wanted) -> Captured:
    """Read what a cluster runs; nothing in it is changed. Raises TargetError, and UsageError for what is not there."""
    left_out, reading = LeftOut(), Reading(cluster.objects, wanted.namespaces)
    left_out.kept = wanted.kept
    namespaces = [cleared({**one, "spec": None}, left_out) for one in await reading.named()]
    several = await reading.routing()
    routing = [cleared(one, left_out) for one in several]
    within = await reading.within()
    found = await reading.workloads()
    slices = [one for one in within if one["kind"] == "EndpointSlice"]
    plain = [cleared(one, left_out) for one in within if one["kind"] != "EndpointSlice" or not is_derived(one)]
    made = list(workloads(found, left_out))
    # The revision `default` is the one without a name.
    name = MESH_CONFIG if wanted.revision in ("", DEFAULT) else f"{MESH_CONFIG}-{wanted.revision}"
    config = await reading.one("v1", "ConfigMap", ROOT_NAMESPACE, name)
    known = endpoints(slices)
    secrets = await _secrets(reading, routing) if wanted.secrets else []
    missing = [*reading.missing, *_hidden_conditions(several, routing)]
    for place, service, why in differing((one for one in within if one["kind"] == "Service"), made, known):
        missing.append(
            (f"who stands behind Service {place}/{service}: {why}", (f"{service}.{place}.{CLUSTER_DOMAIN}",))
        )
    pods = [one for one in found if one["kind"] == "Pod"]
    nodes = await reading.nodes()
    facts = ClusterFacts(_versions(cluster, pods), _topology(nodes or ()), known)
    documents = [
        whole(_told(facts, wanted)),
        *namespaces,
        *([{**mesh_config(config, left_out), "kind": "ConfigMap"}] if config else ()),
        *routing,
        *plain,
        *made,
        *secrets,
        *(not_read(f"part-{number}", what, hosts=hosts) for number, (what, hosts) in enumerate(missing, 1)),
        *(() if wanted.secrets else _unread_secrets(routing)),
    ]
    dumps, unasked = await _dumps(cluster, pods, left_out) if wanted.dumps else ((), ())
    unread = (*(what for what, _ in missing), *unasked, *(() if nodes is not None else ("the nodes",)))
    made_of = sorted((_document(one) for one in documents), key=lambda one: one.name)
    return Captured(tuple(made_of), facts, left_out.told, wanted.namespaces, unread, dumps)


def _document(body: Body) -> Document:
    metadata = body["metadata"]
    name = "/".join(filter(None, (str(body["kind"]), metadata.get("namespace"), str(metadata["name"]))))
    group = str(body["apiVersion"]).rpartition("/")[0]
    if body["kind"] == "Gateway" and not group.endswith("istio.io"):
        # Two groups have a kind of this name.
        name = f"{name}.{group}"
    return Document(name, written(_without_nothing(body)))


def _without_nothing(body: Body) -> Body:
    return {name: value for name, value in body.items() if value not in (None, {})}


def _hidden_conditions(said: Iterable[Body], kept: Iterable[Body]) -> Iterable[tuple[str, tuple[str, ...]]]:
    """What of the objects that route was left out as a credential, and the hosts that they are for."""
    for one, other in zip(said, kept, strict=True):
        if one.get("spec") != other.get("spec"):
            metadata, spec = one["metadata"], one.get("spec") or {}
            place = str(metadata.get("namespace", ""))
            hosts = spec.get("hosts") or [spec["host"]] if "hosts" in spec or "host" in spec else []
            known = tuple(one if "." in one or one == "*" else f"{one}.{place}.{CLUSTER_DOMAIN}" for one in hosts)
            yield f"what of {one['kind']} {place}/{metadata['name']} was left out as a credential", known


async def _secrets(reading: Reading, routing: Iterable[Body]) -> list[Body]:
    """The Secrets that gateways name, whole."""
    found: list[Body] = []
    for place, name, _ in _named_secrets(routing):
        body = await reading.one("v1", "Secret", place, name)
        if body is not None:
            metadata = {"name": name, "namespace": place}
            kept = {field: body[field] for field in ("type", "data") if field in body}
            found.append({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **kept})
    return found


def _unread_secrets(routing: Iterable[Body]) -> Iterable[Body]:
    """Whether the Secrets that gateways name are there is not known."""
    gateways: dict[tuple[str, str], list[str]] = {}
    for place, name, gateway in _named_secrets(routing):
        gateways.setdefault((place, name), []).append(gateway)
    for (place, name), several in gateways.items():
        what = f"Secret {place}/{name}, which only --secrets reads"
        yield not_read(f"secret-{place}-{name}", what, gateways=sorted(set(several)))


def _named_secrets(routing: Iterable[Body]) -> Iterable[tuple[str, str, str]]:
    """Namespace and name of each Secret that a Gateway of either group names, and the Gateway."""
    for one in routing:
        if one["kind"] != "Gateway":
            continue
        spec, place = one.get("spec") or {}, one["metadata"].get("namespace", "")
        gateway = f"{place}/{one['metadata']['name']}"
        for server in spec.get("servers") or ():
            if name := (server.get("tls") or {}).get("credentialName"):
                # Istio's gateways read Secrets of their pods' namespace, which usually is the root's.
                yield ROOT_NAMESPACE, str(name), gateway
        for listener in spec.get("listeners") or ():
            for reference in (listener.get("tls") or {}).get("certificateRefs") or ():
                yield str(reference.get("namespace") or place), str(reference.get("name", "")), gateway


async def _dumps(cluster: Cluster, pods: Sequence[Body], left_out: LeftOut) -> tuple[tuple[Dump, ...], tuple[str, ...]]:
    """The configuration of proxies, and in words of which it could not be read."""
    found, failed = [], []
    for one in proxies.chosen(pods):
        namespace, name = one["metadata"]["namespace"], one["metadata"]["name"]
        try:
            found.append(await proxies.dump(cluster, one, left_out))
        except TargetError as error:
            failed.append(f"the configuration of the proxy of {namespace}/{name}: {error.message}")
    return tuple(found), tuple(dict.fromkeys(failed))


def _told(facts: ClusterFacts, wanted: Wanted) -> Mapping[str, Any]:
    endpoints = {name: {"ready": ready, "notReady": others} for name, (ready, others) in facts.endpoints.items()}
    return {
        "namespaces": list(wanted.namespaces) or "all",
        "versions": dict(facts.versions),
        "nodes": dict(facts.nodes),
        "endpoints": endpoints,
    }


def _versions(cluster: Cluster, pods: Iterable[Body]) -> dict[str, str]:
    found = {"kubernetes": cluster.version}
    istiod = [one for one in pods if (one["metadata"].get("labels") or {}).get("app") == "istiod"]
    for one in istiod[:1]:
        found["istiod"] = _image(one)
    images = sorted({str(container.get("image", "")) for one in pods for container in proxies_of(one)})
    return {**found, "proxies": ", ".join(images)} if images else found


def _image(pod: Body) -> str:
    containers: Sequence[Body] = (pod.get("spec") or {}).get("containers") or ()
    return str(containers[0].get("image", "")) if containers else ""


def _topology(nodes: Iterable[Body]) -> dict[str, dict[str, str]]:
    several = sorted(nodes, key=lambda one: str(one["metadata"]["name"]))
    return {
        str(one["metadata"]["name"]): {
            name: value
            for name, value in sorted((one["metadata"].get("labels") or {}).items())
            if name.startswith(TOPOLOGY)
        }
        for one in several
    }
