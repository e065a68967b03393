"""Which documents have to be read for some requests: what none of them can meet need not even be parsed.

The choice goes by words alone: a document counts as soon as a name stands in it that matters, whatever it stands for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from meshproof.border.request import Request
from meshproof.errors import ManifestError
from meshproof.manifest.compose import Document
from meshproof.manifest.documents.lists import expanded
from meshproof.manifest.documents.other_files import is_kustomization
from meshproof.manifest.documents.unread import WORD, Unread
from meshproof.manifest.fields.kubernetes import WORKLOADS
from meshproof.manifest.kinds import ACCEPTED
from meshproof.manifest.value import Value
from meshproof.mesh.coverage.breaking import may_break
from meshproof.mesh.coverage.entering import surely_elsewhere
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN
from meshproof.mesh.model.names import ADDRESS

ROUTING = frozenset({"VirtualService", "DestinationRule"})
BY_WORDS = ROUTING | WORKLOADS.keys() | {"Service"}
"""The kinds of which a document is read only where it matters; all others always are."""
ROLLOUT, REFERENCE = "Rollout", "workloadref"
GATEWAY = "Gateway"
MOST_FRONTS = 50
ALIAS, LABELS = frozenset({"externalname"}), frozenset({"labels"})

Choice = Callable[[Sequence[Unread]], Sequence[Unread]]


def asked(requests: Iterable[Request], sender: str = "") -> Choice:
    """The choice for these requests, which `sender` (`namespace/workload`) sends."""
    requests = tuple(requests)
    hosts = {host.lower() for one in requests for host in (one.host, one.domain)}
    connecting = any(one.is_tcp for one in requests)
    people = frozenset(WORD.findall(sender.lower()))
    entered = {word for one in requests for word in WORD.findall(one.gateway.lower())}

    def choose(several: Sequence[Unread]) -> Sequence[Unread]:
        if any(ADDRESS.fullmatch(host) for host in hosts) or not all(one.is_literal for one in several):
            return several
        inside = not any(one.gateway for one in requests) and _are_services(several, hosts)
        if connecting and not inside and any(one.kind == GATEWAY for one in several):
            # The rules of a gateway for connections are found by no name.
            return several
        words = {host.partition(".")[0] for host in hosts}
        named = [one for one in several if _is_named_alone(one)]
        if not inside:
            named = surely_elsewhere(named, words | entered) if not connecting else []
        return _chosen(several, words, people, named)

    return choose


def _are_services(several: Sequence[Unread], hosts: Iterable[str]) -> bool:
    """Whether each of some hosts is surely a Service's, so that no Gateway is asked for it.

    What a kustomization calls a patch is no Service.
    """
    if any(is_kustomization(one.file) for one in several):
        return False
    asked = [f"{host.removesuffix('.')}." for host in hosts]
    names = {one.partition(".")[0] for one in asked}
    called = [one for one in several if one.kind == "Service" and one.name in names and not _is_alias(one)]
    whole = [f"{one.name}.{one.namespace}.{CLUSTER_DOMAIN}." for one in called if not _is_always_read(one)]
    return all(any(full.startswith(host) for full in whole) for host in asked)


def _is_named_alone(one: Unread) -> bool:
    """Whether it is a Gateway of Istio's, which is found by the rules that name it, or by requests that it serves."""
    return one.kind == GATEWAY and one.version in ACCEPTED[GATEWAY]


def _is_always_read(one: Unread) -> bool:
    if one.kind not in BY_WORDS or one.version not in ACCEPTED[one.kind]:
        return True
    return one.kind in ROUTING and (one.has_pattern or may_break(one))


def _chosen(
    several: Sequence[Unread], words: set[str], people: frozenset[str], gateways: Sequence[Unread]
) -> list[Unread]:
    """The documents for requests with these words; no Gateway of `gateways` counts unless a rule names it."""
    unnamed = {id(one) for one in gateways}
    always = [one for one in several if _is_always_read(one) and id(one) not in unnamed]
    names = {name for one in several for name in _called(one)}
    # A Gateway is named by rules, and names none itself: of its words none leads on.
    asked, words = words, words.union(*(one.words & names for one in always if one.kind != GATEWAY))
    read = {id(one) for one in always}
    routing = [one for one in several if (one.kind in ROUTING and id(one) not in read) or _is_alias(one)]
    met: list[Unread] = []
    new = words
    while new:
        added = [one for one in routing if one.has_any(new)]
        taken = {id(one) for one in added}
        routing = [one for one in routing if id(one) not in taken]
        met += added
        new = (_mentioned(added) & names) - words
        words |= new
    naming = frozenset().union(*(one.words for one in (*always, *met))) if gateways else frozenset()
    always += [one for one in gateways if naming.issuperset(WORD.findall(one.name))]
    services = [one for one in several if one.kind == "Service" and one.name in words]
    pods = [*_pods(several, (*always, *services), people)]
    rollouts = [*_rollouts(several, (*always, *met), pods)]
    fronts = _fronts(several, (*services, *(one for one in always if one.kind == GATEWAY)), pods)
    chosen = {id(one) for one in (*always, *met, *services, *pods, *fronts, *rollouts, *_referred(several, rollouts))}
    chosen |= {id(one) for one in _given_twice(several, chosen)}
    found = [one for one in several if id(one) in chosen]
    # Whether Services and Gateways stand in is told by all documents, unless rules here refer to one that is there.
    rules = (one for one in (*met, *always) if one.kind in ROUTING or one.kind.endswith(("Route", "Ingress")))
    referred = asked.union(*(one.words for one in rules))
    return found if any(one.name in referred for one in services) else [*several]


