"""What is predicted of a request, held against what the suite wants."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from conformance_asked import NAMING, Asked
from meshproof.border.expectation import Arm, Expectation, HeaderExpectation
from meshproof.border.grpc import STATUS_HEADER
from meshproof.judge.own_answer import unreachable

OK, NO_CONTENT, TIMED_OUT, UNAVAILABLE, FAILED = 200, 204, 504, 503, 400
REDIRECTS = range(300, 400)
PORTS = {"http": ("80", ""), "https": ("443", "")}
GATEWAY_ERRORS = ("502", "503", "504")
CONDITIONS = {"gateway-error": GATEWAY_ERRORS}


def differences(asked: Asked, found: Expectation) -> Iterator[str]:
    """In what a prediction is not what the suite wants."""
    wanted = asked.expected
    if found.undecided:
        yield f"undecided: {found.undecided}"
    elif asked.fails:
        if not fails(found):
            yield f"a failure is wanted, not {_shown(found)}"
    elif found.refused:
        yield f"an answer is wanted, and the {found.refused} is refused: {found.note}"
    elif NAMING in wanted:
        yield from _named(found, wanted[NAMING])
    elif "WebSocket" in wanted or asked.request.is_tcp:
        yield from _reached(asked, found)
    elif "EchoRequest" in wanted:
        yield from _called(asked, found)
    else:
        yield from _answered(asked, found)


def _answered(asked: Asked, found: Expectation) -> Iterator[str]:
    wanted = asked.expected
    statuses = {*(wanted["Response"]["StatusCodes"] or ()), wanted["Response"]["StatusCode"]} - {0} or {OK}
    said = _status(asked, found)
    if said and said not in statuses:
        yield f"{' or '.join(map(str, sorted(statuses)))} is wanted, not {said}: {_shown(found)}"
    elif said in REDIRECTS and wanted["RedirectRequest"]:
        yield from _redirected(asked, found)
    elif found.status in (OK, NO_CONTENT):
        yield from _headers("answer", wanted["Response"], found.headers, {})
    elif not said:
        yield from _reached(asked, found)
        yield from _arrived(asked, found)
        if not statuses & {OK, NO_CONTENT}:
            yield f"{' or '.join(map(str, sorted(statuses)))} is wanted, not {_shown(found)}"


def _status(asked: Asked, found: Expectation) -> int:
    """The status that is not a pod's usual answer; 0 for that one."""
    if found.status:
        return found.status
    query = parse_qs(urlsplit(asked.request.path).query)
    if "delay" in query and found.timeout is not None and found.timeout < float(query["delay"][0].removesuffix("s")):
        return TIMED_OUT
    if "responseCode" in query:
        code, failures = query["responseCode"][0], int(query["succeedAfter"][0])
        retries = found.retries
        words = re.split(r",", retries.retry_on) if retries else []
        retried = any(word == code or code in CONDITIONS.get(word, ()) for word in words)
        return 0 if retries and retried and retries.attempts >= failures else int(code)
    several = [one for one in found.arms if one.share]
    return next((one.status or UNAVAILABLE for one in several if not one.workloads), 0)


def fails(found: Expectation) -> bool:
    """Whether an error is predicted, or no answer."""
    return bool(found.refused) or found.status >= FAILED or all(not one.workloads for one in found.arms if one.share)


def _shown(found: Expectation) -> str:
    if found.status:
        return f"{found.status} ({found.note})"
    return " or ".join(f"{one.destination} {float(one.share):.0%} {one.note}" for one in found.arms)


def _reached(asked: Asked, found: Expectation) -> Iterator[str]:
    """Who answers, and how many each."""
    backend, namespace = asked.expected.get("Backend") or "", asked.expected.get("Namespace") or ""
    arms = [one for one in found.arms if one.share]
    for arm in arms:
        if not arm.workloads:
            yield f"{backend or 'a pod'} is wanted, not {_shown(found)}"
        for place, _, name in (one.partition("/") for one in arm.workloads):
            if not name.startswith(backend) or (namespace and place != namespace):
                yield f"{namespace}/{backend} is wanted, not {place}/{name}"
    for name, share in asked.weights.items():
        predicted = float(sum(one.share for one in arms if _behind(one, name)))
        if abs(predicted - share) > 1e-9:
            yield f"{share:.0%} for {name} is wanted, not {predicted:.0%}"


