"""Whom pods let in, where AuthorizationPolicies of either side differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.border.expectation import Expectation
from meshproof.border.request import Request
from meshproof.border.source import Source
from meshproof.diff.changed import without_places
from meshproof.diff.part import Part
from meshproof.errors import Location
from meshproof.language.words import Words
from meshproof.mesh.coverage.facts import facts
from meshproof.mesh.model.kubernetes import Service, Workload, may_carry
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.authorization import AuthorizationPolicy, is_near

LET_IN = "authorization"
Differing = Sequence[tuple[Mesh, AuthorizationPolicy]]


def differing_policies(old: Mesh, new: Mesh) -> Differing:
    """The policies for pods that one side has and the other has not, each with its mesh."""
    found: list[tuple[Mesh, AuthorizationPolicy]] = []
    for mesh, other in ((old, new), (new, old)) if old.authorization_policies or new.authorization_policies else ():
        known = {repr(without_places(one)) for one in other.authorization_policies}
        own = (one for one in mesh.authorization_policies if one.decides and one.targets is None)
        found += [(mesh, one) for one in own if repr(without_places(one)) not in known]
    return found


def named(mesh: Mesh, policy: AuthorizationPolicy) -> tuple[Source, ...]:
    """The workloads that a policy names."""
    from meshproof.mesh.requests.clients.let_in import named_by_policies

    return named_by_policies(mesh, (policy,))


def guarded(mesh: Mesh, policy: AuthorizationPolicy, services: Sequence[Service]) -> list[Service]:
    """The Services with pods that a policy is for."""
    near = (one for one in services if is_near(policy, one.namespace))
    return [one for one in near if any(_selects(policy, pod) for pod in mesh.selected(one.host))]


def asked(policy: AuthorizationPolicy, plain: Sequence[Request]) -> Iterator[Request]:
    """Requests like these that meet what the rules of a policy ask for."""
    from meshproof.mesh.requests.authorization import adapted, route_matches

    matches = [match for rule in policy.rules for match in route_matches(rule)]
    return (adapted(one, match) for match in matches for one in plain if not one.is_tcp)


def let_in(mesh: Mesh, expectation: Expectation, client: Source, words: Words) -> Part:
    """Whether the pods that a request reaches let it in from this client."""
    from meshproof.mesh.coverage.received import let_in as by_policies

    found = by_policies(mesh, facts(mesh, expectation, client))
    said = {
        True: words("let in"),
        False: words("connection ended") if expectation.request.is_tcp else words("refused with 403"),
        None: words("not to be told"),
    }
    return Part(found, said[found])


def place_of(several: Differing, mesh: Mesh, expectation: Expectation) -> Location | None:
    """Where the last of the policies stands that are for pods which a request reaches: one of the new side, if any."""
    keys = (key for one in expectation.arms for key in one.workloads)
    pods = [pod for key in keys if (pod := mesh.workload(key))]
    return next((one.location for _, one in reversed(several) if any(_selects(one, pod) for pod in pods)), None)


def _selects(policy: AuthorizationPolicy, pod: Workload) -> bool:
    return is_near(policy, pod.namespace) and may_carry(pod.labels, policy.selector or {})
