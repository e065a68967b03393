"""A first file of intents, from what is guessed and predicted of a folder's requests: to be edited."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from meshproof.border.expectation import Arm, Copy, Expectation
from meshproof.border.intents.intent import NONE, Intent
from meshproof.border.prescription import HEADER
from meshproof.border.request import Request
from meshproof.border.source import Source
from meshproof.border.verdict import Outcome
from meshproof.errors import UsageError
from meshproof.intents.cases import decision
from meshproof.intents.decide import own_status
from meshproof.intents.view import View
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN
from meshproof.mesh.requests.clients.sources import MOST_CLIENTS, others
from meshproof.mesh.requests.samples import sample_requests

HEAD = """\
# What is to become of requests, as the manifests say it now: change what was meant otherwise, and delete what does not
# matter. `meshproof test` holds the manifests against it.
"""


def first_file(view: View) -> str:
    """The text of a file of intents that hold, one for each guessed request; what cannot be stated is a comment."""
    return HEAD + "".join(_entry(one, request, view.client) for one, request in _guessed(view))


def _guessed(view: View) -> Iterator[tuple[View, Request]]:
    """A request for each rule, from the clients that rules are for."""
    mesh, tls = view.mesh, view.tls
    requests, _ = sample_requests(mesh, view.client, tls=tls)
    yield from ((view, one) for one in requests)
    for client, rules in list(others(mesh, view.client).items())[:MOST_CLIENTS]:
        own = replace(view, client=client)
        several, _ = sample_requests(mesh, client, tls=tls, among=rules)
        yield from ((own, one) for one in several)


def _entry(view: View, request: Request, usual: Source) -> str:
    # How a probe is to answer is no part of what a person wants.
    request = replace(request, headers=tuple(pair for pair in request.headers if pair[0] != HEADER))
    text = str(replace(request, gateway="", tls=None))
    try:
        again = view.request(text, request.gateway)
    except UsageError:
        return _left_out(text, "it cannot be written as text")
    expectation = view.expectation(again)
    if touching := view.touching(expectation):
        return _left_out(
            text, f"it depends on {touching[0].subject} at {touching[0].location}, which is not understood"
        )
    intent = stated(again, expectation)
    if not (intent.to or intent.status) or decision(view, intent, expectation)[0] is not Outcome.PASSED:
        return _left_out(text, "it gets no answer that could be stated")
    lines = [f"- request: {json.dumps(text)}"]
    lines += [f"  from: {json.dumps(str(view.client))}"] if view.client != usual else []
    lines += [f"  gateway: {json.dumps(request.gateway)}"] if request.gateway else []
    return "\n".join([*lines, f"  expect: {{{', '.join(_expected(intent))}}}", ""])


def stated(request: Request, one: Expectation) -> Intent:
    """What a prediction says of a request, as an intent."""
    status = own_status(one)
    reaching = [] if status or one.refused else [arm for arm in one.arms if arm.share and arm.workloads]
    copies = [copy for copy in one.copies if copy.share] if reaching else []
    return Intent(
        request,
        to=_shares(reaching),
        within=one.timeout if reaching and not one.delay else None,
        status=status or None,
        mirror=(_shares(copies) or NONE) if reaching else "",
        path=one.path if reaching and one.path != request.path else "",
        redirect=one.redirect.target if one.redirect else "",
    )


def _shares(targets: Sequence[Arm | Copy]) -> dict[str, str | float]:
    """Shares by the shortest names that are told apart."""
    short = [_short(one) for one in targets]
    counts = Counter(short)
    named = zip(short, targets, strict=True)
    return {name if counts[name] == 1 else one.destination: _share(one.share) for name, one in named}


def _short(one: Arm | Copy) -> str:
    whole, _, subset = one.destination.partition("/")
    return subset or (whole.partition(".")[0] if one.host.endswith(f".{CLUSTER_DOMAIN}") else whole)


def _share(share: Fraction) -> str:
    percent = share * 100
    return f"{percent.numerator}%" if percent.denominator == 1 else f"{share.numerator}/{share.denominator}"


def _expected(intent: Intent) -> Iterator[str]:
    for name, value in (("to", intent.to), ("mirror", intent.mirror)):
        if isinstance(value, Mapping) and value:
            yield f"{name}: {{{', '.join(f'{json.dumps(key)}: {one}' for key, one in value.items())}}}"
        elif value:
            yield f"{name}: {value}"
    yield from [f"within: {round(float(intent.within) * 1000)}ms"] if intent.within else []
    yield from [f"status: {intent.status}"] if intent.status else []
    yield from [f"path: {json.dumps(intent.path)}"] if intent.path else []
    yield from [f"redirect: {json.dumps(intent.redirect)}"] if intent.redirect else []


def _left_out(text: str, why: str) -> str:
    return f"# {json.dumps(text)} is left out: {json.dumps(why)[1:-1]}\n"
