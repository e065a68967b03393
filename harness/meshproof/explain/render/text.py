"""An explanation for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from meshproof.errors import Location
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
from meshproof.explain.misses import holds_credential, worded
from meshproof.explain.policies import default
from meshproof.explain.wording import percent
from meshproof.language.words import ENGLISH, Words
from meshproof.language.wrap import columns, padded
from meshproof.mesh.predict.mesh_table import UNREAD
from meshproof.redaction.patterns import HIDDEN

Quote = Callable[[Location | None], str]
# So many objects, and rules after the one that decides, are named; the documents hold all.
MOST_AFTER, MOST_OTHERS = 3, 12
# As wide as the longest outcome of a rule.
OUTCOME = 9


def text(explanation: Explanation, quote: Quote, words: Words = ENGLISH) -> Iterator[str]:
    """Its lines."""
    request = explanation.expectation.request
    yield str(request)
    if not request.gateway:
        own = explanation.source
        labels = ", ".join(f"{name}={value}" for name, value in own.pairs)
        yield (
            words("sent by a client in namespace {namespace} with {labels}", namespace=own.namespace, labels=labels)
            if labels
            else words("sent by a client in namespace {namespace} without labels", namespace=own.namespace)
        )
    yield ""
    yield from (f"  {line}" for line in summary(explanation, words))
    yield from _section(words("way"), (_object(one, quote, words) for one in explanation.way))
    yield from _section(words("rules, as they are tried"), _entries(explanation.entries, quote, words))
    goals = [one for one in explanation.destinations if not one.mirror]
    yield from _section(words("destinations"), (_destination(one, quote, words) for one in goals))
    copies = [one for one in explanation.destinations if one.mirror]
    yield from _section(words("mirrors"), (_destination(one, quote, words) for one in copies))
    yield from _section(words("what is done to it"), _settings(explanation.effects, quote, words, quoted=True))
    others = (_object(one, quote, words) for one in explanation.beside[:MOST_OTHERS])
    yield from _section(words("has no say in it"), others)
    yield from _more(explanation.beside, MOST_OTHERS, words)
    several = [_object(one, quote, words) for one in explanation.unmodelled]
    yield from _section(words("not understood"), several)
    notices = ([f"{one.location}: {one.says}"] for one in explanation.notices[:MOST_OTHERS])
    yield from _section(words("to know"), notices)
    yield from _more(explanation.notices, MOST_OTHERS, words)
    if number := len(explanation.elsewhere):
        said = words("{n} about objects that it does not meet: -o json has them", n=words.amount(number, "notice"))
        yield from ("", said)


def summary(explanation: Explanation, words: Words = ENGLISH) -> Iterator[str]:
    """What becomes of it, in a line or two."""
    found = explanation.expectation
    passed_on = not found.route and any(one.share and one.workloads for one in found.arms)
    if explanation.unanswered and passed_on:
        yield words("no rule for HTTP has a say in it: {why}", why=explanation.unanswered)
    elif explanation.unanswered:
        yield words("nobody answers it: {why}", why=explanation.unanswered)
    by = words(", by the rule at {place}", place=found.route) if found.route else ""
    if found.undecided:
        yield words("it cannot be told what becomes of it: {why}", why=found.undecided)
    elif found.refused == UNREAD:
        yield words("nothing reads it as HTTP: {why}", why=found.note)
    elif found.refused:
        steps = {"connection": words("connection"), "handshake": words("handshake")}
        step = steps.get(found.refused, found.refused)
        yield words("its {step} is refused: {why}", step=step, why=found.note)
    elif found.redirect:
        sent = words("{status} to {target}", status=found.status, target=found.redirect.target)
        yield sent + (by or (f", {found.note}" if found.note else ""))
    elif found.status:
        told = dict(found.headers.exact).get("grpc-status") if found.request.is_call else None
        status = f"{found.status} (grpc-status {told})" if told else found.status
        answered = words("answered {status} by the proxy", status=status)
        yield (words("{what}: {says}", what=answered, says=found.note) if found.note else answered) + by
    else:
        odds = ", ".join(f"{one.destination} {percent(float(one.share))}" for one in found.arms)
        yield f"{odds}{by}"
    if not found.independent:
        yield words("which is not drawn for each request: {why}", why=found.dependence)
    if number := len(explanation.unmodelled):
        yield (
            words("all of this may be otherwise: one thing that it depends on is not understood")
            if number == 1
            else words("all of this may be otherwise: {n} things that it depends on are not understood", n=number)
        )


def _section(title: str, blocks: Iterator[list[str]] | list[list[str]]) -> Iterator[str]:
    first = True
    for block in blocks:
        if first:
            yield from ("", title)
            first = False
        yield from (f"  {line}" for line in block)


def _more(several: tuple[Object, ...], most: int, words: Words) -> Iterator[str]:
    if len(several) > most:
        yield "  " + words("and {n} more: -o json has them", n=f"{len(several) - most:,}")


def _object(one: Object, quote: Quote, words: Words) -> list[str]:
    head = words("{what}: {says}", what=one.what, says=one.says) if one.says else one.what
    # Every object begins with the same words, and they tell nothing.
    if one.location and quote(one.location).startswith(("apiVersion", "kind", "{")):
        return [f"{head}    {one.location}"]
    return [head, *_quoted(one.location, quote)]


def hiding(_place: Location | None) -> str:
    """In place of a line that is a credential."""
    return HIDDEN


def _quoted(place: Location | None, quote: Quote) -> list[str]:
    return [f"    {place}  | {quote(place)}"] if place else []


def _entries(entries: tuple[Entry, ...], quote: Quote, words: Words) -> Iterator[list[str]]:
    outcomes = {
        TAKEN: words("takes it"),
        MISSED: words("no"),
        NOT_FOR: words("no"),
        SHADOWED: words("never"),
        AFTER: words("not tried"),
        UNKNOWN: words("unknown"),
    }
    several = len({one.owner for one in entries}) > 1
    after = [number for number, one in enumerate(entries) if one.outcome == AFTER]
    left = set(after[MOST_AFTER:])
    for number, one in enumerate(entries):
        if number in left:
            continue
        place = one.match or one.rule
        owner = words(" of {owner}", owner=one.delegated_by or one.owner) if several else ""
        name = f" {one.name}" if one.name else ""
        head = f"{number + 1:>2}. {padded(outcomes[one.outcome], OUTCOME)}{name}{owner}  {place}  | {quote(place)}"
        lines = [head + (words(" (not for this client)") if one.outcome == NOT_FOR else "")]
        if one.delegated_by:
            lines.append("        " + words("delegated to {owner}", owner=one.owner))
            lines += [f"        {line}" for line in _quoted(one.rule, quote)]
        if one.miss:
            lines.append(f"        {worded(one.miss, words)}")
            if one.miss.location and one.miss.location != place:
                quoting = hiding if holds_credential(one.miss) else quote
                lines += [f"        {line}" for line in _quoted(one.miss.location, quoting)]
        if one.outcome == SHADOWED:
            lines.append("        " + words("the rule at {place} takes every request before it", place=one.by))
        if one.why:
            lines.append(f"        {one.why}")
        yield lines
    if left:
        rules = words.amount(len(left), "more rule")
        yield ["    " + words("and {rules} after the one that takes it", rules=rules)]


def _destination(one: Destination, quote: Quote, words: Words) -> list[str]:
    name = words("{destination}, port {port}", destination=one.name, port=one.port)
    lines = [f"{percent(one.share):>5}  {name}", f"  {_quoted(one.location, quote)[0]}"]
    if one.note:
        lines.append(f"       {one.note}")
    for pods in one.pods:
        amount = words.amount(pods.replicas, "pod")
        count = words("{pods} of {workload}", pods=amount, workload=f"{pods.kind} {pods.workload}")
        lines.append(f"       {count}    {pods.location}")
    if one.subset:
        lines.append(f"       {one.subset.what} ({one.subset.says})    {one.subset.location}")
    if one.by_hash:
        lines.append("       " + words("the pod is chosen by the hash of {what}", what=one.by_hash))
    if one.settings and all(each.origin == default(words) for each in one.settings):
        values = "; ".join(f"{each.name} {each.value}" for each in one.settings)
        return [*lines, "       " + words("Istio's defaults: {values}", values=values)]
    lines += [f"       {line}" for block in _settings(one.settings, quote, words, quoted=False) for line in block]
    return lines


def _settings(several: tuple[Setting, ...], quote: Quote, words: Words, *, quoted: bool) -> Iterator[list[str]]:
    wide = max((columns(one.name) for one in several), default=0)
    for one in several:
        origin = f"{one.origin}    {one.location}" if one.location and not quoted else one.origin
        name = padded(one.name, wide)
        if not one.counts:
            said = words("({value} does not count: {origin})", value=one.value, origin=origin)
            yield [f"{name}  {said}"]
            continue
        if not quoted:
            yield [f"{name}  {one.value}    ({one.origin})" + (f"    {one.location}" if one.location else "")]
            continue
        own = f"    ({one.origin})" if not one.location else ""
        yield [f"{name}  {one.value}{own}", *_quoted(one.location, quote)]
