"""Which workloads there are, and how many of their pods are ready."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from meshproof.targets.capture.cleared import LeftOut, pod, workload

Json = dict[str, Any]
SIDECAR = "istio-proxy"
# Who writes the slices of a Service that has a selector.
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
SERVICE = "kubernetes.io/service-name"
CONTROLLER = "endpointslice-controller.k8s.io"


def workloads(objects: Sequence[Mapping[str, Any]], left_out: LeftOut) -> Iterator[Json]:
    """What makes pods, with as many as are ready; what belongs to another of them, as a ReplicaSet does, is that one.

    A pod of a controller that is not among them, such as a Job, stands by itself. While a Deployment is rolled out,
    and where that has failed, its ReplicaSets with ready pods stand in its place: it says what the new pods are, and
    those that answer may be the old ones.
    """
    rolling = _rolling(objects)
    there = {_key(one) for one in objects if one["kind"] != "Pod"} - rolling
    for one in objects:
        owner = _controller(one)
        if _key(one) in rolling or (owner and (owner[0], _place(one), owner[1]) in there):
            continue
        if one["kind"] == "Pod":
            if is_ready(one):
                yield pod(one, left_out)
        elif ready_pods(one) or (one["kind"] != "DaemonSet" and not owner):
            # Of a controller that is not read old ReplicaSets stay, without pods; a DaemonSet names no number of pods.
            yield workload(one, left_out)


def _rolling(objects: Sequence[Mapping[str, Any]]) -> set[tuple[str, str, str]]:
    """The Deployments whose ready pods may be of another version than they state, and are told by ReplicaSets."""
    ready = [one for one in objects if one["kind"] == "ReplicaSet" and ready_pods(one)]
    told = {(owner[0], _place(one), owner[1]) for one in ready if (owner := _controller(one))}
    return {_key(one) for one in objects if one["kind"] == "Deployment" and _key(one) in told and _is_rolling(one)}


def _is_rolling(deployment: Mapping[str, Any]) -> bool:
    generation, status = deployment["metadata"].get("generation") or 0, deployment.get("status") or {}
    unseen = int(status.get("observedGeneration") or generation) < generation
    return unseen or int(status.get("updatedReplicas") or 0) < int(status.get("replicas") or 0)


def ready_pods(body: Mapping[str, Any]) -> int:
    """How many pods of a controller are ready."""
    status = body.get("status") or {}
    return int(status.get("numberReady" if body["kind"] == "DaemonSet" else "readyReplicas") or 0)


def is_ready(body: Mapping[str, Any]) -> bool:
    """Whether a pod is ready, so that requests are sent to it."""
    status, metadata = body.get("status") or {}, body["metadata"]
    conditions = status.get("conditions") or ()
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    return ready and not metadata.get("deletionTimestamp")


def has_proxy(body: Mapping[str, Any]) -> bool:
    """Whether a pod has a proxy of Istio's, be it a sidecar or a gateway."""
    return any(one.get("name") == SIDECAR for one in proxies_of(body))


def proxies_of(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The containers of a pod that may be a proxy: native sidecars are among the first ones."""
    spec = body.get("spec") or {}
    for one in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        if one.get("name") == SIDECAR:
            yield one


def is_gateway(body: Mapping[str, Any]) -> bool:
    """Whether a pod with a proxy has nothing beside it."""
    return all(one.get("name") == SIDECAR for one in (body.get("spec") or {}).get("containers") or ())


def endpoints(slices: Iterable[Mapping[str, Any]]) -> dict[str, tuple[int, int]]:
    """Of each Service how many addresses are ready, and how many are not."""
    found: dict[str, tuple[set[str], set[str]]] = {}
    for one in slices:
        name = (one["metadata"].get("labels") or {}).get(SERVICE, "")
        ready, others = found.setdefault(f"{_place(one)}/{name}", (set(), set()))
        for endpoint in one.get("endpoints") or ():
            target = (endpoint.get("targetRef") or {}).get("name") or ",".join(endpoint.get("addresses") or ())
            # No condition is taken as a ready one: EndpointConditions, API of discovery.k8s.io/v1.
            (others if (endpoint.get("conditions") or {}).get("ready") is False else ready).add(target)
    return {name: (len(ready), len(others - ready)) for name, (ready, others) in sorted(found.items())}


def is_derived(slice_: Mapping[str, Any]) -> bool:
    """Whether a controller made a slice from a Service's selector, so that it says nothing that pods do not."""
    return str((slice_["metadata"].get("labels") or {}).get(MANAGED_BY, "")) == CONTROLLER


def differing(
    services: Iterable[Mapping[str, Any]], made: Sequence[Mapping[str, Any]], known: Mapping[str, tuple[int, int]]
) -> Iterator[tuple[str, str, str]]:
    """Services (namespace, name) that other pods stand behind than the workloads that were read, and in what words."""
    by_place: dict[str, list[tuple[Mapping[str, str], int]]] = {}
    for one in made:
        spec = one["spec"]
        labels = (one if one["kind"] == "Pod" else spec["template"])["metadata"].get("labels") or {}
        by_place.setdefault(_place(one), []).append((labels, 1 if one["kind"] == "Pod" else ready_pods(one)))
    for one in services:
        spec = one.get("spec") or {}
        selector, place, name = spec.get("selector") or {}, _place(one), _name(one)
        counted = known.get(f"{place}/{name}")
        if not selector or counted is None:
            continue
        ready = sum(count for labels, count in by_place.get(place, ()) if selector.items() <= labels.items())
        if spec.get("publishNotReadyAddresses") and counted[1]:
            yield place, name, f"it publishes {counted[1]} addresses that are not ready"
        elif counted[0] != ready:
            yield place, name, f"its EndpointSlices have {counted[0]} ready addresses, and its workloads {ready} pods"


def _controller(body: Mapping[str, Any]) -> tuple[str, str] | None:
    for one in body["metadata"].get("ownerReferences") or ():
        if one.get("controller"):
            return str(one.get("kind")), str(one.get("name"))
    return None


def _key(body: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(body["kind"]), _place(body), _name(body)


def _place(body: Mapping[str, Any]) -> str:
    return str(body["metadata"].get("namespace", ""))


def _name(body: Mapping[str, Any]) -> str:
    return str(body["metadata"]["name"])
