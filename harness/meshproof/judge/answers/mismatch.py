"""What about one answer is not as specified for its request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256

from meshproof.border.books import Received
from meshproof.border.expectation import Arm, Expectation
from meshproof.border.grpc import STATUS_HEADER
from meshproof.border.observation import Observation
from meshproof.border.prescription import ANSWERED, prescription
from meshproof.judge import ended_stream
from meshproof.judge.answers.headers import differing, kept, named, unspecified
from meshproof.judge.own_answer import is_own, leads_to, unreachable
from meshproof.judge.wording import answer, joined

# Headers that a proxy may change by itself, or that belong to the connection.
NOT_END_TO_END = frozenset(
    {
        *("host", "connection", "te", "expect", "upgrade", "content-length", "transfer-encoding", "keep-alive"),
        *("proxy-connection", "grpc-timeout"),
    }
)
# Every proxy that reads requests says how it was called, unless the client or a proxy before it did; no setting of
# Istio's keeps it from that (Envoy, ConnectionManagerUtility::mutateRequestHeaders).
OF_EACH_PROXY = "x-forwarded-proto"
UNREACHED = ("connection refused", "no answer within")
UNAVAILABLE = 503


def mismatch(expectation: Expectation, observation: Observation, received: Sequence[Received]) -> str:
    """What is not as specified, empty when all is; `received` is what pods got of this very request."""
    if expectation.refused:
        return _refused(expectation, observation) or _arrived(received)
    if ended_stream.is_specified(observation, expectation):
        return ""
    own, said = own_status(expectation), own_grpc_status(expectation)
    if own and is_own(observation, own, said):
        return _own_answer(expectation, observation) or _arrived(received)
    if _aborted(expectation, observation):
        return ""
    if any(is_own(observation, *one) for one in _unanswered(expectation)):
        return _arrived(received)
    drawn = [arm for arm in expectation.arms if arm.share and observation.workload in arm.workloads]
    if not drawn or own:
        return answer(observation)
    at_pod = [one for one in received if one.pod == observation.pod]
    if not at_pod:
        return f"answered by {observation.pod}, which has not received it"
    faults = [next(_of_arm(expectation, arm, observation, at_pod[-1]), "") for arm in drawn]
    return "" if "" in faults else faults[0]


def _unanswered(expectation: Expectation) -> set[tuple[int, int | None]]:
    """What the proxy answers for those destinations that no workload answers for."""
    several = (arm.status or UNAVAILABLE for arm in expectation.arms if arm.share and not arm.workloads)
    return {unreachable(expectation, status) for status in several}


def own_status(expectation: Expectation) -> int:
    """The status that the proxy itself must answer; 0 when a pod may."""
    if expectation.status:
        return expectation.status
    if expectation.abort and expectation.abort.share == 1:
        return expectation.abort.status
    drawn = [arm for arm in expectation.arms if arm.share]
    answering = any(arm.workloads for arm in drawn)
    return 0 if answering or not drawn else unreachable(expectation, drawn[0].status or UNAVAILABLE)[0]


def own_grpc_status(expectation: Expectation) -> int | None:
    """What the proxy itself must say to gRPC beside `own_status`; None where it says nothing."""
    if expectation.status:
        said = dict(expectation.headers.exact).get(STATUS_HEADER)
        return int(said) if said else None
    if expectation.abort and expectation.abort.share == 1:
        return expectation.abort.grpc_status
    drawn = [arm for arm in expectation.arms if arm.share]
    answering = any(arm.workloads for arm in drawn)
    return None if answering or not drawn else unreachable(expectation, drawn[0].status or UNAVAILABLE)[1]


def specified(expectation: Expectation) -> str:
    """What is specified, in words."""
    if expectation.refused:
        return f"no {expectation.refused}"
    own, said = own_status(expectation), own_grpc_status(expectation)
    if said is not None:
        return f"{own} with grpc-status {said} by the proxy"
    if expectation.redirect:
        return f"{own} to {expectation.redirect.target}"
    if own:
        return f"{own} by the proxy"
    text = joined(sorted({workload for arm in expectation.arms if arm.share for workload in arm.workloads}))
    if expectation.path != expectation.request.path:
        text += f" as {expectation.path}"
    if expectation.authority != expectation.request.authority:
        text += f" as {expectation.authority}"
    return text


def _refused(expectation: Expectation, observation: Observation) -> str:
    if observation.status or observation.pod:
        return answer(observation)
    unreached = observation.error.startswith(UNREACHED)
    return answer(observation) if unreached and expectation.refused == "handshake" else ""


def _arrived(received: Sequence[Received]) -> str:
    return f"it reached {received[0].pod}" if received else ""


def _aborted(expectation: Expectation, observation: Observation) -> bool:
    """Whether an injected fault answered it."""
    abort = expectation.abort
    return bool(abort and abort.share and is_own(observation, abort.status, abort.grpc_status))


def _own_answer(expectation: Expectation, observation: Observation) -> str:
    target = leads_to(observation)
    if expectation.redirect and target != expectation.redirect.target:
        return f"redirected to {target or 'nowhere'}"
    if expectation.body and observation.digest != sha256(expectation.body.encode()).hexdigest():
        return "answered with another body"
    return next(differing("response", expectation.headers, observation.headers), "")


def _of_arm(expectation: Expectation, arm: Arm, observation: Observation, received: Received) -> Iterator[str]:
    request = expectation.request
    if not observation.status:
        yield answer(observation)
    if received.method != request.method:
        yield f"{received.pod} was asked by {received.method}"
    if received.path != expectation.path:
        yield f"{received.pod} was asked for {received.path}"
    authority = dict(arm.request_headers.exact).get("host", expectation.authority)
    if received.authority != authority:
        yield f"{received.pod} was called {received.authority}"
    if received.http2 not in (None, arm.policy.upstream.is_http2(call=request.is_call)):
        came, wanted = ("HTTP/2", "HTTP/1.1") if received.http2 else ("HTTP/1.1", "HTTP/2")
        yield f"{received.pod} was called over {came} instead of {wanted}"
    if arm.target and received.port not in (0, arm.target):
        yield f"{received.pod} was called on port {received.port} instead of {arm.target}"
    changed = arm.request_headers
    yield from differing("request", changed, received.headers)
    unheld = NOT_END_TO_END | expectation.dropped
    touched = named(changed) | unheld
    yield from differing("request", kept(request.headers, changed, unheld), received.headers)
    yield from unspecified(touched | {name.lower() for name, _ in request.headers}, received.headers)
    yield from differing("response", arm.response_headers, observation.headers)
    asked = prescription(request)
    written = [(name, ANSWERED) for name in asked.headers if name in dict(arm.response_headers.added)] if asked else []
    yield from differing("response", kept(written, arm.response_headers, set()), observation.headers)
    if expectation.independent and OF_EACH_PROXY not in touched | {name.lower() for name, _ in received.headers}:
        yield f"no proxy read the request before {received.pod}: it came without {OF_EACH_PROXY}, which each writes"
