"""Whether AuthorizationPolicies are known to let a request in to all pods that receive it.

Of what their sidecars see that is known for certain: host, method and path as the client's proxy sends them, the port
of the pod, and who the client is where it speaks mutual TLS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import product

from meshproof.border.expectation import Arm, Copy, Expectation
from meshproof.border.request import Request
from meshproof.mesh.coverage.facts import Facts
from meshproof.mesh.coverage.sidecars import carries_out, reads_http, sender
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Labels, Workload, key_of, keys_of, may_carry
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.path import normalized
from meshproof.mesh.model.security.authorization import (
    Action,
    Attribute,
    AuthorizationPolicy,
    Condition,
)
from meshproof.mesh.model.security.identity import Identity
from meshproof.mesh.model.unmodelled import Received
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
        if not _is_for(received, pod.namespace, pod.labels) or carries_out(mesh, pod, target) is False:
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
    several = {_let_in(mesh, pod, target, found, expectation) for pod, target in _reached(mesh, expectation)}
    return several.pop() if len(several) == 1 else None if several else True


def _let_in(mesh: Mesh, pod: Workload, target: Arm | Copy, found: Facts, expectation: Expectation) -> bool | None:
    sidecar = carries_out(mesh, pod, target)
    if sidecar is False:
        return True
    decided = _decided(_policies(mesh, pod), _arriving(mesh, pod, target, found, expectation))
    return None if sidecar is None and decided is False else decided


def _reached(mesh: Mesh, expectation: Expectation) -> Iterator[tuple[Workload, Arm | Copy]]:
    if expectation.abort is not None and expectation.abort.share == 1:
        return iter(())
    targets: tuple[Arm | Copy, ...] = (*expectation.arms, *expectation.copies)
    reached = ((mesh.workload(key), one) for one in targets for key in sorted(one.workloads))
    return ((pod, one) for pod, one in reached if pod is not None)


def _decided(policies: Iterable[AuthorizationPolicy], takes: Takes) -> bool | None:
    """What the policies for one pod come to, in the order in which its sidecar asks them."""
    by_action: dict[Action, list[bool | None]] = {action: [] for action in Action}
    for one in policies:
        by_action[one.action] += takes(one)
    denied, allowed = by_action[Action.DENY], by_action[Action.ALLOW]
    if True in denied:
        return False
    if None in denied or not {True, None}.isdisjoint(by_action[Action.CUSTOM]):
        return None
    return True if not allowed or True in allowed else None if None in allowed else False


def _is_for(received: Received, namespace: str, labels: Labels) -> bool:
    return received.namespace in ("", namespace) and may_carry(labels, received.labels)


def _arriving(mesh: Mesh, pod: Workload, target: Arm | Copy, found: Facts, expectation: Expectation) -> Takes:
    """How each rule of a policy takes a request as it comes to a pod; one without rules takes nothing."""
    if expectation.request.is_tcp or not expectation.independent or not reads_http(mesh, pod, target):
        known: Tests = {}
    else:
        known = {one: HAS[one] for one in HTTP if one is not Attribute.HOST or isinstance(target, Arm)}
    arrived, ports = Seen(_as_received(mesh, target, expectation)), frozenset({target.target})
    port: Tests = {Attribute.PORT: HAS[Attribute.PORT]} if target.target else {}
    who = sender(mesh, pod, target, found)

    def takes(one: AuthorizationPolicy) -> tuple[bool | None, ...]:
        identity: Tests = {Attribute.IDENTITY: partial(_named, who, one.namespace)} if who else {}
        tests: Tests = {**UNKNOWN, **known, **port, **identity}
        taken = tuple(each for _, each, _ in each_rule([one], arrived, ports, tests)) or (False,)
        if (one.selector or {}).items() <= pod.labels.items():
            return taken
        # Whether it is for these pods is not told.
        return tuple(False if each is False and one.action is not Action.ALLOW else None for each in taken)

    return takes


def asking(mesh: Mesh, expectation: Expectation) -> tuple[AuthorizationPolicy, ...]:
    """The policies by which pods may let a request in, or not."""
    several = (one for pod, _ in _reached(mesh, expectation) for one in _policies(mesh, pod))
    return tuple({id(one): one for one in several}.values())


def _policies(mesh: Mesh, pod: Workload) -> tuple[AuthorizationPolicy, ...]:
    """The policies that the sidecars of these pods apply, or may."""
    return mesh.once(("coverage", "policies", pod.key), lambda: tuple(_of_pods(mesh, pod)))


def _of_pods(mesh: Mesh, pod: Workload) -> Iterator[AuthorizationPolicy]:
    deciding = (one for one in mesh.authorization_policies if one.decides and one.targets is None)
    known = mesh.once(
        ("coverage", "policies by label"),
        lambda: grouped(((one.namespace, key_of(one.selector or {})), one) for one in deciding),
    )
    near = {ROOT_NAMESPACE: None, pod.namespace: None}
    for place, key in product(near, keys_of(pod.labels)):
        yield from (one for one in known.get((place, key), ()) if may_carry(pod.labels, one.selector or {}))


def _as_received(mesh: Mesh, target: Arm | Copy, expectation: Expectation) -> Request:
    request = expectation.request
    path = expectation.path or request.path
    host = expectation.authority or request.authority
    if isinstance(target, Arm):
        host = dict(target.request_headers.exact).get("host", host)
    path = normalized(path, mesh.config.path_normalization) or path
    return replace(request, path=path, headers=(("host", host),), gateway="")


def _named(
    who: Identity,
    own: str,
    condition: Condition,
    wanted: str,
    found: Seen,  # noqa: ARG001
    ports: frozenset[int],  # noqa: ARG001
) -> bool | None:
    return is_named(condition.key, wanted, who, own)
