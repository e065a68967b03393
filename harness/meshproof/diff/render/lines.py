"""What is said of a comparison, as pieces: plain words, and what comes from manifests and is quoted as it is."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.border.request import Request
from meshproof.diff.behaviour import OUTCOME
from meshproof.diff.changed import Opaque
from meshproof.diff.comparison import Change, Comparison
from meshproof.explain.wording import plural
from meshproof.mesh.model.unmodelled import Unmodelled
from meshproof.records import dataclass

MOST_LEFT_OUT = 5


@dataclass(frozen=True, slots=True)
class Quoted:
    """A piece that comes from a manifest or a request."""

    text: str


Pieces = list[str | Quoted]


def summary(found: Comparison) -> str:
    """How much changes, in a sentence."""
    objects = plural(found.objects, "object")
    tried = plural(found.tried, "request")
    if not found.objects and found.is_same:
        return "no change: the manifests say the same"
    if found.is_same:
        differ = "differs" if found.objects == 1 else "differ"
        return f"no change for requests: {objects} {differ} as written, and all of {tried} tried get the same"
    hosts = len({one.host for one in found.changes})
    what = f"{plural(len(found.changes), 'change')} for requests to {plural(hosts, 'host')}"
    if not found.changes:
        what = "no change was found, and not all is known"
    return f"{what}; {objects} differing as written, {tried} tried"


def change(one: Change) -> Pieces:
    """One change."""
    which = _subject(one)
    head: Pieces = which if one.about == OUTCOME else [Quoted(one.about), " of ", *which]
    return [*head, ": ", Quoted(one.old), " → ", Quoted(one.new), *_rule(one)]


def subject(one: Change) -> str:
    """The requests that change, as plain text."""
    return "".join(each.text if isinstance(each, Quoted) else each for each in _subject(one))


def unknown(one: Opaque) -> Pieces:
    """Something that differs and is not understood."""
    part = one.part
    what = "and a cluster would not take it" if part.refused else "and not understood"
    return [Quoted(part.subject or part.kind), f" is {one.how}, {what}: ", Quoted(part.why), *_at(part)]


def standing(one: Unmodelled) -> Pieces:
    """Something that is not understood and the same on both sides."""
    return [Quoted(one.subject or one.kind), ": ", Quoted(one.why), *_at(one)]


def left_out(found: Comparison) -> Iterator[Pieces]:
    """What was not tried."""
    for place, number in found.left_out[:MOST_LEFT_OUT]:
        yield [f"{plural(number, 'request')} about ", Quoted(str(place))]
    rest = sum(number for _, number in found.left_out[MOST_LEFT_OUT:])
    if rest:
        yield [f"{plural(rest, 'request')} about other rules"]
    if found.clients:
        yield [f"the requests of {plural(found.clients, 'more client')} that rules tell apart"]


def words(request: Request) -> Pieces:
    """A request by its method, path and headers."""
    if request.is_tcp:
        return [Quoted(str(request))]
    pieces: Pieces = [Quoted(f"{request.method} {request.path}")]
    for at, (name, value) in enumerate(request.headers):
        pieces += [" with " if not at else " and ", Quoted(f"{name}: {value}")]
    return pieces


def _subject(one: Change) -> Pieces:
    client: Pieces = [" from ", Quoted(str(one.source))] if one.source else []
    if one.whole:
        return ["all of ", Quoted(one.host), *client]
    more = len(one.requests) - 1
    also = [f" (and {more:,} more alike)"] if more else []
    return [*words(one.requests[0]), *also, " at ", Quoted(one.host), *client]


def _rule(one: Change) -> Pieces:
    before, after = one.before, one.after
    did: Pieces = [", ", Quoted(str(before)), " did"] if before else []
    if after and one.other_rule:
        return [" (", Quoted(str(after)), " now takes it", *did, ")"]
    if after:
        return [" (", Quoted(str(after)), ")"]
    return [" (no rule takes it any more", *did, ")"] if before else []


def _at(part: Unmodelled) -> Pieces:
    return [" (", Quoted(str(part.location)), ")"]
