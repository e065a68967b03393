"""Cases of one and of two features, each a change of base.yaml."""

from __future__ import annotations

import copy
import itertools
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from cases import Case, case, objects

Json = dict[str, Any]

HERE = Path(__file__).parent
# The first of the numbers by which pairs are drawn.
SEED = 1
ISTIO, ROUTES = "networking.istio.io/v1", "gateway.networking.k8s.io/v1"
# What a kind of the short form `Kind name` is called where it is not one of Istio's routing.
VERSIONS = {
    "Service": "v1",
    "ConfigMap": "v1",
    "StatefulSet": "apps/v1",
    "HTTPRoute": ROUTES,
    "GRPCRoute": ROUTES,
    "TCPRoute": "gateway.networking.k8s.io/v1alpha2",
    "TLSRoute": "gateway.networking.k8s.io/v1alpha2",
    "UDPRoute": "gateway.networking.k8s.io/v1alpha2",
    "ReferenceGrant": "gateway.networking.k8s.io/v1beta1",
    "BackendTLSPolicy": ROUTES,
    "ListenerSet": ROUTES,
    "K8sGateway": ROUTES,
    "EnvoyFilter": "networking.istio.io/v1alpha3",
    "ProxyConfig": "networking.istio.io/v1beta1",
    "AuthorizationPolicy": "security.istio.io/v1",
    "PeerAuthentication": "security.istio.io/v1",
    "RequestAuthentication": "security.istio.io/v1",
    "Telemetry": "telemetry.istio.io/v1",
    "Ingress": "networking.k8s.io/v1",
    "IngressClass": "networking.k8s.io/v1",
}
KINDS = {"K8sGateway": "Gateway"}


def features() -> list[Json]:
    found: list[Json] = yaml.safe_load((HERE / "features.yaml").read_text())
    return found


def kinds() -> list[Json]:
    """Further features: what several objects of one kind do to each other, by kind."""
    return [one for path in sorted((HERE / "kinds").glob("*.yaml")) for one in yaml.safe_load(path.read_text())]


def changed(several: list[Json], feature: Json) -> None:
    """Make the objects of the base those of the feature."""
    virtual_service, rule, server, service = (_named(several, *one) for one in PLACES)
    for at, into in (
        ("rule", (virtual_service["spec"].get("http") or [{}])[0]),
        ("vs", virtual_service["spec"]),
        ("policy", rule["spec"].setdefault("trafficPolicy", {})),
        ("destination", rule["spec"]),
        ("server", server["spec"]["servers"][0]),
        ("service", service["spec"]),
        ("annotations", service["metadata"].setdefault("annotations", {})),
    ):
        for name, value in feature.get(at, {}).items():
            if value is None:
                into.pop(name, None)
            elif isinstance(value, dict) and isinstance(into.get(name), dict):
                into[name] |= value
            else:
                into[name] = value
    if not rule["spec"].get("trafficPolicy", True):
        # One without any field is refused.
        del rule["spec"]["trafficPolicy"]
    several += feature.get("objects", ())
    several += (_object(name, spec) for name, spec in feature.get("more", {}).items())
    if "config" in feature:
        mesh = {"name": "istio", "namespace": "istio-system"}
        several.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": mesh, "data": {"mesh": feature["config"]}})


def _object(called: str, spec: Json) -> Json:
    """The object of a short form: `Kind name` or `Kind namespace/name`, with what its metadata says beside its spec."""
    kind, _, place = called.partition(" ")
    namespace, _, name = place.rpartition("/")
    metadata = {"name": name, **({"namespace": namespace} if namespace else {}), **spec.get("metadata", {})}
    # A WorkloadGroup has metadata of its own, of which labels and annotations are no object's name.
    own = dict(spec) if kind == "WorkloadGroup" else {key: one for key, one in spec.items() if key != "metadata"}
    if kind == "WorkloadGroup":
        metadata = {key: one for key, one in metadata.items() if key in ("name", "namespace")}
    version = VERSIONS.get(kind, ISTIO)
    return {"apiVersion": version, "kind": KINDS.get(kind, kind), "metadata": metadata, "spec": own}


PLACES = (("VirtualService", "r"), ("DestinationRule", "beta"), ("Gateway", "gate"), ("Service", "alpha"))


def _named(several: list[Json], kind: str, name: str) -> Json:
    return next(one for one in several if one["kind"] == kind and one["metadata"]["name"] == name)


def generated(number: int, seed: int = SEED) -> Iterator[Case]:
    """A case of each feature, and so many of pairs, the same each time."""
    known = features()
    yield from _cases("features", known, _pairs(known, known, number, seed))


def of_kinds(number: int, seed: int = SEED) -> Iterator[Case]:
    """A case of each further feature, and so many of pairs with any other."""
    known, others = kinds(), features()
    yield from _cases("kinds", [*known, *others], _pairs(known, [*known, *others], number, seed), len(known))


def together(number: int, seed: int = SEED) -> Iterator[Case]:
    """So many cases of one to six features of any kind at once, on a mesh in which more is met than in base.yaml."""
    known, draw = [*features(), *kinds()], random.Random(seed)
    base = [*objects((HERE / "base.yaml").read_text()), *objects((HERE / "more.yaml").read_text())]
    rules = _named(base, "VirtualService", "r")["spec"]["http"]
    rules[0] = {"match": [{"uri": {"prefix": "/b"}}], "route": [_to("v1", 10), _to("v2", 90)]}
    for _ in range(number):
        chosen = draw.sample(range(len(known)), draw.randrange(1, 7))
        made = copy.deepcopy(base)
        for one in chosen:
            changed(made, copy.deepcopy(known[one]))
        last = {(one["apiVersion"], one["kind"], str(one["metadata"])): one for one in made}
        if found := case("together " + " and ".join(map(str, chosen)), "together", last.values()):
            yield found


def _to(subset: str, weight: int) -> Json:
    return {"destination": {"host": "beta", "subset": subset, "port": {"number": 80}}, "weight": weight}


def _pairs(some: Sequence[Json], several: Sequence[Json], number: int, seed: int) -> list[tuple[int, int]]:
    pairs = [pair for pair in itertools.combinations(range(len(several)), 2) if pair[0] < len(some)]
    return random.Random(seed).sample(pairs, min(number, len(pairs)))


def _cases(
    source: str, known: Sequence[Json], pairs: Sequence[tuple[int, int]], single: int | None = None
) -> Iterator[Case]:
    base = objects((HERE / "base.yaml").read_text())
    for several in (*((one,) for one in range(len(known) if single is None else single)), *pairs):
        made = copy.deepcopy(base)
        for one in several:
            changed(made, copy.deepcopy(known[one]))
        last = {(one["apiVersion"], one["kind"], str(one["metadata"])): one for one in made}
        if found := case(f"{source} " + " and ".join(map(str, several)), source, last.values()):
            yield found
