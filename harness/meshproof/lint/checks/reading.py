"""What cannot be read, what a cluster would refuse, and what has no part in the picture of the mesh."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.folder import Folder
from meshproof.lint.raw import each, field
from meshproof.manifest.resource import AGAIN, BESIDE, NO_PART, Resource
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.topic import Topic

TWICE = "is given twice"
# Said by checks of their own, in the words of the topic's own code.
TOLD_ELSEWHERE = frozenset(
    {
        *(Topic.DELEGATE_LEFT_OUT, Topic.DELEGATE_MISSING, Topic.ROUTE_ALONE, Topic.PARENT_MISSING),
        *(Topic.HEADLESS, Topic.MUTUAL_TLS, Topic.PAST_SIDECAR, Topic.GATEWAY_UNREACHED, Topic.DENIED),
    }
)
# What is no flaw: who sends by a sidecar is not held up by who has none, and policies have checks of their own.
NO_FLAW = frozenset({Topic.NO_SIDECAR, Topic.OF_PODS})


def unreadable(folder: Folder) -> Iterator[Found]:
    """Documents that are no YAML, or no resource."""
    yield from (Found(one.location, one.message, fix=one.hint) for one in folder.unread)
    for refusal in folder.manifests.refusals:
        if refusal.resource is None:
            yield from (Found(one.location, one.message, fix=one.hint) for one in refusal.problems)


def refused(folder: Folder) -> Iterator[Found]:
    """Resources that the API server or istiod would not take, or that break all routes of a port in Envoy."""
    for one in folder.mesh.unmodelled:
        if one.is_wrong and one.kind != "document" and one.topic != Topic.REPEATED:
            yield Found(one.location, f"{one.subject}: {one.why}", fix=one.needs)


def twice(folder: Folder) -> Iterator[Found]:
    """Resources of one kind, namespace and name."""
    for refusal in folder.manifests.refusals:
        for one in refusal.problems:
            if refusal.resource and one.message.startswith(f"{refusal.resource} {TWICE}"):
                yield Found(one.location, one.message)


def unread(folder: Folder) -> Iterator[Found]:
    """Documents that are no manifests, or of kinds that nobody here knows."""
    return (
        Found(one.location, one.message)
        for one in folder.manifests.notices
        if one.topic not in (NO_PART, AGAIN, BESIDE)
    )


def unmodelled(folder: Folder) -> Iterator[Found]:
    """What decides requests and is not understood: nothing is said about what it does."""
    for one in folder.mesh.unmodelled:
        if not one.is_wrong and one.topic not in TOLD_ELSEWHERE | NO_FLAW:
            yield Found(one.location, f"{one.subject}: {one.why}")


def about(*topics: Topic) -> Callable[[Folder], Iterator[Found]]:
    """What building the mesh tells of these topics; of what stands at one place, once."""

    def find(folder: Folder) -> Iterator[Found]:
        yield from (Found(one.location, one.message) for one in folder.built.notices if one.topic in topics)
        parts = (one for one in folder.mesh.unmodelled if one.topic in topics)
        for (place, _), (first, *more) in grouped(((one.location, one.subject), one) for one in parts).items():
            others = f"; so it is with {len(more)} more" if more else ""
            yield Found(place, f"{first.subject}: {first.why}{others}", fix=first.needs)

    return find


def remarks(folder: Folder) -> Iterator[Found]:
    """What else reading and building tell."""
    several = (*folder.built.notices, *(one for one in folder.manifests.notices if one.topic in (AGAIN, BESIDE)))
    return (Found(one.location, one.message) for one in several if one.topic in ("", AGAIN, BESIDE))


def deprecated(folder: Folder) -> Iterator[Found]:
    """Fields that Istio keeps for old manifests alone."""
    yield from each(folder.of_kind("VirtualService"), _percent)
    yield from each(folder.of_kind("Sidecar"), _egress_proxy)


def _percent(resource: Resource) -> Iterator[Found]:
    for rule in resource.body.need("spec").list("http"):
        percent = field(rule, "fault", "delay", "percent")
        if percent is not None and percent.data:
            where = percent.key or percent.location
            yield Found(where, "fault.delay.percent is deprecated", fix="Write percentage: {value: …}.")


def _egress_proxy(resource: Resource) -> Iterator[Found]:
    proxy = field(resource.body, "spec", "outboundTrafficPolicy", "egressProxy")
    if proxy is not None:
        where = proxy.key or proxy.location
        yield Found(where, "outboundTrafficPolicy.egressProxy is ignored", fix="Route to the proxy by a rule.")


CHECKS = (
    Check("MP001", Severity.ERROR, "A document cannot be read", "Correct the YAML.", unreadable),
    Check(
        "MP002",
        Severity.ERROR,
        "A cluster or Envoy refuses the object",
        "Correct the field.",
        refused,
        ("IST0106", "IST0133"),
    ),
    Check("MP003", Severity.ERROR, "An object is given twice", "Keep one of the two.", twice),
    Check("MP004", Severity.INFO, "A document is not read", "Leave it out, or render it first.", unread),
    Check(
        "MP005",
        Severity.INFO,
        "Something is not modelled, so nothing is said about it",
        "Look at it yourself.",
        unmodelled,
    ),
    Check(
        "MP006",
        Severity.WARNING,
        "A field has no effect",
        "Complete it, or remove it.",
        about(Topic.NO_EFFECT),
        ("IST0133",),
    ),
    Check(
        "MP007", Severity.WARNING, "A field is deprecated", "Write the field in its place.", deprecated, ("IST0002",)
    ),
    Check("MP008", Severity.INFO, "Something else that is worth knowing", "Nothing need be done.", remarks),
)