def _is_alias(one: Unread) -> bool:
    """Whether it is a Service that may stand for another one."""
    return one.kind == "Service" and one.has_all(ALIAS)


def _called(one: Unread) -> Iterator[str]:
    """The names by which a VirtualService may mean what is in a document."""
    if one.kind in ("Service", "VirtualService"):
        yield one.name
    yield from one.hosts


def _mentioned(several: Iterable[Unread]) -> set[str]:
    return {word for one in several if one.kind == "VirtualService" or _is_alias(one) for word in one.words}


def _pods(several: Iterable[Unread], selecting: Iterable[Unread], people: frozenset[str]) -> Iterator[Unread]:
    """The workloads that send requests, or carry all words of labels by which these select pods."""
    workloads = [one for one in several if one.kind in WORKLOADS]
    selectors = [*dict.fromkeys(_selectors(selecting))] if workloads else []
    for one in workloads:
        # Without labels of its own that can be read it may be selected by anything.
        if one.name in people or not one.has_all(LABELS) or any(one.has_all(wanted) for wanted in selectors):
            yield one


def _fronts(several: Iterable[Unread], selecting: Iterable[Unread], pods: Iterable[Unread]) -> Iterator[Unread]:
    """Further Services of the pods that these select: those beside them with the words of a label of theirs.

    A label that many have is none by which a Service finds pods of its own: that of a version, or of a whole team.
    """
    wanted = [*_selectors(selecting)]
    chosen = [one for one in pods if any(one.has_all(words) for words in wanted)]
    labels = {words for one in chosen for body in _bodies(one) for words in _carried(body)}
    places = {one.namespace for one in chosen}
    near = [one for one in several if one.kind == "Service" and (places & {one.namespace, ""} or not one.namespace)]
    for words in labels:
        having = [one for one in near if one.has_all(words)]
        yield from having if len(having) <= MOST_FRONTS else ()


def _carried(body: Value) -> Iterator[frozenset[str]]:
    """The words of each label that the pods of a workload have."""
    template = _within(_within(body, "spec"), "template") or body
    labels = _within(_within(template, "metadata"), "labels")
    for one in labels.fields().values() if labels else ():
        yield frozenset(WORD.findall(one.text_form.lower()))


def _rollouts(several: Iterable[Unread], met: Iterable[Unread], pods: Iterable[Unread]) -> Iterator[Unread]:
    """The Rollouts whose controller writes into routing that is met, or whose pods are like those of a workload."""
    written = {one.name for one in met if one.kind in ROUTING}
    like = {one.name for one in pods}
    for one in several:
        if one.kind == ROLLOUT and one.has_any(written | like if REFERENCE in one.words else written):
            yield one


def _referred(several: Iterable[Unread], rollouts: Iterable[Unread]) -> Iterator[Unread]:
    """The workloads that have the templates of Rollouts."""
    words = {word for one in rollouts if REFERENCE in one.words for word in one.words}
    return (one for one in several if one.kind in WORKLOADS and one.name in words)


def _given_twice(several: Sequence[Unread], chosen: set[int]) -> Iterator[Unread]:
    """What may be the same object as one that is read: a cluster has only one of the two."""
    known: dict[tuple[str, str], set[str]] = {}
    anywhere: set[str] = set()
    for one in several:
        if id(one) in chosen and one.kind in BY_WORDS:
            known.setdefault((one.kind, one.name), set()).add(one.namespace)
        elif not one.kind or one.kind.endswith("List"):
            anywhere |= one.words
    for one in several:
        places = known.get((one.kind, one.name), set())
        here = one.namespace in places or "" in places or (places and not one.namespace)
        if here or (one.name and anywhere.issuperset(WORD.findall(one.name))):
            yield one


def _selectors(several: Iterable[Unread]) -> Iterator[frozenset[str]]:
    """The words of the labels by which each of these selects pods."""
    for one in several:
        for body in _bodies(one):
            yield from _selected(body)


def _bodies(one: Unread) -> Iterator[Value]:
    for document in one.documents:
        if isinstance(document, Document):
            yield from (item.body for item in _items(document))


def _items(document: Document) -> list[Document]:
    try:
        return [*expanded(document)]
    except ManifestError:
        return []


def _selected(body: Value) -> Iterator[frozenset[str]]:
    spec = _within(body, "spec")
    for labels in (_within(spec, "selector"), _within(_within(spec, "workloadSelector"), "labels")):
        values = [one.text_form.lower() for one in labels.fields().values()] if labels else []
        if values:
            yield frozenset(word for value in values for word in WORD.findall(value))


def _within(holder: Value | None, name: str) -> Value | None:
    """A mapping within a mapping, whatever else may stand there."""
    found = holder.fields().get(name) if holder else None
    return found if found is not None and isinstance(found.data, Mapping) else None
