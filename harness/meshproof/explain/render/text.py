"""An explanation for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from meshproof.errors import Location
from meshproof.explain.beside import holds_credential, worded
from meshproof.explain.explanation import (
    AFTER,
    MISSED,
    NOT_FOR,
    SHADOWED,
    TAKEN,
    UNKNOWN,
    Destination,
    Entry,
    Explanation,
    Object,
    Setting,
)
from meshproof.explain.policies import DEFAULT
from meshproof.explain.wording import percent, plural
from meshproof.redaction.patterns import HIDDEN

Quote = Callable[[Location | None], str]
OUTCOMES = {
    TAKEN: "takes it",
    MISSED: "no",
    NOT_FOR: "no",
    SHADOWED: "never",
    AFTER: "not tried",
    UNKNOWN: "unknown",
}
# So many objects, and rules after the one that decides, are named; the documents hold all.
MOST_AFTER, MOST_OTHERS = 3, 12


def text(explanation: Explanation, quote: Quote) -> Iterator[str]:
    """Its lines."""
    request = explanation.expectation.request
    yield str(request)
    if not request.gateway:
        own = explanation.source
        labels = ", ".join(f"{name}={value}" for name, value in own.pairs)
        yield f"sent by a client in namespace {own.namespace} {f'with {labels}' if labels else 'without labels'}"
    yield ""
    yield from (f"  {line}" for line in summary(explanation))
    yield from _section("way", (_object(one, quote) for one in explanation.way))
    yield from _section("rules, as they are tried", _entries(explanation.entries, quote))
    goals = [one for one in explanation.destinations if not one.mirror]
    yield from _section("destinations", (_destination(one, quote) for one in goals))
    copies = [one for one in explanation.destinations if one.mirror]
    yield from _section("mirrors", (_destination(one, quote) for one in copies))
    yield from _section("what is done to it", _settings(explanation.effects, quote, quoted=True))
    yield from _section("has no say in it", (_object(one, quote) for one in explanation.beside[:MOST_OTHERS]))
    yield from _more(explanation.beside, MOST_OTHERS)
    several = [_object(one, quote) for one in explanation.unmodelled]
    yield from _section("not understood", several)
    yield from _section("to know", ([f"{one.location}: {one.says}"] for one in explanation.notices[:MOST_OTHERS]))
    yield from _more(explanation.notices, MOST_OTHERS)


def summary(explanation: Explanation) -> Iterator[str]:
    """What becomes of it, in a line or two."""
    found = explanation.expectation
    if explanation.unanswered:
        yield f"nobody answers it: {explanation.unanswered}"
    by = f", by the rule at {found.route}" if found.route else ""
    if found.undecided:
        yield f"it cannot be told what becomes of it: {found.undecided}"
    elif found.refused:
        yield f"its {found.refused} is refused: {found.note}"
    elif found.redirect:
        yield f"{found.status} to {found.redirect.target}{by}"
    elif found.status:
        yield f"answered {found.status} by the proxy{f': {found.note}' if found.note else ''}{by}"
    else:
        odds = ", ".join(f"{one.destination} {percent(float(one.share))}" for one in found.arms)
        yield f"{odds}{by}"
    if not found.independent:
        yield f"which is not drawn for each request: {found.dependence}"
    if number := len(explanation.unmodelled):
        parts = "one thing that it depends on is" if number == 1 else f"{number} things that it depends on are"
        yield f"all of this may be otherwise: {parts} not understood"


def _section(title: str, blocks: Iterator[list[str]] | list[list[str]]) -> Iterator[str]:
    first = True
    for block in blocks:
        if first:
            yield from ("", title)
            first = False
        yield from (f"  {line}" for line in block)


def _more(several: tuple[Object, ...], most: int) -> Iterator[str]:
    if len(several) > most:
        yield f"  and {len(several) - most:,} more: -o json has them"


def _object(one: Object, quote: Quote) -> list[str]:
    head = f"{one.what}: {one.says}" if one.says else one.what
    # Every object begins with the same words, and they tell nothing.
    if one.location and quote(one.location).startswith(("apiVersion", "kind", "{")):
        return [f"{head}    {one.location}"]
    return [head, *_quoted(one.location, quote)]


def hiding(_place: Location | None) -> str:
    """In place of a line that is a credential."""
    return HIDDEN


def _quoted(place: Location | None, quote: Quote) -> list[str]:
    return [f"    {place}  | {quote(place)}"] if place else []


def _entries(entries: tuple[Entry, ...], quote: Quote) -> Iterator[list[str]]:
    several = len({one.owner for one in entries}) > 1
    after = [number for number, one in enumerate(entries) if one.outcome == AFTER]
    left = set(after[MOST_AFTER:])
    for number, one in enumerate(entries):
        if number in left:
            continue
        place = one.match or one.rule
        owner = f" of {one.owner}" if several else ""
        name = f" {one.name}" if one.name else ""
        head = f"{number + 1:>2}. {OUTCOMES[one.outcome]:9}{name}{owner}  {place}  | {quote(place)}"
        lines = [head + (" (not for this client)" if one.outcome == NOT_FOR else "")]
        if one.miss:
            lines.append(f"        {worded(one.miss)}")
            if one.miss.location and one.miss.location != place:
                quoting = hiding if holds_credential(one.miss) else quote
                lines += [f"        {line}" for line in _quoted(one.miss.location, quoting)]
        if one.outcome == SHADOWED:
            lines.append(f"        the rule at {one.by} takes every request before it")
        if one.why:
            lines.append(f"        {one.why}")
        yield lines
    if left:
        yield [f"    and {plural(len(left), 'more rule')} after the one that takes it"]


def _destination(one: Destination, quote: Quote) -> list[str]:
    lines = [f"{percent(one.share):>5}  {one.name}, port {one.port}", f"  {_quoted(one.location, quote)[0]}"]
    if one.note:
        lines.append(f"       {one.note}")
    for pods in one.pods:
        count = f"{plural(pods.replicas, 'pod')} of {pods.kind} {pods.workload}"
        lines.append(f"       {count}    {pods.location}")
    if one.subset:
        lines.append(f"       {one.subset.what} ({one.subset.says})    {one.subset.location}")
    if one.by_hash:
        lines.append(f"       the pod is chosen by the hash of {one.by_hash}")
    if one.settings and all(each.origin == DEFAULT for each in one.settings):
        values = "; ".join(f"{each.name} {each.value}" for each in one.settings)
        return [*lines, f"       {DEFAULT}s: {values}"]
    lines += [f"       {line}" for block in _settings(one.settings, quote, quoted=False) for line in block]
    return lines


def _settings(several: tuple[Setting, ...], quote: Quote, *, quoted: bool) -> Iterator[list[str]]:
    wide = max((len(one.name) for one in several), default=0)
    for one in several:
        origin = f"{one.origin}    {one.location}" if one.location and not quoted else one.origin
        if not one.counts:
            yield [f"{one.name:{wide}}  ({one.value} does not count: {origin})"]
            continue
        if not quoted:
            yield [
                f"{one.name:{wide}}  {one.value}    ({one.origin})" + (f"    {one.location}" if one.location else "")
            ]
            continue
        own = f"    ({one.origin})" if not one.location else ""
        yield [f"{one.name:{wide}}  {one.value}{own}", *_quoted(one.location, quote)]
