"""What of a mesh that is not modelled can touch a request.

A request is proved only where nothing can: what is not understood never counts as understood, and costs
only the requests that it can touch.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from urllib.parse import parse_qsl, urlsplit

from meshproof.border.expectation import Expectation
from meshproof.errors import Location
from meshproof.mesh.coverage.facts import Facts
from meshproof.mesh.model.index import Hosts, by_hosts
from meshproof.mesh.model.kubernetes import Labels, key_of, keys_of, may_carry
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.names import covers
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import (
    Asked,
    Bearing,
    Called,
    Clients,
    Decided,
    Entering,
    Everything,
    Guarded,
    Mentioned,
    Pods,
    Received,
    Role,
    Routed,
    Rule,
    Sent,
    Touches,
    Unmodelled,
)
from meshproof.mesh.model.virtual_service import MESH_GATEWAY
from meshproof.records import dataclass

Pairs = list[tuple[Touches, Unmodelled]]


@dataclass(slots=True)
class Dependencies:
    """The unmodelled parts of a mesh, found by what they touch."""

    mesh: Mesh
    unmodelled: Sequence[Unmodelled]
    _by_rule: dict[Location, Pairs] = field(default_factory=dict)
    _asked: tuple[Pairs, Hosts] = field(default_factory=lambda: ([], by_hosts([])))
    _called: tuple[Pairs, Hosts] = field(default_factory=lambda: ([], by_hosts([])))
    _received: dict[tuple[str, tuple[str, str] | None], Pairs] = field(default_factory=dict)
    _others: Pairs = field(default_factory=list)

    def __post_init__(self) -> None:
        pairs = [(touch, one) for one in self.unmodelled for touch in one.touches]
        asked, called = Pairs(), Pairs()
        for touch, one in pairs:
            if isinstance(touch, Rule):
                self._by_rule.setdefault(touch.location, []).append((touch, one))
            elif isinstance(touch, Asked):
                asked.append((touch, one))
            elif isinstance(touch, Called):
                called.append((touch, one))
            elif isinstance(touch, Received):
                self._received.setdefault((touch.namespace, key_of(touch.labels)), []).append((touch, one))
            else:
                self._others.append((touch, one))
        self._asked = asked, _by_hosts(asked)
        self._called = called, _by_hosts(called)

    def touching(self, found: Facts) -> tuple[Unmodelled, ...]:
        """What can touch a request with these facts, in the order of the manifests."""
        several: list[Unmodelled] = [one for rule in found.rules for _, one in self._by_rule.get(rule, ())]
        pairs, hosts = self._asked
        met = {at for name in found.asked for at in hosts.candidates(name)}
        met |= set(range(len(pairs))) if found.any_host else set()
        several += [pairs[at][1] for at in met if _asks(self.mesh, pairs[at][0], found)]
        pairs, hosts = self._called
        names = {host for host, _ in found.called}
        several += [pairs[at][1] for name in names for at in hosts.candidates(name) if _calls(pairs[at][0], found)]
        keys = {(near, key) for place, own in found.pods[1:] for near in ("", place) for key in keys_of(own)}
        pairs = [pair for key in keys for pair in self._received.get(key, ())]
        several += [one for touch, one in (*pairs, *self._others) if _touches(self.mesh, touch, found)]
        return tuple(sorted(dict.fromkeys(several), key=lambda one: one.location))


def is_idle(meshes: Iterable[Mesh], one: Unmodelled) -> bool:
    """Whether it is about what pods receive alone, and is for none of these meshes but those of gateways.

    So it is of pods without a sidecar: what others send does not depend on them.
    """
    if one.topic == Topic.NO_SIDECAR:
        return True
    if not one.touches or not all(isinstance(touch, Received) for touch in one.touches):
        return False
    for mesh in meshes:
        entered = {pod.key for gateway in mesh.gateways for pod in mesh.serving(gateway)}
        behind = [(pod.namespace, pod.labels) for pod in mesh.workloads if pod.key not in entered]
        received = [touch for touch in one.touches if isinstance(touch, Received)]
        near = ((own, touch) for touch in received for place, own in behind if touch.namespace in ("", place))
        if any(may_carry(own, touch.labels) for own, touch in near):
            return False
    return True


def _by_hosts(pairs: Pairs) -> Hosts:
    return by_hosts([touch.hosts for touch, _ in pairs if isinstance(touch, Asked | Called)])


def _asks(mesh: Mesh, touch: Touches, found: Facts) -> bool:
    if not isinstance(touch, Asked) or not touch.gateways or found.gateway in touch.gateways:
        return isinstance(touch, Asked)
    # What is bound to one Gateway is for requests that enter by another one of the same pods, too.
    own = mesh.gateway(found.gateway)
    return own is not None and any(one and one.may_share_pods(own) for one in map(mesh.gateway, touch.gateways))


def _calls(touch: Touches, found: Facts) -> bool:
    return isinstance(touch, Called) and any(
        (touch.port is None or touch.port == port) and any(covers(one, host) for one in touch.hosts)
        for host, port in found.called
    )


def _touches(mesh: Mesh, touch: Touches, found: Facts) -> bool:
    match touch:
        case Everything():
            return True
        case Pods(namespace, labels, roles):
            meeting = any(_is_of(pod, namespace, labels) for pod in _meeting(found, roles))
            return meeting or (Role.LETS_IN in roles and _may_serve(mesh, touch, found.gateway))
        case Received(namespace, _, labels):
            near = (own for place, own in found.pods[1:] if namespace in ("", place))
            return any(may_carry(own, labels) for own in near) and _may_be_refused(mesh, touch, found)
        case Bearing(those, headers, parameters):
            meets = _touches(mesh, those, found) or _calls(those, found)
            return meets and (found.expectation is None or _bears(found.expectation, headers, parameters))
        case Guarded():
            return _may_be_dropped(mesh, touch, found)
        case Clients(namespace, labels, port):
            here = found.gateway == MESH_GATEWAY and port in (None, found.port)
            return here and _is_of(found.client, namespace, labels)
        case Routed(hosts, namespace, exported, ports):
            here = found.gateway == MESH_GATEWAY and (not ports or found.port in ports)
            return here and _has_routes(mesh, found, hosts, namespace, exported)
        case Entering(key, port, alone, hosts):
            here = found.gateway != MESH_GATEWAY and port in (None, found.port)
            return here and _asks_for(hosts, found) and _same_pods(mesh, key, found.gateway, alone=alone)
        case Sent(hosts, entering):
            here = not entering or found.gateway != MESH_GATEWAY
            return here and not found.sent.isdisjoint(hosts)
        case Decided(location):
            return location == found.decided
        case Mentioned(words):
            return not (words.isdisjoint(found.words) and words.isdisjoint(_words_of_pods(mesh, found.gateway)))
        case _:
            return False


def _may_be_dropped(mesh: Mesh, guard: Guarded, found: Facts) -> bool:
    from meshproof.mesh.coverage.guarded import is_open, may_be_dropped

    serving = _may_serve(mesh, guard, found.gateway)
    return (serving and not is_open(guard, guard.namespace, guard.labels)) or may_be_dropped(mesh, guard, found)


def _has_routes(mesh: Mesh, found: Facts, hosts: tuple[str, ...], namespace: str, exported: tuple[str, ...]) -> bool:
    from meshproof.mesh.predict.sidecar import imports_routes
    from meshproof.mesh.predict.visibility import sees

    place, labels = found.client
    return sees(place, exported, namespace) and imports_routes(mesh, place, labels, namespace, hosts)


def _bears(expectation: Expectation, headers: frozenset[str], parameters: frozenset[str]) -> bool:
    """Whether a request carries any of these, or may by what its rule changes."""
    request = expectation.request
    if request.is_tcp:
        return False
    changes = [arm.request_headers for arm in expectation.arms]
    changed = (name for one in changes for name, _ in (*one.exact, *one.added, *one.untold))
    names = {name.lower() for name, _ in request.headers} | {name.lower() for name in changed}
    queries = (urlsplit(path).query for path in (request.path, expectation.path or ""))
    given = {name for one in queries for name, _ in parse_qsl(one, keep_blank_values=True)}
    return not (names.isdisjoint(headers) and given.isdisjoint(parameters))


def _words_of_pods(mesh: Mesh, key: str) -> frozenset[str]:
    """What names the pods of a Gateway: the values by which they are selected, and the Gateways that may share them."""
    gateway = mesh.gateway(key)
    if gateway is None:
        return frozenset()
    names = ("coverage", "words of pods", *sorted(gateway.selector.items()))
    values = (value.lower() for value in gateway.selector.values())
    return mesh.once(
        names, lambda: frozenset((*values, *(one.name for one in mesh.gateways if one.may_share_pods(gateway))))
    )


def _asks_for(hosts: tuple[str, ...], found: Facts) -> bool:
    """Whether a request asks for one of these hosts (none: for whatever it asks), by its name or its handshake."""
    asked = {*found.asked, *([found.expectation.request.host.lower()] if found.expectation else ())}
    return not hosts or found.any_host or any(covers(one, name) for one in hosts for name in asked)


def _meeting(found: Facts, roles: frozenset[Role]) -> Sequence[tuple[str, Labels]]:
    """The pods that meet a request in one of these roles."""
    first = Role.SENDS if found.gateway == MESH_GATEWAY else Role.LETS_IN
    return (*(found.pods[:1] if first in roles else ()), *(found.pods[1:] if Role.RECEIVES in roles else ()))


def _may_be_refused(mesh: Mesh, received: Received, found: Facts) -> bool:
    from meshproof.mesh.coverage.received import may_be_refused

    return may_be_refused(mesh, received, found)


def _is_of(pod: tuple[str, Labels], namespace: str, labels: Labels) -> bool:
    return namespace in ("", pod[0]) and labels.items() <= pod[1].items()


def _may_serve(mesh: Mesh, touch: Pods | Guarded, key: str) -> bool:
    """Whether pods that are selected by labels may be those of a Gateway of which the manifests hold none.

    They carry more labels than the Gateway names; those that other pods here carry are taken as meant for these.
    """
    gateway = mesh.gateway(key)
    if gateway is None or not touch.labels or mesh.knows_pods_of(gateway):
        return False
    wanted = touch.labels.items()
    if any(gateway.selector.get(name, value) != value for name, value in wanted):
        return False
    return not mesh.once(
        ("selected", touch.namespace, *sorted(wanted)),
        lambda: any(_is_of((one.namespace, one.labels), touch.namespace, touch.labels) for one in mesh.workloads),
    )


def _same_pods(mesh: Mesh, key: str, other: str, *, alone: bool) -> bool:
    """Whether two Gateways may be served by the same pods; one that is not known may be, unless it has its own."""
    one, two = mesh.gateway(key), mesh.gateway(other)
    if alone and two is not None and two.owner:
        return two.owner == key
    if key == other or one is None or two is None:
        return True
    return one.may_share_pods(two)
