"""What a mesh does with one request, in parts that can be compared: names and places are none of it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import asdict
from fractions import Fraction
from itertools import chain

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
from meshproof.diff.entrance import ENTERED, SERVED, entered, served
from meshproof.diff.part import Part, key_of, none, several, target_of
from meshproof.errors import Location
from meshproof.explain import wording
from meshproof.explain.wording import percent, seconds
from meshproof.language.words import ENGLISH, Words
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.security.authorization import AuthorizationPolicy, AuthorizationRule
from meshproof.mesh.model.virtual_service import HttpRoute, TcpRoute
from meshproof.mesh.predict.proxy.retrying import DEFAULT, DEFAULT_ATTEMPTS

Rule = HttpRoute | TcpRoute | AuthorizationPolicy

OUTCOME = "outcome"
OF_CONNECTIONS = frozenset({OUTCOME, "draw", ENTERED, SERVED, *BEHIND})
PERCENT = "percent"
NOT_FOUND = 404
# A place, and what follows from another setting.
UNSAID = ("location", "multiplexed")


def behaviour(mesh: Mesh, expectation: Expectation, words: Words = ENGLISH) -> Mapping[str, Part]:
    """All parts, by what they are about; `outcome` is where a request goes, or how it is answered."""
    parts = {OUTCOME: _outcome(mesh, expectation, words)}
    if not expectation.arms:
        return parts
    request = expectation.request
    delay, abort = expectation.delay, expectation.abort
    parts["delay"] = _drawn(delay.share, seconds(delay.seconds), words) if delay else none(words)
    said = f" (grpc-status {abort.grpc_status})" if abort and abort.grpc_status is not None else ""
    parts["abort"] = _drawn(abort.share, f"{abort.status}{said}", words) if abort else none(words)
    parts["mirrors"] = _mirrors(mesh, expectation.copies, words)
    parts["path"] = Part(expectation.path, expectation.path, own=True)
    parts["Host header"] = Part(expectation.authority, expectation.authority)
    parts["headers of the request"] = _headers(mesh, expectation.arms, words, request_side=True)
    parts["headers of the answer"] = _headers(mesh, expectation.arms, words, request_side=False)
    limit = seconds(expectation.timeout) if expectation.timeout else words("none")
    parts["timeout"] = Part(expectation.timeout, limit)
    parts["retries"] = _retries(expectation, words)
    parts["hash"] = hashed(mesh, expectation.arms, words)
    parts |= behind(mesh, expectation.arms, words)
    parts[ENTERED] = entered(mesh, request, words)
    parts[SERVED] = served(mesh, request, words)
    drawn = expectation.dependence or words("for each request")
    parts["draw"] = Part(expectation.independent, drawn)
    return {name: part for name, part in parts.items() if not request.is_tcp or name in OF_CONNECTIONS}


def policies(mesh: Mesh, expectation: Expectation) -> dict[Hashable, tuple[str, Policy]]:
    """The policy in force for each destination that requests can draw, with the name of the destination."""
    return {key_of(mesh, one): (one.destination, one.policy) for one in expectation.arms if one.workloads and one.share}


def policy_changes(one: Policy, other: Policy, words: Words) -> Iterator[tuple[str, str, str]]:
    """Each setting that differs: its name, and its values."""
    first, second = _settings(one, words), _settings(other, words)
    for name in dict.fromkeys((*first, *second)):
        if first.get(name) != second.get(name):
            yield name, _worded(first.get(name), words), _worded(second.get(name), words)


def called(setting: str, words: Words) -> str:
    """A setting by its name: those that YAML has keep it."""
    told = {
        "protocol to pods": words("protocol to pods"),
        "TLS between proxies": words("TLS between proxies"),
    }
    return told.get(setting, setting)


def stated_at(setting: str, policy: Policy) -> Location | None:
    """Where the block of a policy stands that a setting belongs to; None where that is not known."""
    if setting == "warmup":
        return policy.warmup.location if policy.warmup else None
    block = dict(_blocks(policy)).get(setting.partition(".")[0])
    return block.location if block else None


def _blocks(policy: Policy) -> Iterator[tuple[str, Pool | Ejection | RetryBudget | None]]:
    yield from (("connectionPool", policy.pool), ("outlierDetection", policy.ejection))
    yield "retryBudget", policy.retry_budget


def _settings(policy: Policy, words: Words) -> dict[str, object]:
    balancer = "LEAST_REQUEST" if policy.load_balancer == "UNSPECIFIED" else policy.load_balancer
    found: dict[str, object] = {"loadBalancer": balancer, "protocol to pods": policy.upstream.value}
    found["TLS between proxies"] = words("off") if policy.plain_text else words("by Istio's default")
    if policy.warmup:
        one = policy.warmup
        start, how = f"{one.minimum:g} %", f"{one.aggression:g}"
        text = words("{time} from {share}, aggression {how}", time=seconds(one.seconds), share=start, how=how)
        found["warmup"] = text
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


def _worded(value: object, words: Words) -> str:
    if value is None:
        return words("none")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _outcome(mesh: Mesh, expectation: Expectation, words: Words) -> Part:
    if expectation.undecided:
        said = "; ".join(one.localities.said for one in expectation.arms if one.localities and one.localities.said)
        rule = _rule(mesh, expectation.route)
        detail = expectation.undecided
        detail += words(", as the rule at {place} has it", place=expectation.route) if rule else ""
        detail += _policy(mesh, expectation.route)
        unknown = ("undecided", wording.without_places(expectation.undecided), said, rule)
        return Part(unknown, f"{words('not to be told')}{f' ({said})' if said else ''}", detail=detail)
    if expectation.refused:
        steps = {"connection": words("connection"), "handshake": words("handshake")}
        step = steps.get(expectation.refused, expectation.refused)
        return Part(("refused", expectation.refused), words("its {step} is refused", step=step))
    if expectation.redirect:
        found = expectation.redirect
        own = _shown(expectation.headers, ENGLISH)
        text = words("{status} to {target}", status=found.status, target=found.target)
        return Part(("redirect", found.status, found.target, own), text, own=True)
    if expectation.status:
        why = f" ({expectation.note})" if expectation.note and expectation.status != NOT_FOUND else ""
        text = str(expectation.status)
        if not expectation.route:
            text = words("{status} by the proxy", status=text) + why
        text += words(" with the body {body}", body=repr(expectation.body)) if expectation.body else ""
        headers = _shown(expectation.headers, words)
        text += words(" with {what}", what=headers) if headers else ""
        return Part(("status", expectation.status, expectation.body, _shown(expectation.headers, ENGLISH)), text)
    shares: dict[Hashable, Fraction] = {}
    names: dict[Hashable, str] = {}
    for one in expectation.arms:
        key = key_of(mesh, one)
        shares[key] = shares.get(key, Fraction(0)) + one.share
        names.setdefault(key, one.destination if one.workloads else f"{one.destination} ({one.note})")
    drawn = {key: share for key, share in shares.items() if share}
    text = ", ".join(f"{names[key]} {percent(float(share))}" for key, share in drawn.items())
    called = [one for one in expectation.arms if one.share]
    pods = (
        words("{pods} on port {port}", pods=", ".join(sorted(one.workloads)), port=target_of(mesh, one))
        for one in called
    )
    return Part(("arms", frozenset(drawn.items())), text, detail="; ".join(dict.fromkeys(pods)))


def _policy(mesh: Mesh, place: Location | None) -> str:
    """What a policy asks for in the words of its YAML, where it is one that has a place."""
    found = next((one for one in mesh.authorization_policies if place in (one.location, *one.places)), None)
    rules = (" and ".join(_asked(one)) for one in found.rules) if found else ()
    return f" ({found.action}: {' or '.join(one for one in rules if one)})" if found else ""


def _asked(rule: AuthorizationRule) -> Iterator[str]:
    for one in (*chain.from_iterable((*rule.sources, *rule.operations)), *rule.when):
        yield " not ".join([f"{one.key} {', '.join(one.values)}".rstrip(), *filter(None, [", ".join(one.not_values)])])


def _rule(mesh: Mesh, place: Location | None) -> object:
    """The rule at a place, be it that of a policy, without its place."""

    def made() -> dict[Location, Rule]:
        policies = mesh.authorization_policies
        found: dict[Location, Rule] = {place: one for one in policies for place in (one.location, *one.places)}
        return found | {one.location: one for each in mesh.virtual_services for one in each.rules}

    return without_places(mesh.once(("diff", "rules"), made).get(place)) if place else None


def _drawn(share: Fraction, what: str, words: Words) -> Part:
    if not share:
        return none(words)
    return Part((share, what), words("{what} for {share}", what=what, share=percent(float(share))))


def _mirrors(mesh: Mesh, copies: Iterable[Copy], words: Words) -> Part:
    drawn = [one for one in copies if one.share]
    value = frozenset((key_of(mesh, one), one.share) for one in drawn)
    text = ", ".join(f"{one.destination} {percent(float(one.share))}" for one in drawn)
    return Part(value, text or words("none"))


def _headers(mesh: Mesh, arms: Iterable[Arm], words: Words, *, request_side: bool) -> Part:
    found: dict[Hashable, str] = {}
    names: dict[Hashable, str] = {}
    for one in arms:
        if one.share and one.workloads:
            key = key_of(mesh, one)
            found[key] = _shown(one.request_headers if request_side else one.response_headers, words)
            names[key] = one.destination
    return several(found, names, words("as they are"), words)


def _shown(headers: HeaderExpectation, words: Words) -> str:
    parts = [f"{name}: {value}" for name, value in sorted((*headers.exact, *headers.untold))]
    parts += [words("{name}: … and {value}", name=name, value=value) for name, value in sorted(headers.added)]
    parts += [words("no {header}", header=name) for name in sorted(headers.absent)]
    return ", ".join(parts)


def _retries(expectation: Expectation, words: Words) -> Part:
    found = expectation.retries
    attempts = DEFAULT_ATTEMPTS if found is None else found.attempts
    if not attempts:
        return none(words)
    written = found.retry_on if found and found.retry_on else ",".join(DEFAULT)
    conditions = {word.strip() for word in written.split(",")}
    each, pause = (found.per_try_timeout, found.back_off) if found else (None, None)
    on = words("Istio's default") if conditions == set(DEFAULT) else ",".join(sorted(conditions))
    text = words("{n} on {what}", n=attempts, what=on)
    text += words(", {time} for each try", time=seconds(each)) if each else ""
    text += words(", pauses from {time}", time=seconds(pause)) if pause else ""
    hashing = any(one.hashed_by for one in expectation.arms)
    # A pod that was tried is left out by istiod's default, unless a hash chooses it.
    ignoring = found.ignore_previous_hosts if found else None
    again = hashing if ignoring is None else not ignoring
    remote = found is not None and found.remote_localities
    text += words(", on the same pod too") if again else ""
    text += words(", in further localities") if remote else ""
    return Part((attempts, frozenset(conditions), each, pause, again, remote), text)
