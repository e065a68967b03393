"""What stands in, for which manifests, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

from meshproof.manifest.resource import Manifests, Notice, Resource
from meshproof.mesh.build.stand_ins import gateways, pods, services, subsets
from meshproof.mesh.model.kubernetes import Labels, Service, Workload
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Called, Clients, Entering, Pods, Received, Touches, Unmodelled
from meshproof.records import dataclass

if TYPE_CHECKING:
    from meshproof.mesh.build.stand_ins import certificates

MOST_NAMED = 12
WRITE = "write it beside these manifests"


@dataclass(frozen=True, slots=True)
class StandingIn:
    """How it is stood in: `asked` are hosts that requests ask gateways for.

    `strict`: not at all, everything that is lacking is refused. `like`: these and no others, which are those of
    what is specified, so that what is applied is held against the same.
    """

    asked: tuple[str, ...] = ()
    strict: bool = False
    like: tuple[Resource, ...] | None = None


@dataclass(slots=True)
class Needed:
    """Resources that stand in, what is said of them, and what is not known though they do."""

    resources: list[Resource] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    unmodelled: list[Unmodelled] = field(default_factory=list)


def needed(manifests: Manifests, mesh: Mesh, how: StandingIn) -> Needed:
    """What has to stand in for a mesh of these manifests."""
    new = services.lacking(manifests, mesh)
    divided = subsets.lacking(manifests, mesh, new)
    known = (*mesh.destination_rules, *subsets.rules(divided))
    whole = replace(mesh, services=(*mesh.services, *new), destination_rules=known)
    secrets: list[certificates.Lacking] = []
    if mesh.gateways:
        from meshproof.mesh.build.stand_ins.certificates import lacking, secret

        secrets = lacking(mesh, how.asked)
    if how.like is not None:
        return Needed(list(_like(how.like, manifests, mesh)))
    entrances = gateways.lacking(manifests, mesh)
    if how.strict:
        return Needed(
            unmodelled=[*_refused(new, pods.without_pods(mesh), secrets), *_missing(entrances), *_undefined(divided)]
        )
    found = Needed()
    taken = {(one.namespace, one.name) for one in mesh.workloads}
    alone = pods.without_pods(whole)
    lonely = [one for one in alone if one not in new]
    others: dict[str, Workload] = {}
    if lonely:
        from meshproof.mesh.build.stand_ins.meant import meant, told

        others = meant(mesh, lonely)
        found.unmodelled += [told(one, others[one.host]) for one in lonely if one.host in others]
    made = {one.host: list(pods.deployments(one, whole, taken)) for one in alone if one.host not in others}
    found.resources += [services.resource(one) for one in new]
    found.resources += [subsets.resource(one) for one in divided]
    found.resources += [one for several in made.values() for one in several]
    found.resources += [secret(one) for one in secrets]
    found.resources += [gateways.resource(one) for one in entrances]
    found.notices += _entered(entrances)
    found.notices += _routing_alone(mesh, new, made)
    found.notices += _divided(divided)
    found.notices += [Notice(one.location, pods.summary(one, made[one.host])) for one in _selecting(mesh, made)]
    found.notices += [Notice(one.location, _certificate(one)) for one in secrets]
    found.unmodelled += [part for one in secrets for part in _signed(one)]
    return found


def broadened(
    unmodelled: Iterable[Unmodelled], workloads: Sequence[Workload], entered: Sequence[Labels] = ()
) -> Iterator[Unmodelled]:
    """What touches pods by labels may touch a workload that stands in: not all labels of the real one are known.

    Whatever has all the labels that a Gateway selects (`entered`) is one of its pods, and no other.
    """
    for one in unmodelled:
        more = [touch for each in one.touches for touch in _possible(each, workloads, entered)]
        yield replace(one, touches=(*one.touches, *more)) if more else one


def _possible(touch: Touches, workloads: Sequence[Workload], entered: Sequence[Labels]) -> Iterator[Touches]:
    if isinstance(touch, Pods | Received | Clients) and touch.labels:
        of_gateways = any(labels and labels.items() <= touch.labels.items() for labels in entered)
        for one in workloads:
            if of_gateways and not touch.labels.items() <= one.labels.items():
                continue
            free = all(one.labels.get(name, value) == value for name, value in touch.labels.items())
            if touch.namespace in ("", one.namespace) and free:
                yield replace(touch, namespace=one.namespace, labels=one.labels)


def _like(like: Sequence[Resource], manifests: Manifests, mesh: Mesh) -> Iterator[Resource]:
    """Those that the applied manifests lack as well."""
    new = [one for one in like if one.identity not in {own.identity for own in manifests.resources}]
    selectors = [(one.namespace, one.selector) for one in pods.without_pods(mesh)]
    selectors += [(one.namespace, _texts(one, "selector")) for one in new if one.kind == "Service"]
    for one in new:
        if one.kind == "DestinationRule" and mesh.destination_rules:
            continue
        labels = _texts(one, "template", "metadata", "labels") if one.kind == "Deployment" else {}
        if one.kind != "Deployment" or any(
            one.namespace == place and wanted.items() <= labels.items() for place, wanted in selectors
        ):
            yield one


def _texts(resource: Resource, *path: str) -> Labels:
    found = resource.body.need("spec")
    for name in path:
        found = found.need(name)
    return {name: one.text() for name, one in found.fields().items()}


def _selecting(mesh: Mesh, made: dict[str, list[Resource]]) -> Iterator[Service]:
    return (one for one in mesh.services if one.host in made)


def _routing_alone(mesh: Mesh, new: Sequence[Service], made: dict[str, list[Resource]]) -> Iterator[Notice]:
    if new:
        called = services.summary(new)
        each = [f"{called[one.host]} ({', '.join(two.name for two in made[one.host])})" for one in new[:MOST_NAMED]]
        more = [f"and {len(new) - MOST_NAMED} more"] if len(new) > MOST_NAMED else []
        why = "these manifests hold routing alone"
        if all(services.ISTIOD.fullmatch(one.host) for one in new):
            why = "istiod, which rules refer to, is not among these manifests"
        elif mesh.services or mesh.workloads:
            why = "no Service that rules refer to is among these manifests"
        text = f"{why}: Services and workloads stand in for {', '.join((*each, *more))}"
        yield Notice(new[0].location, text)


def _entered(entrances: Sequence[gateways.Lacking]) -> Iterator[Notice]:
    if entrances:
        each = [one.summary for one in entrances[:MOST_NAMED]]
        more = [f"and {len(entrances) - MOST_NAMED} more"] if len(entrances) > MOST_NAMED else []
        text = f"Gateways that are not among these manifests are stood in for: {', '.join((*each, *more))}"
        yield Notice(entrances[0].location, text)


def _divided(several: Sequence[subsets.Lacking]) -> Iterator[Notice]:
    if several:
        each = [one.summary for one in several[:MOST_NAMED]]
        more = [f"and {len(several) - MOST_NAMED} more"] if len(several) > MOST_NAMED else []
        text = f"no DestinationRule is among these manifests: subsets stand in for {', '.join((*each, *more))}"
        yield Notice(several[0].location, text)


def _undefined(several: Iterable[subsets.Lacking]) -> Iterator[Unmodelled]:
    for one in several:
        name, why = f"DestinationRule {one.service.namespace}/{one.service.name}", "is not among the manifests"
        yield Unmodelled("DestinationRule", name, one.location, why, (Called((one.service.host,)),), WRITE)


def _missing(entrances: Sequence[gateways.Lacking]) -> Iterator[Unmodelled]:
    """Those of Istio: of the others each route tells it."""
    why = "is not among the manifests"
    for one in entrances:
        if not one.api:
            yield Unmodelled("Gateway", f"Gateway {one.key}", one.location, why, (Entering(one.key),), WRITE)


def _certificate(one: certificates.Lacking) -> str:
    text = f"no {one.called} is among the manifests (cert-manager and others make one in a cluster)"
    if one.file:
        text = f"{one.called} is not among the manifests"
    return f"{text}: a self-signed certificate stands in, in {one.namespace}"


def _signed(one: certificates.Lacking) -> Iterator[Unmodelled]:
    why = f"no {one.called} is among the manifests: whose client certificates are accepted is not known"
    needs = f"write a Secret {one.name} with ca.crt"
    if one.file:
        why = "a file of the gateway's pods says whose client certificates are accepted"
        needs = "name a Secret with ca.crt by credentialName"
    for gateway, port, hosts in dict.fromkeys(one.mutual):
        yield Unmodelled(
            "Gateway", f"Gateway {gateway}", one.location, why, (Entering(gateway, port, hosts=hosts),), needs
        )


def _refused(
    new: Sequence[Service], alone: Sequence[Service], secrets: Sequence[certificates.Lacking]
) -> Iterator[Unmodelled]:
    for service in new:
        name = f"Service {service.namespace}/{service.name}"
        yield Unmodelled(
            "Service", name, service.location, "is not among the manifests", (Called((service.host,)),), WRITE
        )
    for service in alone:
        name = f"Service {service.namespace}/{service.name}"
        why = "no workload among the manifests carries the labels that it selects"
        yield Unmodelled("Service", name, service.location, why, (Called((service.host,)),), WRITE)
    for secret in secrets:
        name = secret.called if secret.file else f"Secret {secret.namespace}/{secret.name}"
        touches = tuple(Entering(*one) for one in secret.servers)
        needs = f"name a Secret by credentialName, and {WRITE}" if secret.file else WRITE
        yield Unmodelled("Secret", name, secret.location, "is not among the manifests", touches, needs)
