"""Whether AuthorizationPolicies are known to let a request in to all pods that receive it.

Of what their sidecars see that is known for certain: host, method and path as the client's proxy sends them, the port
of the pod, and who the client is where it speaks mutual TLS.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

from meshproof.border.expectation import Arm, Copy, Expectation
from meshproof.border.request import Request
from meshproof.mesh.coverage.facts import Facts
from meshproof.mesh.coverage.guarded import AMBIENT
from meshproof.mesh.model.ambient import MODE
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import Labels, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.path import normalized
from meshproof.mesh.model.security.authorization import (
    Action,
    Attribute,
    AuthorizationPolicy,
    Condition,
    is_near,
)
from meshproof.mesh.model.security.identity import TRUST_DOMAIN, Identity
from meshproof.mesh.model.security.peer_authentication import PeerMode
from meshproof.mesh.model.security.peer_authentication import taken as taken_on
from meshproof.mesh.model.unmodelled import Received
from meshproof.mesh.model.virtual_service import MESH_GATEWAY
from meshproof.mesh.predict.policies.authorization import HAS, Tests, each_rule, undecidable
from meshproof.mesh.predict.policies.identity import is_named
from meshproof.mesh.predict.proxy.seen import Seen

HTTP = (Attribute.HOST, Attribute.METHOD, Attribute.PATH)
UNKNOWN: Tests = dict.fromkeys(Attribute, undecidable)
Takes = Callable[[AuthorizationPolicy], tuple[bool | None, ...]]


def may_be_refused(mesh: Mesh, received: Received, found: Facts) -> bool:
    """Whether a policy may keep a request from a pod that is to receive it, beside all others for that pod."""
    policy, expectation = received.policy, found.expectation
    if expectation is None:
        return any(_is_for(received, *pod) for pod in found.pods[1:])
    for pod, target in _reached(mesh, expectation):
        if not _is_for(received, pod.namespace, pod.labels):
            continue
        arriving = _arriving(mesh, pod, target, found, expectation)
        # Those that allow add up.
        if policy.action is Action.ALLOW:
            refusing = not any(True in arriving(one) for one in _policies(mesh, pod) if one.action is Action.ALLOW)
        else:
            refusing = any(one is not False for one in arriving(policy))
        if refusing:
            return True
    return False


def let_in(mesh: Mesh, found: Facts) -> bool | None:
    """Whether all pods that are to receive a request let it in, or none does; None: that is not known for certain."""
    expectation = found.expectation
    if expectation is None:
        return None
    several = {
        _decided(_policies(mesh, pod), _arriving(mesh, pod, target, found, expectation))
        for pod, target in _reached(mesh, expectation)
    }
    return several.pop() if len(several) == 1 else None if several else True


def _reached(mesh: Mesh, expectation: Expectation) -> Iterator[tuple[Workload, Arm | Copy]]:
    targets: tuple[Arm | Copy, ...] = (*expectation.arms, *expectation.copies)
    reached = ((mesh.workload(key), one) for one in targets for key in sorted(one.workloads))
    return ((pod, one) for pod, one in reached if pod is not None)


def _decided(policies: Iterable[AuthorizationPolicy], takes: Takes) -> bool | None:
    """What the policies for one pod come to, in the order in which its sidecar asks them."""
    by_action: dict[Action, list[bool | None]] = {action: [] for action in Action}
    for one in policies:
        # One without rules takes nothing.
        by_action[one.action] += takes(one) or (False,)
    denied, allowed = by_action[Action.DENY], by_action[Action.ALLOW]
    if True in denied:
        return False
    if None in denied or not {True, None}.isdisjoint(by_action[Action.CUSTOM]):
        return None
    return True if not allowed or True in allowed else None if None in allowed else False


def _is_for(received: Received, namespace: str, labels: Labels) -> bool:
    return received.namespace in ("", namespace) and received.labels.items() <= labels.items()


def _arriving(mesh: Mesh, pod: Workload, target: Arm | Copy, found: Facts, expectation: Expectation) -> Takes:
    """How each rule of a policy takes a request as it comes to a pod."""
    if expectation.request.is_tcp or not expectation.independent or not _is_read(mesh, target):
        known: Tests = {}
    else:
        known = {one: HAS[one] for one in HTTP if one is not Attribute.HOST or isinstance(target, Arm)}
    arrived, ports = Seen(_as_received(mesh, target, expectation)), frozenset({target.target})
    port: Tests = {Attribute.PORT: HAS[Attribute.PORT]} if target.target else {}
    who = _sender(mesh, pod, target, found)

    def takes(one: AuthorizationPolicy) -> tuple[bool | None, ...]:
        identity: Tests = {Attribute.IDENTITY: partial(_named, who, one.namespace)} if who else {}
        tests: Tests = {**UNKNOWN, **known, **port, **identity}
        return tuple(taken for _, taken, _ in each_rule([one], arrived, ports, tests))

    return takes


def _policies(mesh: Mesh, pod: Workload) -> tuple[AuthorizationPolicy, ...]:
    """The policies that the sidecars of these pods apply."""
    return mesh.once(
        ("coverage", "policies", pod.key),
        lambda: tuple(
            one
            for one in mesh.authorization_policies
            if one.decides and one.targets is None and is_near(one, pod.namespace)
            if (one.selector or {}).items() <= pod.labels.items()
        ),
    )


def _is_read(mesh: Mesh, target: Arm | Copy) -> bool:
    """Whether the sidecar of the pods reads what comes to this port as HTTP."""
    service = mesh.service(target.host)
    return service is not None and any(
        port.is_http or port.sniffed for port in service.ports if port.number == target.port
    )


def _as_received(mesh: Mesh, target: Arm | Copy, expectation: Expectation) -> Request:
    request = expectation.request
    path = expectation.path or request.path
    host = expectation.authority or request.authority
    if isinstance(target, Arm):
        host = dict(target.request_headers.exact).get("host", host)
    path = normalized(path, mesh.config.path_normalization) or path
    return replace(request, path=path, headers=(("host", host),), gateway="")


def _sender(mesh: Mesh, pod: Workload, target: Arm | Copy, found: Facts) -> Identity | None:
    """Who sends it by the certificate that is shown; None: none is shown, or that is not told.

    Proxies speak mutual TLS to whoever has a sidecar, but to a headless Service, whose pods are called as the client
    has looked them up (istio/istio pilot/pkg/networking/core/cluster_tls.go).
    """
    service = mesh.service(target.host)
    given = json.loads(mesh.config.given or "{}")
    mode, _ = taken_on(mesh.peer_authentications, pod.namespace, pod.labels, target.target)
    plain = target.policy.plain_text or mode is PeerMode.DISABLE or given.get("enableAutoMtls") is False
    originating = isinstance(target, Arm) and target.tls is not None
    outside = service is None or service.headless or bool(service.hostname) or bool(pod.endpoint_of)
    if plain or originating or outside or pod.bypass or _is_ambient(mesh, pod):
        return None
    domain = "" if {"trustDomain", "trustDomainAliases"} & given.keys() else TRUST_DOMAIN
    if found.gateway == MESH_GATEWAY:
        namespace, labels = found.client
        senders = [one for one in _in(mesh, namespace) if labels and labels.items() <= one.labels.items()]
        return Identity(namespace, _account(senders), domain)
    gateway = mesh.gateway(found.gateway)
    if gateway is None or not mesh.knows_pods_of(gateway):
        return None
    return Identity(found.client[0], _account(mesh.serving(gateway)), domain)


def _in(mesh: Mesh, namespace: str) -> tuple[Workload, ...]:
    grouped_by = mesh.once(
        ("coverage", "workloads by namespace"), lambda: grouped((one.namespace, one) for one in mesh.workloads)
    )
    return tuple(grouped_by.get(namespace, ()))


def _account(senders: Iterable[Workload]) -> str:
    """The one ServiceAccount of these pods; empty where there are several, or it is not told."""
    several = {one.account for one in senders}
    return several.pop() if len(several) == 1 else ""


def _is_ambient(mesh: Mesh, pod: Workload) -> bool:
    return AMBIENT in (pod.labels.get(MODE), mesh.namespaces.get(pod.namespace, {}).get(MODE))


def _named(
    who: Identity,
    own: str,
    condition: Condition,
    wanted: str,
    found: Seen,  # noqa: ARG001
    ports: frozenset[int],  # noqa: ARG001
) -> bool | None:
    return is_named(condition.key, wanted, who, own)
