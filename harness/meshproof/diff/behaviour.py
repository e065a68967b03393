"""What a mesh does with one request, in parts that can be compared: names and places are none of it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import asdict
from fractions import Fraction

from meshproof.border.expectation import (
    Arm,
    Copy,
    Ejection,
    Expectation,
    HeaderExpectation,
    Policy,
    Pool,
    RetryBudget,
)
from meshproof.diff.changed import without_places
from meshproof.diff.destinations import BEHIND, behind, hashed
from meshproof.diff.part import NONE, Part, key_of, several, target_of
from meshproof.errors import Location
from meshproof.explain import wording
from meshproof.explain.wording import percent, seconds
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.virtual_service import HttpRoute
from meshproof.mesh.predict.proxy.retrying import DEFAULT, DEFAULT_ATTEMPTS

OUTCOME = "outcome"
OF_CONNECTIONS = frozenset({OUTCOME, "draw", *BEHIND})
PERCENT = "percent"
NOT_FOUND = 404
# A place, and what follows from another setting.
UNSAID = ("location", "multiplexed")


def behaviour(mesh: Mesh, expectation: Expectation) -> Mapping[str, Part]:
    """All parts, by what they are about; `outcome` is where a request goes, or how it is answered."""
    parts = {OUTCOME: _outcome(mesh, expectation)}
    if not expectation.arms:
        return parts
    request = expectation.request
    delay, abort = expectation.delay, expectation.abort
    parts["delay"] = _drawn(delay.share, seconds(delay.seconds)) if delay else NONE
    said = f" (grpc-status {abort.grpc_status})" if abort and abort.grpc_status is not None else ""
    parts["abort"] = _drawn(abort.share, f"{abort.status}{said}") if abort else NONE
    parts["mirrors"] = _mirrors(mesh, expectation.copies)
    parts["path"] = Part(expectation.path, expectation.path, own=True)
    parts["Host header"] = Part(expectation.authority, expectation.authority)
    parts["headers of the request"] = _headers(mesh, expectation.arms, request_side=True)
    parts["headers of the answer"] = _headers(mesh, expectation.arms, request_side=False)
    parts["timeout"] = Part(expectation.timeout, seconds(expectation.timeout) if expectation.timeout else "none")
    parts["retries"] = _retries(expectation)
    parts["hash"] = hashed(mesh, expectation.arms)
    parts |= behind(mesh, expectation.arms)
    drawn = expectation.dependence or "for each request"
    parts["draw"] = Part(expectation.independent, drawn)
    return {name: part for name, part in parts.items() if not request.is_tcp or name in OF_CONNECTIONS}


def policies(mesh: Mesh, expectation: Expectation) -> dict[Hashable, tuple[str, Policy]]:
    """The policy in force for each destination that requests can draw, with the name of the destination."""
    return {key_of(mesh, one): (one.destination, one.policy) for one in expectation.arms if one.workloads and one.share}


def policy_changes(one: Policy, other: Policy) -> Iterator[tuple[str, str, str]]:
    """Each setting that differs: its name, and its values."""
    first, second = _settings(one), _settings(other)
    for name in dict.fromkeys((*first, *second)):
        if first.get(name) != second.get(name):
            yield name, _worded(first.get(name)), _worded(second.get(name))


def stated_at(setting: str, policy: Policy) -> Location | None:
    """Where the block of a policy stands that a setting belongs to; None where that is not known."""
    if setting == "warmup":
        return policy.warmup.location if policy.warmup else None
    block = dict(_blocks(policy)).get(setting.partition(".")[0])
    return block.location if block else None


def _blocks(policy: Policy) -> Iterator[tuple[str, Pool | Ejection | RetryBudget | None]]:
    yield from (("connectionPool", policy.pool), ("outlierDetection", policy.ejection))
    yield "retryBudget", policy.retry_budget


def _settings(policy: Policy) -> dict[str, object]:
    balancer = "LEAST_REQUEST" if policy.load_balancer == "UNSPECIFIED" else policy.load_balancer
    found: dict[str, object] = {"loadBalancer": balancer, "protocol to pods": policy.upstream.value}
    found["TLS between proxies"] = "off" if policy.plain_text else "by Istio's default"
    if policy.warmup:
        one = policy.warmup
        found["warmup"] = f"{seconds(one.seconds)} from {one.minimum:g} %, aggression {one.aggression:g}"
    for prefix, block in _blocks(policy):
        if block is None:
            continue
        values = {name: value for name, value in asdict(block).items() if name not in UNSAID and value is not None}
        # Numbers with a fraction are times.
        texts = {
            name: value if not isinstance(value, float) else f"{value:g}" if name == PERCENT else seconds(value)
            for name, value in values.items()
        }
        found |= {f"{prefix}.{_camel(name)}": value for name, value in texts.items()}
    return found


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _worded(value: object) -> str:
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _outcome(mesh: Mesh, expectation: Expectation) -> Part:
    if expectation.undecided:
        said = "; ".join(one.localities.said for one in expectation.arms if one.localities and one.localities.said)
        rule = _rule(mesh, expectation.route)
        detail = expectation.undecided + (f", as the rule at {expectation.route} has it" if rule else "")
        unknown = ("undecided", wording.without_places(expectation.undecided), said, rule)
        return Part(unknown, f"not to be told{f' ({said})' if said else ''}", detail=detail)
    if expectation.refused:
        return Part(("refused", expectation.refused), f"its {expectation.refused} is refused")
    if expectation.redirect:
        found = expectation.redirect
        own = _shown(expectation.headers)
        return Part(("redirect", found.status, found.target, own), f"{found.status} to {found.target}", own=True)
    if expectation.status:
        body = f" with the body {expectation.body!r}" if expectation.body else ""
        own = _shown(expectation.headers)
        why = f" ({expectation.note})" if expectation.note and expectation.status != NOT_FOUND else ""
        by = "" if expectation.route else f" by the proxy{why}"
        value = ("status", expectation.status, expectation.body, own)
        return Part(value, f"{expectation.status}{by}{body}{f' with {own}' if own else ''}")
    shares: dict[Hashable, Fraction] = {}
    names: dict[Hashable, str] = {}
    for one in expectation.arms:
        key = key_of(mesh, one)
        shares[key] = shares.get(key, Fraction(0)) + one.share
        names.setdefault(key, one.destination if one.workloads else f"{one.destination} ({one.note})")
    drawn = {key: share for key, share in shares.items() if share}
    text = ", ".join(f"{names[key]} {percent(float(share))}" for key, share in drawn.items())
    called = [one for one in expectation.arms if one.share]
    pods = (f"{', '.join(sorted(one.workloads))} on port {target_of(mesh, one)}" for one in called)
    return Part(("arms", frozenset(drawn.items())), text, detail="; ".join(dict.fromkeys(pods)))


def _rule(mesh: Mesh, place: Location | None) -> object:
    """The rule at a place, without its place."""

    def made() -> dict[Location, HttpRoute]:
        return {one.location: one for each in mesh.virtual_services for one in each.http}

    return without_places(mesh.once(("diff", "rules"), made).get(place)) if place else None


def _drawn(share: Fraction, what: str) -> Part:
    return Part((share, what), f"{what} for {percent(float(share))}") if share else NONE


def _mirrors(mesh: Mesh, copies: Iterable[Copy]) -> Part:
    drawn = [one for one in copies if one.share]
    value = frozenset((key_of(mesh, one), one.share) for one in drawn)
    return Part(value, ", ".join(f"{one.destination} {percent(float(one.share))}" for one in drawn) or "none")


def _headers(mesh: Mesh, arms: Iterable[Arm], *, request_side: bool) -> Part:
    found: dict[Hashable, str] = {}
    names: dict[Hashable, str] = {}
    for one in arms:
        if one.share and one.workloads:
            key = key_of(mesh, one)
            found[key] = _shown(one.request_headers if request_side else one.response_headers)
            names[key] = one.destination
    return several(found, names, "as they are")


def _shown(headers: HeaderExpectation) -> str:
    parts = [f"{name}: {value}" for name, value in sorted(headers.exact)]
    parts += [f"{name}: … and {value}" for name, value in sorted(headers.added)]
    parts += [f"no {name}" for name in sorted(headers.absent)]
    return ", ".join(parts)


def _retries(expectation: Expectation) -> Part:
    found = expectation.retries
    attempts = DEFAULT_ATTEMPTS if found is None else found.attempts
    if not attempts:
        return NONE
    words = {word.strip() for word in (found.retry_on if found and found.retry_on else ",".join(DEFAULT)).split(",")}
    each, pause = (found.per_try_timeout, found.back_off) if found else (None, None)
    on = "Istio's default" if words == set(DEFAULT) else ",".join(sorted(words))
    limit = f", {seconds(each)} for each try" if each else ""
    rest = f", pauses from {seconds(pause)}" if pause else ""
    hashing = any(one.hashed_by for one in expectation.arms)
    # A pod that was tried is left out by istiod's default, unless a hash chooses it.
    ignoring = found.ignore_previous_hosts if found else None
    again = hashing if ignoring is None else not ignoring
    remote = found is not None and found.remote_localities
    where = f"{', on the same pod too' if again else ''}{', in further localities' if remote else ''}"
    return Part((attempts, frozenset(words), each, pause, again, remote), f"{attempts} on {on}{limit}{rest}{where}")
