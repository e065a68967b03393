"""What becomes of a request where its own rule or pods leave that to something that is not known."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.border.expectation import Expectation, Upstream
from meshproof.border.prescription import SERVER, stream
from meshproof.mesh.coverage.unheard import unnamed_ports
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Called, Rule, Unmodelled

INGRESS = "Ingress"
# Seconds in which a pod that does nothing answers, also on a machine that does much else.
SHORTEST = 0.025


def undecided(mesh: Mesh, expectation: Expectation) -> tuple[Unmodelled, ...]:
    """The rule or the pods of a request of which it cannot be told what becomes of it; none where that can be told."""
    if unsure := (*unnamed_ports(mesh, expectation), *_misunderstood(mesh, expectation)):
        return unsure
    route, why = expectation.route, expectation.undecided or _hurried(expectation) or _ended_by_pods(expectation)
    if not why:
        return ()
    if route is None:
        aims = [mesh.service(one.host) for one in expectation.arms]
        return tuple(
            Unmodelled("Service", f"Service {one.namespace}/{one.name}", one.location, why, (Called((one.host,)),))
            for one in aims
            if one
        )
    owners = (one for one in mesh.virtual_services if any(rule.location == route for rule in one.rules))
    owner = next(owners, None)
    policies = (one for one in mesh.authorization_policies if route in one.places)
    if owner is None and (policy := next(policies, None)):
        name = f"AuthorizationPolicy {policy.namespace}/{policy.name}"
        return (Unmodelled("AuthorizationPolicy", name, route, why, (Rule(route),)),)
    sidecars = (one for one in mesh.sidecars if one.location == route)
    if owner is None and (limit := next(sidecars, None)):
        return (Unmodelled("Sidecar", f"Sidecar {limit.namespace}/{limit.name}", route, why, (Rule(route),)),)
    # What is made of HTTPRoutes has a name of its own, which stands in none of them.
    kind = "VirtualService"
    if owner and owner.gateway_api:
        kind = "TLSRoute" if owner.tls else "TCPRoute" if owner.tcp else "HTTPRoute"
    name = f"{kind} {owner.namespace}/{owner.name}" if owner and not owner.gateway_api else kind
    if owner and owner.ingress:
        kind, name = INGRESS, f"{INGRESS} {owner.ingress}"
    return (Unmodelled(kind, name, route, why, (Rule(route),)),)


MISUNDERSTOOD = {
    Upstream.HTTP1: "its pods get gRPC over HTTP/1.1 on port {}, which no server of gRPC understands: "
    "name the port grpc, or give it appProtocol: grpc",
    Upstream.HTTP2: "its pods get a WebSocket over HTTP/2 on port {}, by CONNECT, which is not modelled",
}


def _misunderstood(mesh: Mesh, expectation: Expectation) -> Iterator[Unmodelled]:
    """The Services whose pods get a call of gRPC or a WebSocket over the other version of HTTP."""
    request = expectation.request
    asks = any(name.lower() == "upgrade" for name, _ in request.headers)
    wrong = Upstream.HTTP1 if request.is_call else Upstream.HTTP2 if asks else None
    for arm in expectation.arms if wrong else ():
        service = mesh.service(arm.host) if arm.share and arm.policy.upstream is wrong else None
        for port in service.ports if service and arm.workloads else ():
            if wrong and port.number == arm.port:
                why = MISUNDERSTOOD[wrong].format(port.number)
                called = f"Service {service.namespace}/{service.name}" if service else ""
                yield Unmodelled("Service", called, port.location, why, (Called((arm.host,), arm.port),))


def _hurried(expectation: Expectation) -> str:
    """Why it is a matter of the machine whether a request is answered by a pod or by the proxy with 504."""
    limits = (expectation.timeout, expectation.retries.per_try_timeout if expectation.retries else None)
    shortest = min((one for one in limits if one is not None), default=SHORTEST)
    if shortest >= SHORTEST or not any(one.workloads for one in expectation.arms):
        return ""
    least = f"{SHORTEST * 1000:g} ms"
    return f"a pod has {shortest * 1000:g} ms to answer: below {least} the machine decides whether it does"


def _ended_by_pods(expectation: Expectation) -> str:
    """Why it is not known whether a call ends in time whose client sends for longer than its timeout."""
    said, timeout = stream(expectation.request), expectation.timeout
    if said is None or said.sender == SERVER or timeout is None or timeout >= said.seconds:
        return ""
    if not any(one.workloads for one in expectation.arms):
        return ""
    return (
        f"the client sends for {said.seconds:g} s, and its proxy counts the timeout of {timeout:g} s from then on; the "
        "pods, their sidecars and servers of gRPC, are told of it, and count it from the beginning of the call"
    )
