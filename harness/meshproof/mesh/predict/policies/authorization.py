"""What the AuthorizationPolicies for a gateway's pods make of a request.

Denied where a DENY policy takes it; then, where there are ALLOW policies, allowed only where one of them takes it
(https://istio.io/latest/docs/concepts/security/#implicit-enablement). They come before all routing. Envoy's RBAC:
https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/rbac_filter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from urllib.parse import parse_qsl

from meshproof.errors import Location
from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.kubernetes import Service
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.authorization import (
    GATEWAY_NAME,
    Action,
    Attribute,
    AuthorizationPolicy,
    AuthorizationRule,
    Condition,
    Conditions,
    is_near,
    known_labels,
)
from meshproof.mesh.model.virtual_service import MatchKind, StringMatch
from meshproof.mesh.predict.match import path_only, string_matches
from meshproof.mesh.predict.proxy.drawn import Drawn
from meshproof.mesh.predict.proxy.seen import CLIENT_CERTIFICATE, Seen
from meshproof.records import dataclass

DENIED = "RBAC: access denied"
FORBIDDEN = 403
# The ports that Istio's own gateways listen on for those of their Services.
STOCK_PORTS = {80: 8080, 443: 8443}
# A segment of a path, and any number of them (Envoy's URI templates).
SEGMENT, SEGMENTS = r"[a-zA-Z0-9\-._~%!$&'()*+,;:@=]+", r"[a-zA-Z0-9\-._~%!$&'()*+,;:@=/]*"


Test = Callable[[Condition, str, Seen, frozenset[int]], bool | None]
Tests = Mapping[Attribute, Test]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request is let in (None: that depends on `why`), and the rule that decides it.

    `by` are the rules that allow it.
    """

    allowed: bool | None = True
    place: Location | None = None
    why: str = ""
    by: tuple[Location, ...] = ()


def policies_at(mesh: Mesh, gateway: Gateway) -> tuple[AuthorizationPolicy, ...]:
    """The policies that surely select the pods of a gateway, and decide anything."""
    if not mesh.authorization_policies:
        return ()
    return mesh.once(("predict", "policies", gateway.key), lambda: tuple(_policies_at(mesh, gateway)))


def _policies_at(mesh: Mesh, gateway: Gateway) -> Iterator[AuthorizationPolicy]:
    namespace, labels = mesh.pods_of(gateway)
    known = labels if mesh.knows_pods_of(gateway) else known_labels(labels)
    own = known.get(GATEWAY_NAME)
    for one in mesh.authorization_policies:
        if not one.decides or not is_near(one, namespace):
            continue
        if one.targets is not None:
            # The pods of a Gateway of the Gateway API; others do not have its name.
            if own in one.targets and one.namespace == namespace:
                yield one
        elif (one.selector or {}).items() <= known.items():
            yield one


def authorized(mesh: Mesh, gateway: Gateway, found: Seen) -> Verdict:
    """Whether the pods of a gateway let a request in."""
    policies = policies_at(mesh, gateway)
    elsewhere = [one for one in policies if one.action is Action.CUSTOM]
    if elsewhere and (beyond := _beyond(elsewhere, found, _ports(mesh, gateway, found.request.port))):
        return beyond
    allowing = [one for one in policies if one.action is Action.ALLOW]
    ports = _ports(mesh, gateway, found.request.port) if policies else frozenset()
    denied = [*each_rule((one for one in policies if one.action is Action.DENY), found, ports)]
    if place := next((place for place, taken, _ in denied if taken), None):
        return Verdict(False, place)
    allowed = [*each_rule(allowing, found, ports)]
    by = tuple(place for place, taken, _ in allowed if taken)
    unsure = next(((place, why) for place, taken, why in (*denied, *allowed) if taken is None), None)
    if unsure and (not by or any(taken is None for _, taken, _ in denied)):
        return Verdict(None, *unsure)
    if allowing and not by:
        return Verdict(False, allowing[0].location)
    return Verdict(by=by)


def _beyond(policies: Iterable[AuthorizationPolicy], found: Seen, ports: frozenset[int]) -> Verdict | None:
    """The policy that leaves a request to somebody else, or may."""
    for one in policies:
        if taking := next((place for place, taken, _ in each_rule([one], found, ports) if taken is not False), None):
            return Verdict(None, taking, f"what is made of {one.action}, which is not modelled")
    return None


def each_rule(
    policies: Iterable[AuthorizationPolicy], found: Seen, ports: frozenset[int], has: Tests | None = None
) -> Iterator[tuple[Location, bool | None, str]]:
    """Each rule with whether it takes a request, and on what that depends where it is not known.

    `has` says how the values of each attribute are held against it, where that is not a gateway's way.
    """
    for policy in policies:
        for rule in policy.rules:
            unknown: list[Condition] = []
            taken = _takes(rule, found, ports, unknown, has or HAS)
            yield rule.location, taken, unknown[0].attribute if unknown else ""


def _takes(
    rule: AuthorizationRule, found: Seen, ports: frozenset[int], unknown: list[Condition], has: Tests
) -> bool | None:
    def holds(several: Conditions) -> bool | None:
        return _all([_meets(one, found, ports, unknown, has[one.attribute]) for one in several])

    sources = _any([holds(one) for one in rule.sources]) if rule.sources else True
    operations = _any([holds(one) for one in rule.operations]) if rule.operations else True
    return _all([sources, operations, holds(rule.when)])


