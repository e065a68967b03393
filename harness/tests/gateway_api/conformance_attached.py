"""Which routes a case wants to be attached, or not, to which Gateways, held against the mesh that is made of it."""

from __future__ import annotations

from collections.abc import Iterator

from conformance_suite import Case
from meshproof.mesh.model.mesh import Mesh

ACCEPTED = "Accepted"
KINDS = ("HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute")


def attachments(case: Case, mesh: Mesh) -> Iterator[str]:
    """For each that is wanted what is wrong about it, empty where nothing is."""
    for step in case.steps:
        name, given = step["call"].partition(".")[2], step["with"]
        kind = next((one for one in KINDS if name.startswith(one)), "")
        if kind and name == f"{kind}MustHaveNoAcceptedParents":
            yield _held(mesh, kind, given["routeName"], "", wanted=False)
        elif kind and name == f"{kind}MustHaveCondition" and given["condition"]["type"] == ACCEPTED:
            wanted = given["condition"]["status"] == "True"
            yield _held(mesh, kind, given["routeNN"], given["gwNN"], wanted=wanted)
        elif name == "GatewayMustHaveZeroRoutes":
            key = _key(given["gwName"])
            made = [one for one in mesh.virtual_services if any(_of(gateway, key) for gateway in one.gateways)]
            yield f"routes are attached to Gateway {key}" if made else ""
        elif name.endswith("MustBeAccepted") and "routeNNs" in given and "gw" in given:
            kind = next((one for one in KINDS if f"And{one}s" in name), "")
            for one in (given["routeNNs"] or ()) if kind else ():
                key = f"{one['Name']}.{one['Namespace']}"
                yield _held(mesh, kind, key, given["gw"].partition(":")[0], wanted=True)


def _key(text: str) -> str:
    name, _, namespace = text.partition(".")
    return f"{namespace}/{name}"


def _of(gateway: str, key: str) -> bool:
    return gateway == key or gateway.startswith(f"{key}/")


def _held(mesh: Mesh, kind: str, route: str, gateway: str, *, wanted: bool) -> str:
    """Whether rules of a route are in force at a Gateway (empty: at any)."""
    name, key = route.partition(".")[0], _key(gateway) if gateway else ""
    file = f"-{kind}-{name}.yaml"
    found = any(
        rule.location.file.endswith(file)
        for one in mesh.virtual_services
        for rule in (*one.http, *one.tcp, *one.tls)
        if not key or any(_of(at, key) for at in one.gateways)
    )
    if found == wanted:
        return ""
    return f"{kind} {_key(route)} is {'' if found else 'not '}attached to {key or 'a Gateway'}"
