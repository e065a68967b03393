"""Manifests drawn at random: small meshes whose names, paths and headers come from pools so small that they meet."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

from differential_policies import policy, sidecar
from differential_rules import INTERNAL, ODD, SUBSETS, Manifest, given, often, route, rule
from meshproof.mesh.model.names import overlap

PLACES = (("a", "default"), ("b", "default"), ("a", "shop"))
CONTAINER_PORT = 9000
GATEWAY_LABELS = {"istio": "ingressgateway"}
EXTERNAL = ("shop.example.com", "example.org", "*.example.com", "*.com", "Shop.Example.com", "a.shop.example.com")
WILD = ("*.default.svc.cluster.local", "*.shop.svc.cluster.local", "*.local", "*.svc.cluster.local")
AGES = ("2026-05-01T10:00:00Z", "2026-05-02T10:00:00Z", "2026-05-02T11:00:00+01:00")
ANNOTATION = "networking.istio.io/exportTo"


def text(resources: Sequence[Manifest]) -> str:
    """The manifests as a stream of documents; JSON is YAML."""
    return "\n---\n".join(json.dumps(one, indent=1, ensure_ascii=False) for one in resources) + "\n"


def aged(draw: Random, made: Manifest) -> Manifest:
    """The resource, in most cases with an age."""
    if draw.random() < 0.7:
        made["metadata"]["creationTimestamp"] = draw.choice(AGES)
    return made


def exported(draw: Random, namespace: str, chance: float) -> Manifest:
    """An `exportTo` that istiod takes."""
    other = "shop" if namespace == "default" else "default"
    entries: tuple[list[str], ...] = ([], ["*"], ["."], [namespace], [other], [".", other], [other, "elsewhere"])
    return {"exportTo": draw.choice(entries)} if draw.random() < chance else {}


def resource(kind: str, name: str, namespace: str, spec: Manifest) -> Manifest:
    versions = {"Service": "v1", "Deployment": "apps/v1"}
    version = versions.get(kind, "networking.istio.io/v1")
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def virtual_service(draw: Random, number: int, gateways: Sequence[str]) -> Manifest:
    ways: list[list[str]] = [[], [], ["mesh"]]
    if gateways:
        ways += [
            ["front"],
            ["front"],
            ["default/front"],
            ["mesh", "front"],
            ["default/side", "mesh"],
            ["side", "front"],
        ]
    bound = draw.choice(ways)
    hosts = [*INTERNAL * 3, *ODD, *WILD, *EXTERNAL]
    if bound and "mesh" not in bound:
        hosts = [*EXTERNAL, *["*"] * 12, "a.default.svc.cluster.local"]
    namespace = often(draw, "default", "default", "shop")
    chosen: dict[str, str] = {}
    for host in draw.choices(hosts, k=draw.choice((1, 2))):
        short = "." not in host and host != "*"
        name = f"{host}.{namespace}.svc.cluster.local".lower() if short else host.lower()
        # istiod refuses hosts that cover each other.
        if not any(overlap(one, name) for one in chosen):
            # istiod compares the hosts at a gateway as they are written.
            chosen[name] = host if bound in ([], ["mesh"]) else host.lower()
    spec: Manifest = {"hosts": list(chosen.values())} | ({"gateways": bound} if bound else {})
    spec |= exported(draw, namespace, 0.3) | {"http": [rule(draw) for _ in range(draw.randint(1, 4))]}
    return aged(draw, resource("VirtualService", f"v{number}", namespace, spec))


def delegate(draw: Random, number: int) -> Manifest:
    """A VirtualService that others delegate to."""
    namespace = often(draw, "default", "default", "shop")
    spec = exported(draw, namespace, 0.3) | {"http": [route(draw) for _ in range(draw.randint(1, 3))]}
    return resource("VirtualService", f"d{number}", namespace, spec)


def service(draw: Random, name: str, namespace: str) -> list[Manifest]:
    """A Service with up to two Deployments."""
    numbers = often(draw, draw.choice(((80,), (80, 5000))), (80, 8080), (5000,), (5000, 8080))
    target = draw.choice([CONTAINER_PORT] * 5 + ["web"])
    ports = [{"port": number, "name": f"http-{number}", "targetPort": target} for number in numbers]
    if len(ports) == 1 and draw.random() < 0.3:
        # What it carries is found out on each connection.
        del ports[0]["name"]
    alone = {"clusterIP": "None"} if draw.random() < 0.15 else {}
    found = [resource("Service", name, namespace, {"selector": {"app": name}, "ports": ports, **alone})]
    if draw.random() < 0.2:
        entries = draw.choice((".", "~", "shop", "default, istio-system", "*", "., shop"))
        found[0]["metadata"]["annotations"] = {ANNOTATION: entries}
    for version in draw.choice([SUBSETS] * 8 + [("v1",), ()]):
        labels = {"app": name, "version": version}
        opened = {"containerPort": CONTAINER_PORT} | draw.choice([{"name": "web"}] * 5 + [{}])
        template = {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "c", "image": "c", "ports": [opened]}]},
        }
        spec = {"replicas": draw.choice([1] * 11 + [0]), "selector": {"matchLabels": labels}, "template": template}
        found.append(resource("Deployment", f"{name}-{version}", namespace, spec))
    return found


def destination_rule(draw: Random, number: int) -> Manifest:
    labels: list[Manifest] = [{"version": "v1"}, {"version": "v2"}] * 4 + [{"version": "v9"}, {}]
    names = draw.choice([SUBSETS] * 6 + [SUBSETS[:1], ()])
    subsets = [{"name": name, "labels": draw.choice(labels)} for name in names]
    host = often(draw, "a.default.svc.cluster.local", *INTERNAL, *ODD, *WILD)
    place = draw.choice(("default", "default", "shop", "istio-system"))
    spec: Manifest = {"host": host, "subsets": subsets}
    if draw.random() < 0.2:
        spec["workloadSelector"] = {"matchLabels": {"app": draw.choice(("client", "client", "other"))}}
        spec |= given(draw, exportTo=(0.4, lambda: ["."]))
    else:
        spec |= exported(draw, place, 0.4)
    return aged(draw, resource("DestinationRule", f"d{number}", place, spec))


def gateway(draw: Random, name: str) -> Manifest:
    servers = []
    for number in range(draw.choice((1, 1, 2))):
        limited = ["*/example.org", "./*", "shop/*.example.com", "./shop.example.com", "shop/*"]
        hosts = {host.lower(): host.lower() for host in draw.choices(["*"] * 9 + [*EXTERNAL, *limited], k=2)}
        port = {"number": draw.choice((80, 80, 8080)), "name": f"http-{number}", "protocol": "HTTP"}
        secured = {"tls": {"httpsRedirect": True}} if draw.random() < 0.1 else {}
        servers.append({"port": port, "hosts": list(hosts.values())} | secured)
    return aged(draw, resource("Gateway", name, "default", {"selector": GATEWAY_LABELS, "servers": servers}))


def manifests(draw: Random) -> list[Manifest]:
    """The manifests of one mesh."""
    places = draw.choice([PLACES] * 7 + [PLACES[:1]])
    found = [one for name, namespace in places for one in service(draw, name, namespace)]
    found += [destination_rule(draw, number) for number in range(draw.randint(0, 5))]
    gateways = draw.choice((("front",), ("front",), ("front", "side"), ()))
    found += [gateway(draw, name) for name in gateways]
    found += [virtual_service(draw, number, gateways) for number in range(draw.randint(1, 5))]
    found += [delegate(draw, number) for number in range(draw.randint(0, 2))]
    if gateways and draw.random() < 0.3:
        found += [policy(draw, number) for number in range(draw.choice((1, 1, 2)))]
    if draw.random() < 0.25:
        found += [sidecar(draw, number) for number in range(draw.choice((1, 1, 2)))]
    return found


def of_grpc(draw: Random, resources: list[Manifest]) -> list[Manifest]:
    """The same with ports of gRPC or HTTP/2, and some that say nothing."""
    for one in resources:
        for port in one["spec"]["ports"] if one["kind"] == "Service" else ():
            if "name" in port:
                port["name"] = f"{draw.choice(('grpc', 'grpc', 'http2'))}-{port['port']}"
    return resources