def _meets(
    condition: Condition, found: Seen, ports: frozenset[int], unknown: list[Condition], has: Test
) -> bool | None:
    wanted = _any([has(condition, one, found, ports) for one in condition.values]) if condition.values else True
    kept = _any([has(condition, one, found, ports) for one in condition.not_values])
    result = _all([wanted, None if kept is None else not kept])
    if result is None:
        unknown.append(condition)
    return result


def _any(several: Sequence[bool | None]) -> bool | None:
    return True if True in several else None if None in several else False


def _all(several: Sequence[bool | None]) -> bool | None:
    return False if False in several else None if None in several else True


def text_meets(wanted: str, value: str) -> bool:
    """Whether a value is the one wanted, which may have a * at its beginning or its end; `*` is any but none."""
    if wanted == "*":
        return bool(value)
    if wanted.startswith("*"):
        return value.endswith(wanted[1:])
    return value.startswith(wanted[:-1]) if wanted.endswith("*") else value == wanted


def _host(condition: Condition, wanted: str, found: Seen, ports: frozenset[int]) -> bool | None:  # noqa: ARG001
    # The port counts where it stands in the Host header.
    return wanted == "*" or text_meets(wanted.lower(), found.request.authority.lower())


def _method(condition: Condition, wanted: str, found: Seen, ports: frozenset[int]) -> bool | None:  # noqa: ARG001
    return text_meets(wanted, found.request.method)


def _path(condition: Condition, wanted: str, found: Seen, ports: frozenset[int]) -> bool | None:  # noqa: ARG001
    path, pattern = path_only(found.request.path), path_pattern(wanted)
    return re.fullmatch(pattern, path) is not None if pattern else text_meets(wanted, path)


def path_pattern(wanted: str) -> str:
    """The regular expression that a path template stands for; empty for what is none."""
    if "{*}" not in wanted and "{**}" not in wanted:
        return ""
    parts = re.split(r"(\{\*\*?\})", wanted)
    return "".join({"{*}": SEGMENT, "{**}": SEGMENTS}.get(one, re.escape(one)) for one in parts)


def _port(condition: Condition, wanted: str, found: Seen, ports: frozenset[int]) -> bool | None:  # noqa: ARG001
    if int(wanted) not in ports:
        return False
    return True if len(ports) == 1 else None


def _header(condition: Condition, wanted: str, found: Seen, ports: frozenset[int]) -> bool | None:  # noqa: ARG001
    values = found.headers.get(condition.name, ())
    if wanted == "*":
        return bool(values)
    return _any(
        [_drawn(wanted, one, condition) if isinstance(one, Drawn) else text_meets(wanted, one) for one in values]
    )


def _drawn(wanted: str, value: Drawn, condition: Condition) -> bool | None:
    if wanted.startswith("*"):
        return None
    kind, text = (MatchKind.PREFIX, wanted[:-1]) if wanted.endswith("*") else (MatchKind.EXACT, wanted)
    return value.meets(StringMatch(kind, text, condition.location), string_matches)


def _sni(condition: Condition, wanted: str, found: Seen, ports: frozenset[int]) -> bool | None:  # noqa: ARG001
    encrypted = found.request.tls is not None
    return text_meets(wanted, found.request.host.lower() if encrypted else "")


def _identity(condition: Condition, wanted: str, found: Seen, ports: frozenset[int]) -> bool | None:  # noqa: ARG001
    """Without a certificate a client is nobody."""
    return None if CLIENT_CERTIFICATE in found.headers else False


def _claim(condition: Condition, wanted: str, found: Seen, ports: frozenset[int]) -> bool | None:  # noqa: ARG001
    """Without a token there is nobody whom it names; another place for one than these costs the request by itself."""
    query = parse_qsl(found.request.path.partition("?")[2], keep_blank_values=True)
    return None if "authorization" in found.headers or any(name == "access_token" for name, _ in query) else False


def undecidable(condition: Condition, wanted: str, found: Seen, ports: frozenset[int]) -> bool | None:  # noqa: ARG001
    return None


HAS: Tests = {
    Attribute.HOST: _host,
    Attribute.METHOD: _method,
    Attribute.PATH: _path,
    Attribute.PORT: _port,
    Attribute.HEADER: _header,
    Attribute.SNI: _sni,
    Attribute.IDENTITY: _identity,
    Attribute.ADDRESS: undecidable,
    Attribute.DESTINATION: undecidable,
    Attribute.CLAIM: _claim,
    Attribute.METADATA: undecidable,
}


def _ports(mesh: Mesh, gateway: Gateway, number: int) -> frozenset[int]:
    """The ports that a gateway's pods may listen on for one of its Service's; one where that is told."""
    if gateway.listener:
        return frozenset({number})
    namespace, labels = mesh.pods_of(gateway)
    targets = {
        _target(mesh, service, port.target)
        for service, port in mesh.services_on(number)
        if service.namespace == namespace and service.selector and service.selector.items() <= labels.items()
    }
    told = frozenset(one for one in targets if one)
    return told or frozenset({number, STOCK_PORTS.get(number, number)})


def _target(mesh: Mesh, service: Service, target: int | str) -> int:
    """The number of a Service's target port; 0 where no pod has one of that name."""
    if isinstance(target, int):
        return target
    named = (one.number for pod in mesh.behind(service) for one in pod.ports if one.name == target)
    return next(named, 0)
