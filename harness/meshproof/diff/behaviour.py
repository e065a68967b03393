"""What a mesh does with one request, in parts that can be compared: names and places are none of it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import asdict
from fractions import Fraction

from meshproof.border.expectation import Arm, Copy, Expectation, HeaderExpectation, Policy
from meshproof.errors import Location
from meshproof.explain.wording import percent, seconds
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.predict.proxy.retrying import DEFAULT, DEFAULT_ATTEMPTS
from meshproof.records import dataclass

OUTCOME = "outcome"
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is done: `value` is compared, `text` is shown.

    `own` tells that the text is of the request's own making, such as a path: others with another one may change alike.
    """

    value: Hashable
    text: str
    own: bool = False


NONE = Part(None, "none")


def behaviour(mesh: Mesh, expectation: Expectation) -> Mapping[str, Part]:
    """All parts, by what they are about; `outcome` is where a request goes, or how it is answered."""
    parts = {OUTCOME: _outcome(mesh, expectation)}
    if not expectation.arms or expectation.undecided:
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
    hashing = [(_key(mesh, one), one.hashed_by.keys) for one in expectation.arms if one.hashed_by and one.share]
    hashed = ", ".join(dict.fromkeys(str(key) for _, keys in hashing for key in keys))
    parts["hash"] = Part(frozenset(hashing), hashed) if hashing else NONE
    drawn = expectation.dependence or "for each request"
    parts["draw"] = Part(expectation.independent, drawn)
    return {name: part for name, part in parts.items() if not request.is_tcp or name in ("outcome", "draw")}


def policies(mesh: Mesh, expectation: Expectation) -> dict[Hashable, tuple[str, Policy]]:
    """The policy in force for each destination that requests can draw, with the name of the destination."""
    return {_key(mesh, one): (one.destination, one.policy) for one in expectation.arms if one.workloads and one.share}


def policy_changes(one: Policy, other: Policy) -> Iterator[tuple[str, str, str]]:
    """Each setting that differs: its name, and its values."""
    first, second = _settings(one), _settings(other)
    for name in dict.fromkeys((*first, *second)):
        if first.get(name) != second.get(name):
            yield name, _worded(first.get(name)), _worded(second.get(name))


def stated_at(setting: str, policy: Policy) -> Location | None:
    """Where the block of a policy stands that a setting belongs to; None where that is not known."""
    block = {"connectionPool": policy.pool, "outlierDetection": policy.ejection}.get(setting.partition(".")[0])
    return block.location if block else None


def _settings(policy: Policy) -> dict[str, object]:
    balancer = "LEAST_REQUEST" if policy.load_balancer == "UNSPECIFIED" else policy.load_balancer
    found: dict[str, object] = {"loadBalancer": balancer, "protocol to pods": policy.upstream.value}
    for prefix, block in (("connectionPool", policy.pool), ("outlierDetection", policy.ejection)):
        if block is None:
            continue
        values = {name: value for name, value in asdict(block).items() if name != "location" and value is not None}
        # Numbers with a fraction are times.
        texts = {name: seconds(value) if isinstance(value, float) else value for name, value in values.items()}
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
        return Part(("undecided", expectation.undecided), "not to be told")
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
        key = _key(mesh, one)
        shares[key] = shares.get(key, Fraction(0)) + one.share
        names.setdefault(key, one.destination if one.workloads else f"{one.destination} ({one.note})")
    drawn = {key: share for key, share in shares.items() if share}
    text = ", ".join(f"{names[key]} {percent(float(share))}" for key, share in drawn.items())
    return Part(("arms", frozenset(drawn.items())), text)


def _key(mesh: Mesh, one: Arm | Copy) -> Hashable:
    """What a destination really is: its pods and the port of theirs, or what is answered where there are none."""
    if not one.workloads:
        return "nobody", one.status if isinstance(one, Arm) else 0
    service = mesh.service(one.host)
    ports = service.ports if service else ()
    target = next((port.target for port in ports if port.number == one.port), one.port)
    return one.workloads, target


def _drawn(share: Fraction, what: str) -> Part:
    return Part((share, what), f"{what} for {percent(float(share))}") if share else NONE


def _mirrors(mesh: Mesh, copies: Iterable[Copy]) -> Part:
    several = [one for one in copies if one.share]
    value = frozenset((_key(mesh, one), one.share) for one in several)
    return Part(value, ", ".join(f"{one.destination} {percent(float(one.share))}" for one in several) or "none")


def _headers(mesh: Mesh, several: Iterable[Arm], *, request_side: bool) -> Part:
    found: dict[Hashable, str] = {}
    names: dict[Hashable, str] = {}
    for one in several:
        if one.share and one.workloads:
            key = _key(mesh, one)
            found[key] = _shown(one.request_headers if request_side else one.response_headers)
            names[key] = one.destination
    texts = set(found.values())
    if len(texts) <= 1:
        return Part(frozenset(texts - {""}), next(iter(texts), "") or "as they are")
    text = "; ".join(f"{shown or 'as they are'} at {names[key]}" for key, shown in found.items())
    return Part(frozenset(found.items()), text)


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
    return Part((attempts, frozenset(words), each, pause), f"{attempts} on {on}{limit}{rest}")
