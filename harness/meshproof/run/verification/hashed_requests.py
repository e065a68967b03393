"""Requests with many keys, for destinations whose pods are chosen by a hash (`consistentHash`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from urllib.parse import quote

from meshproof.border.expectation import Arm, Expectation
from meshproof.border.load import Load
from meshproof.border.request import HashKey, Request, Tls
from meshproof.judge import ConsistentHash
from meshproof.manifest import Notice
from meshproof.run.prepare import Prepared
from meshproof.run.verification.companion import companion
from meshproof.run.verification.faults import USERS
from meshproof.run.verification.specification import Specification
from meshproof.scenario import Scenario

# A prime number: what takes pods in turn gives a key that comes again another one, however many pods there are.
KEYS = 41
VALUE = "meshproof-{}"


def prepare_hashed(
    specification: Specification, samples: Iterable[Expectation]
) -> tuple[Prepared | None, tuple[Notice, ...]]:
    """The load that shows the hashed choices among what these samples reach; and what of them nothing shows."""
    found: dict[Request, Expectation] = {}
    notices: list[Notice] = []
    for one in samples:
        hashed = [arm for arm in one.arms if arm.hashed_by and arm.share and arm.workloads]
        if not hashed:
            continue
        if one.request.gateway and not specification.probed:
            text = "who answers what enters by a gateway is not told here: that a hash chooses the pod is not verified"
            notices.append(Notice(one.route or hashed[0].location, text))
            continue
        if any(_shows(arm) for arm in hashed):
            found |= {each.request: each for each in _with_keys(specification, one, hashed)}
        for arm in hashed:
            if not _shows(arm):
                text = f"one pod stands behind {arm.destination}: it gets every request, whatever is hashed"
                notices.append(Notice(arm.location, text))
    return _prepared(specification, list(found.values())), tuple(dict.fromkeys(notices))


def keyed(request: Request, keys: Sequence[HashKey], value: str) -> Request:
    """The request with this value for each of the keys that it can say by itself."""
    for key in keys:
        match key.kind:
            case "query parameter":
                path, _, query = request.path.partition("?")
                kept = [part for part in query.split("&") if part and part.partition("=")[0] != key.name]
                request = replace(request, path=f"{path}?{'&'.join([*kept, f'{quote(key.name)}={value}'])}")
            case "cookie":
                several = [pair for name, pair in request.headers if name == "cookie"]
                pairs = [one.strip() for text in several for one in text.split(";")]
                kept = [one for one in pairs if one.partition("=")[0] != key.name]
                request = _with(request, "cookie", "; ".join([*kept, f"{key.name}={value}"]))
            case "header" if not key.name.startswith(":") and key.name != "host":
                request = _with(request, key.name, value)
    return request


def _with(request: Request, name: str, value: str) -> Request:
    kept = tuple(pair for pair in request.headers if pair[0] != name)
    return replace(request, headers=(*kept, (name, value)))


def _shows(arm: Arm) -> bool:
    """Whether anything of the choice can be seen: several pods, or a cookie that the proxy gives."""
    hashed = arm.hashed_by
    return hashed is not None and (hashed.pods > 1 or any(key.ttl is not None for key in hashed.keys))


def _with_keys(specification: Specification, one: Expectation, hashed: Sequence[Arm]) -> Iterator[Expectation]:
    """What is specified for the sample itself and for it with many keys, as far as the same destinations get it."""
    keys = list(dict.fromkeys(key for arm in hashed for key in (arm.hashed_by.keys if arm.hashed_by else ())))
    several = KEYS if any(arm.hashed_by and arm.hashed_by.pods > 1 for arm in hashed) else 0
    requests = [one.request, *(keyed(one.request, keys, VALUE.format(number)) for number in range(several))]
    for request in dict.fromkeys(requests):
        found = specification.expectation(request)
        if _choice(found) == _choice(one) and not specification.touching(found):
            yield found


def _choice(one: Expectation) -> tuple[object, ...]:
    return one.route, one.status, one.refused, [(arm.destination, arm.share, arm.hashed_by) for arm in one.arms]


def _prepared(specification: Specification, several: Sequence[Expectation]) -> Prepared | None:
    if not several:
        return None
    users = USERS if any(one.delay for one in several) else Load("steady", "").users
    scenario = Scenario(
        name="consistent-hash",
        description="Requests with one and the same key reach one and the same pod.",
        manifests=specification.files,
        load=Load("steady", tuple(one.request for one in several), users=users, tls=specification.tls or Tls()),
        expect=(ConsistentHash(),),
    )
    return companion(specification, scenario)
