"""Whether what is predicted of a request is what an intent wants of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from meshproof.border.expectation import Arm, Copy, Expectation, HeaderExpectation
from meshproof.border.intents.intent import NONE, Intent, Share, shares
from meshproof.intents.destinations import names, unknown
from meshproof.intents.view import View
from meshproof.intents.words import percent
from meshproof.intents.written import differing
from meshproof.redaction.credentials import redact_header

# The longest that Envoy waits before a further try is ten times what it waits before the first.
BACK_OFF, BACK_OFF_GROWTH = 0.025, 10


def faults(view: View, intent: Intent, expectation: Expectation) -> Iterator[str]:
    """What of a prediction is not as intended; raises UsageError for what an intent of Python has wrong."""
    if intent.to:
        yield from _to(view, shares(intent.to), expectation)
    if intent.status is not None:
        yield from _status(intent.status, expectation)
    if intent.within is not None:
        yield from _within(seconds(intent.within), expectation)
    for name, value in intent.header.items():
        yield from _header(name.lower(), value, expectation)
    if intent.mirror:
        yield from _mirror(view, shares(intent.mirror), expectation)
    if intent.path and (expectation.path != intent.path or not _pods(expectation)):
        shown = f"pods are asked for {expectation.path}" if _pods(expectation) else "no pod is asked"
        yield f"{shown}, not for {intent.path}"
    if intent.redirect and (expectation.redirect is None or expectation.redirect.target != intent.redirect):
        yield f"it is redirected to {expectation.redirect.target if expectation.redirect else 'nowhere'}, " + (
            f"not to {intent.redirect}"
        )
    if intent.rule and (wrong := differing(intent.rule, expectation, view.written, view.root(expectation.route))):
        yield wrong


def seconds(written: str | float) -> float:
    """A time in seconds, which may be written as `2s`; raises UsageError."""
    if isinstance(written, int | float):
        return float(written)
    from meshproof.errors import UsageError
    from meshproof.manifest.syntax import duration

    found = duration.seconds(written)
    if found is None or found <= 0:
        raise UsageError(f"{written!r} is no time: write 2s or 500ms")
    return float(found)


def _pods(one: Expectation) -> list[Arm]:
    """The destinations whose pods answer some of the requests."""
    if one.status or one.refused or (one.abort and one.abort.share == 1):
        return []
    return [arm for arm in one.arms if arm.share and arm.workloads]


def own_status(one: Expectation) -> int:
    """The status that a proxy gives; 0 where pods answer, or nothing."""
    if one.status:
        return one.status
    if one.abort and one.abort.share == 1:
        return one.abort.status
    drawn = [arm for arm in one.arms if arm.share]
    return 0 if not drawn or one.refused or any(arm.workloads for arm in drawn) else drawn[0].status or 503


def _to(view: View, wanted: Mapping[str, Share], one: Expectation) -> Iterator[str]:
    answering = _pods(one)
    covered: set[str] = set()
    if not answering:
        yield f"no pod answers it, and it was to reach {', '.join(wanted)}"
        return
    for name, share in wanted.items():
        meant = [arm for arm in answering if name in names(arm.destination, arm.host)]
        covered |= {arm.destination for arm in meant}
        found = sum((arm.share for arm in meant), Fraction(0))
        if not share.holds(found):
            hint = "" if meant else unknown(view.mesh, name)
            yield f"{name} gets {percent(found)}, not {percent(share.value)}" + (f" ({hint})" if hint else "")
    for arm in one.arms:
        if arm.share and arm.destination not in covered:
            why = "" if arm.workloads else f" ({arm.note or 'no pods'})"
            yield f"{percent(arm.share)} go to {arm.destination}{why}, of which the intent says nothing"


def _status(wanted: int, one: Expectation) -> Iterator[str]:
    own = own_status(one)
    if one.refused:
        yield f"there is no answer ({one.refused} refused), not {wanted}"
    elif own and own != wanted:
        yield f"the proxy answers {own}, not {wanted}"
    elif not own and wanted // 100 != 2:
        yield f"a pod answers it, not the proxy with {wanted}"
    elif not own and one.abort and one.abort.share:
        yield f"{percent(one.abort.share)} are answered {one.abort.status} by a fault, not {wanted}"
    elif not own and (empty := [arm for arm in one.arms if arm.share and not arm.workloads]):
        yield f"{percent(empty[0].share)} are answered {empty[0].status or 503} ({empty[0].note}), not {wanted}"


def _within(wanted: float, one: Expectation) -> Iterator[str]:
    if not _pods(one):
        return
    held = one.delay.seconds if one.delay and one.delay.share else 0.0
    limit, each = one.timeout, one.retries.per_try_timeout if one.retries else None
    if limit is None and one.retries and each:
        pause = BACK_OFF_GROWTH * (one.retries.back_off or BACK_OFF)
        limit = (one.retries.attempts + 1) * each + one.retries.attempts * pause
    if limit is None:
        yield f"no timeout is in force, so a slow pod is waited for longer than {wanted:g} s"
    elif limit + held > wanted:
        delayed = f" after a delay of {held:g} s" if held else ""
        yield f"its timeout is {limit:g} s{delayed}, longer than {wanted:g} s"


def _header(name: str, wanted: str, one: Expectation) -> Iterator[str]:
    arms = _pods(one)
    places = [(arm.request_headers, arm.response_headers) for arm in arms] or [(HeaderExpectation(), one.headers)]
    sent = [value for key, value in one.request.headers if key == name and name not in one.dropped] if arms else []
    for request, response in places:
        given = [*_values(request, name)] or ([] if name in request.absent else sent)
        given += _values(response, name)
        if name == "location" and one.redirect:
            given.append(one.redirect.target)
        if wanted == NONE and given:
            yield f"the header {name} is {redact_header(name, given[0])!r}, and was not to be there"
            return
        if wanted != NONE and wanted not in given:
            shown = repr(redact_header(name, given[0])) if given else "written by nothing"
            yield f"the header {name} is {shown}, not {redact_header(name, wanted)!r}"
            return


def _values(headers: HeaderExpectation, name: str) -> list[str]:
    return [value for key, value in (*headers.exact, *headers.added, *headers.untold) if key == name]


def _mirror(view: View, wanted: Mapping[str, Share], one: Expectation) -> Iterator[str]:
    copies: list[Copy] = [copy for copy in one.copies if copy.share and _pods(one)]
    if not wanted and copies:
        yield f"{percent(copies[0].share)} are copied to {copies[0].destination}, and nothing was to be copied"
    for name, share in wanted.items():
        meant = [copy for copy in copies if name in names(copy.destination, copy.host)]
        found = sum((copy.share for copy in meant), Fraction(0))
        if not share.holds(found):
            hint = "" if meant else unknown(view.mesh, name)
            yield f"{percent(found)} are copied to {name}, not {percent(share.value)}" + (f" ({hint})" if hint else "")
    if wanted:
        for copy in copies:
            if names(copy.destination, copy.host).isdisjoint(wanted):
                yield f"{percent(copy.share)} are copied to {copy.destination}, of which the intent says nothing"
