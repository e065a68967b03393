"""What is said of a comparison, as pieces: plain words, and what comes from manifests and is quoted as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from meshproof.border.request import Request
from meshproof.diff.behaviour import OUTCOME
from meshproof.diff.changed import Opaque
from meshproof.diff.comparison import Change, Comparison
from meshproof.language.words import ENGLISH, Words
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.unmodelled import Called, Unmodelled
from meshproof.records import dataclass

MOST_LEFT_OUT = 5
PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Quoted:
    """A piece that comes from a manifest or a request."""

    text: str


Pieces = list[str | Quoted]


def summary(found: Comparison, words: Words = ENGLISH) -> str:
    """How much changes, in a sentence."""
    objects, tried = words.amount(found.objects, "object"), words.amount(found.tried, "request")
    if not found.objects and found.is_same:
        return words("no change: the manifests say the same")
    if found.is_same:
        text = words("no change for requests: {objects} differ as written, and all of {tried} tried get the same")
        if found.objects == 1:
            text = words("no change for requests: {objects} differs as written, and all of {tried} tried get the same")
        return text.format(objects=objects, tried=tried)
    if not found.changes:
        what = words("no change was found, and not all is known")
    else:
        changes = words.amount(len(found.changes), "change")
        hosts = words.amount(len({one.host for one in found.changes}), "host")
        what = words("{changes} for requests to {hosts}", changes=changes, hosts=hosts)
    return words("{what}; {objects} differing as written, {tried} tried", what=what, objects=objects, tried=tried)


def change(one: Change, words: Words = ENGLISH) -> Pieces:
    """One change."""
    which = _subject(one, words)
    parts: dict[str, Pieces] = {"old": [Quoted(one.old)], "new": [Quoted(one.new)], "rule": _rule(one, words)}
    if one.about == OUTCOME:
        return _filled(words("{which}: {old} → {new}{rule}"), which=which, **parts)
    return _filled(words("{about} of {which}: {old} → {new}{rule}"), about=_about(one, words), which=which, **parts)


def _about(one: Change, words: Words) -> Pieces:
    """What changes; settings keep the names that they have in YAML."""
    told = {
        "timeout": words("timeout"),
        "retries": words("retries"),
        "delay": words("delay"),
        "abort": words("abort"),
        "mirrors": words("mirrors"),
        "path": words("path"),
        "headers of the request": words("headers of the request"),
        "headers of the answer": words("headers of the answer"),
        "hash": words("hash"),
        "draw": words("draw"),
        "addresses": words("addresses"),
        "places": words("places"),
        "ports": words("ports"),
        "Host header": words("Host header"),
        "TLS of the gateway": words("TLS of the gateway"),
        "pods of the gateway": words("pods of the gateway"),
        "authorization": words("authorization"),
    }
    return [told[one.about]] if one.about in told else [Quoted(one.about)]


def subject(one: Change, words: Words = ENGLISH) -> str:
    """The requests that change, as plain text."""
    return "".join(each.text if isinstance(each, Quoted) else each for each in _subject(one, words))


def unknown(one: Opaque, words: Words = ENGLISH) -> Pieces:
    """Something that differs and is not understood."""
    part = one.part
    told = {"new": words("new"), "gone": words("gone"), "changed": words("changed"), "mended": words("mended")}
    text = words("{what} is {how}, and not understood: {why} ({place})")
    if one.how in ("mended", "gone") and part.is_wrong:
        text = words("{what} is {how}: what it did before is not known, since {why} ({place})")
    elif part.topic == Topic.ENVOY_REFUSES:
        text = words("{what} is {how}, and Envoy would not take it: {why} ({place})")
        if not all(isinstance(one, Called) for one in part.touches):
            text = words("{what} is {how}, and Envoy would not take it, nor the routes beside it: {why} ({place})")
    elif part.is_left_out:
        text = words("{what} is {how}, and a cluster would not take it: {why} ({place})")
    return _filled(text, what=[Quoted(part.subject or part.kind)], how=[told[one.how]], **_why(part))


def standing(one: Unmodelled, words: Words = ENGLISH) -> Pieces:
    """Something that is not understood and the same on both sides."""
    return _filled(words("{what}: {why} ({place})"), what=[Quoted(one.subject or one.kind)], **_why(one))


def left_out(found: Comparison, words: Words = ENGLISH) -> Iterator[Pieces]:
    """What was not tried."""
    for place, number in found.left_out[:MOST_LEFT_OUT]:
        requests = words.amount(number, "request")
        yield _filled(words("{requests} about {place}"), requests=[requests], place=[Quoted(str(place))])
    rest = sum(number for _, number in found.left_out[MOST_LEFT_OUT:])
    if rest:
        yield [words("{requests} about other rules", requests=words.amount(rest, "request"))]
    if found.clients:
        yield [
            words("the requests of {clients} that rules tell apart", clients=words.amount(found.clients, "more client"))
        ]


def named(request: Request, words: Words = ENGLISH) -> Pieces:
    """A request by its method, path and headers."""
    if request.is_tcp:
        return [Quoted(str(request))]
    pieces: Pieces = [Quoted(f"{request.method} {request.path}")]
    for at, (name, value) in enumerate(request.headers):
        pieces += [words(" with ") if not at else words(" and "), Quoted(f"{name}: {value}")]
    return pieces


def _subject(one: Change, words: Words) -> Pieces:
    host: Pieces = [Quoted(one.host)]
    if one.source:
        host = _filled(words("{host} from {client}"), host=host, client=[Quoted(str(one.source))])
    if one.whole:
        return _filled(words("all of {host}"), host=host)
    which, more = named(one.requests[0], words), len(one.requests) - 1
    if not more:
        return _filled(words("{request} at {host}"), request=which, host=host)
    return _filled(words("{request} (and {n} more alike) at {host}"), request=which, n=[f"{more:,}"], host=host)


def _rule(one: Change, words: Words) -> Pieces:
    before, after = one.before, one.after
    places: dict[str, Pieces] = {"new": [Quoted(str(after))], "old": [Quoted(str(before))]}
    if after and one.other_rule:
        both = words(" ({new} now takes it, {old} did)")
        return _filled(both if before else words(" ({new} now takes it)"), **places)
    if after:
        return _filled(words(" ({new})"), **places)
    return _filled(words(" (no rule takes it any more, {old} did)"), **places) if before else []


def _why(part: Unmodelled) -> dict[str, Pieces]:
    return {"why": [Quoted(part.why)], "place": [Quoted(str(part.location))]}


def _filled(text: str, **values: Pieces) -> Pieces:
    """A text with pieces in its `{places}`."""
    found: Pieces = []
    for number, part in enumerate(PLACE.split(text)):
        found += values[part] if number % 2 else [part] if part else []
    return found
