"""AuthorizationPolicies for the pods of the gateways, and Sidecars, drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from differential_rules import METHODS, NAMES, PATHS, VALUES, Manifest, often

HOSTS = ("*", "*.example.com", "shop.example.com", "Shop.Example.com", "example.*", "example.org:81", "nowhere*", "*")
TEMPLATES = ("/{*}", "/a/{*}", "/{**}", "/{*}/b/{**}", "/a/{**}/x", "/v2/{*}/y", "/a%2fb/{*}")
PORTS = ("80", "8080", "443", "9000")
NAMESPACES = ("default", "*", "de*", "*t")
PRINCIPALS = ("*", "cluster.local/ns/default/sa/a", "cluster.local*", "*sa/a")
SELECTORS = ({"istio": "ingressgateway"}, {"app": "istio-ingressgateway"}, {"istio": "egressgateway"}, {})


def starred(draw: Random, text: str) -> str:
    """A value, in some cases only the beginning or the end of it."""
    form = draw.random()
    if form < 0.2:
        return f"{text[: max(1, len(text) - 1)]}*"
    if form < 0.3:
        return f"*{text[1:]}"
    return "*" if form < 0.35 else text


def listed(draw: Random, name: str, several: Sequence[str], chance: float = 0.5) -> Manifest:
    """A list of a rule, or the one of what it must not be."""
    if draw.random() > chance:
        return {}
    field = name if draw.random() < 0.75 else f"not{name[0].upper()}{name[1:]}"
    return {field: draw.choices(several, k=draw.choice((1, 1, 2, 3)))}


def operation(draw: Random) -> Manifest:
    paths = [starred(draw, one) for one in draw.choices(PATHS, k=6)] + [draw.choice(TEMPLATES)]
    found = listed(draw, "paths", paths, 0.7) | listed(draw, "methods", ("*", "P*", "*ET", *METHODS), 0.3)
    found |= listed(draw, "hosts", HOSTS, 0.3) | listed(draw, "ports", PORTS, 0.15)
    return {"operation": found or {"paths": ["/*"]}}


def source(draw: Random) -> Manifest:
    found = listed(draw, "namespaces", NAMESPACES, 0.6) | listed(draw, "principals", PRINCIPALS, 0.4)
    return {"source": found or {"notNamespaces": ["default"]}}


def condition(draw: Random) -> Manifest:
    key = draw.choice([f"request.headers[{draw.choice(NAMES)}]"] * 6 + ["destination.port", "connection.sni"])
    values = [starred(draw, one or "x") for one in draw.choices(VALUES, k=2)]
    if key == "destination.port":
        values = list(draw.choices(PORTS, k=1))
    return {"key": key, draw.choice(("values", "values", "notValues")): values}


def rule(draw: Random) -> Manifest:
    found: Manifest = {}
    if draw.random() < 0.8:
        found["to"] = [operation(draw) for _ in range(draw.choice((1, 1, 2)))]
    if draw.random() < 0.15:
        found["from"] = [source(draw) for _ in range(draw.choice((1, 2)))]
    if draw.random() < 0.3:
        found["when"] = [condition(draw) for _ in range(draw.choice((1, 1, 2)))]
    return found


def policy(draw: Random, number: int) -> Manifest:
    """A policy in the gateways' own namespace, or in another one."""
    spec: Manifest = {"action": draw.choice(("ALLOW", "DENY", "DENY"))}
    spec["rules"] = [rule(draw) for _ in range(draw.choice((1, 1, 2)))]
    if draw.random() < 0.05:
        spec = {}
    if draw.random() < 0.6:
        spec["selector"] = {"matchLabels": often(draw, SELECTORS[0], *SELECTORS)}
    place = often(draw, "istio-system", "default")
    metadata: Manifest = {"name": f"p{number}", "namespace": place}
    if draw.random() < 0.05 and spec:
        metadata["annotations"] = {"istio.io/dry-run": "true"}
    kind = {"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy"}
    return {**kind, "metadata": metadata, "spec": spec}


IMPORTED = ("a.default.svc.cluster.local", "b.default.svc.cluster.local", "a.shop.svc.cluster.local", "example.org")
PATTERNS = ("*", "*", "*.default.svc.cluster.local", "*.shop.svc.cluster.local", "*.com", "*.svc.cluster.local")
PLACES = ("*", "*", ".", "default", "shop", "~", "~shop", "~.", "~*")


def listeners(draw: Random) -> list[Manifest]:
    """Egress listeners for one port each."""
    return [
        {
            "port": {"number": number, "protocol": draw.choice(("HTTP", "HTTP2", "GRPC")), "name": f"e{number}"},
            "hosts": hosts(draw, draw.choice((1, 2))),
        }
        for number in draw.choice(([], [], [80], [5000], [80, 8080]))
    ]


def hosts(draw: Random, number: int) -> list[str]:
    """What a listener imports."""
    return [f"{draw.choice(PLACES)}/{draw.choice((*IMPORTED, *PATTERNS))}" for _ in range(number)]


def sidecar(draw: Random, number: int) -> Manifest:
    """What the client knows, or other pods do; hosts that it does not know are refused."""
    egress = [*listeners(draw), {"hosts": hosts(draw, draw.choice((1, 2, 2, 3)))}]
    spec: Manifest = {"egress": egress, "outboundTrafficPolicy": {"mode": "REGISTRY_ONLY"}}
    if draw.random() < 0.3:
        spec["workloadSelector"] = {"labels": {"app": draw.choice(("client", "client", "other"))}}
    metadata: Manifest = {
        "name": f"s{number}",
        "namespace": draw.choice(("default", "default", "istio-system", "shop")),
    }
    if draw.random() < 0.5:
        metadata["creationTimestamp"] = f"2026-05-0{draw.randint(1, 3)}T10:00:00Z"
    return {"apiVersion": "networking.istio.io/v1", "kind": "Sidecar", "metadata": metadata, "spec": spec}