def _behind(arm: Arm, name: str) -> bool:
    return all(key.partition("/")[2].startswith(name) for key in arm.workloads)


def _named(found: Expectation, header: str) -> Iterator[str]:
    """Each backend's own filter names it."""
    for arm in (one for one in found.arms if one.share):
        name = dict(arm.request_headers.exact).get(header, "?")
        if not _behind(arm, name):
            yield f"{arm.destination} has the header {header} of {name}"


def _called(asked: Asked, found: Expectation) -> Iterator[str]:
    code = asked.expected["Response"]["Code"]
    said = dict(found.headers.exact).get(STATUS_HEADER)
    status = _status(asked, found)
    predicted = int(said) if said else unreachable(found, status)[1] if status else 0
    if predicted != code:
        yield f"gRPC's status {code} is wanted, not {predicted}: {_shown(found)}"
    elif code == 0:
        yield from _reached(asked, found)


def _redirected(asked: Asked, found: Expectation) -> Iterator[str]:
    wanted = asked.expected["RedirectRequest"]
    assert found.redirect
    target = urlsplit(found.redirect.target)
    wanted_path = wanted["Path"] or asked.request.path.partition("?")[0]
    pairs = [(wanted["Host"], target.hostname), (wanted["Scheme"] or asked.request.scheme, target.scheme)]
    for one, other in (*pairs, (wanted_path, target.path)):
        if one and one != other:
            yield f"a redirect to {one} is wanted, not to {found.redirect.target}"
    if str(target.port or "") not in ((wanted["Port"],) if wanted["Port"] else PORTS[target.scheme]):
        yield f"a redirect to port {wanted['Port']} is wanted, not to {found.redirect.target}"


def _arrived(asked: Asked, found: Expectation) -> Iterator[str]:
    """What the pod sees, and what the client sees of its answer."""
    wanted = asked.expected
    # Of what reaches a pod from within the mesh the suite looks at headers alone.
    within, entering = wanted["ExpectedRequest"] or {}, wanted["ExpectedRequest"] or wanted["Request"]
    seen = entering if asked.request.gateway else {key: within.get(key) for key in ("Headers", "AbsentHeaders")}
    sent = {name: value for name, value in asked.request.headers if name != "host"}
    answered = {name.lower(): value for name, value in (wanted["BackendSetResponseHeaders"] or {}).items()}
    for arm in (one for one in found.arms if one.share):
        path = (seen.get("Path") or "").partition("?")[0]
        if path and path != found.path.partition("?")[0]:
            yield f"path {path} is wanted, not {found.path}"
        authority = next((value for name, value in arm.request_headers.exact if name == "host"), found.authority)
        if seen.get("Host") and authority != seen["Host"]:
            yield f"authority {seen['Host']} is wanted, not {authority}"
        yield from _headers("request", seen, arm.request_headers, sent)
        yield from _headers("answer", wanted["Response"], arm.response_headers, answered)
    for mirrored in wanted["MirroredTo"] or ():
        share = (mirrored["Percent"] or 100) / 100
        key = f"{mirrored['Namespace']}/{mirrored['Name']}"
        if not any(key in copy.workloads and float(copy.share) == share for copy in found.copies):
            yield f"{share:.0%} copied to {key} is wanted"


def _headers(
    which: str, wanted: Mapping[str, Any], made: HeaderExpectation, before: Mapping[str, str]
) -> Iterator[str]:
    final = {name: value for name, value in before.items() if name not in made.absent}
    for name, value in made.added:
        final[name] = f"{final[name]},{value}" if name in final else value
    final |= dict(made.exact)
    allowed = {name: (value,) for name, value in (wanted.get("Headers") or {}).items()}
    allowed |= {name: tuple(values) for name, values in (wanted.get("ValidHeaderValues") or {}).items()}
    for name, values in allowed.items():
        got = final.get(name.lower())
        if got is None or _bare(got) not in map(_bare, values):
            yield f"{which} header {name}: {' or '.join(values)} is wanted, not {got}"
    for name in wanted.get("AbsentHeaders") or ():
        if name.lower() in final:
            yield f"{which} header {name} is not wanted, and is {final[name.lower()]}"


def _bare(value: str) -> str:
    return value.replace(" ", "")
