"""Versions: subsets that select nothing, that nobody asks for, and versions that get no request."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.checks.reading import about
from meshproof.lint.folder import Folder, distinct
from meshproof.mesh.build.stand_ins.meant import meant
from meshproof.mesh.build.stand_ins.pods import without_pods
from meshproof.mesh.model.destination_rule import DestinationRule
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import CLUSTER_DOMAIN, Service, Workload
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.virtual_service import MESH_GATEWAY, Destination, HttpRoute
from meshproof.mesh.predict.policies import destination_rules

# Labels that istiod adds to what it knows of a pod, by the node that it runs on.
OF_NODES = ("topology.kubernetes.io/", "topology.istio.io/", "kubernetes.io/hostname")

Use = tuple[str, Destination, bool]


def _services(folder: Folder) -> Iterator[tuple[DestinationRule, Service]]:
    """The DestinationRules for one Service that has pods among the manifests, all of which are known."""
    for rule in folder.mesh.destination_rules:
        service = folder.mesh.service(rule.host)
        if service is not None and folder.mesh.behind(service) and service.host not in folder.refused_pods:
            yield rule, service


def empty(folder: Folder) -> Iterator[Found]:
    """Subsets that select none of the Service's pods, and that a rule sends to."""
    return (found for sent, found in _empty(folder) if sent)


def idle(folder: Folder) -> Iterator[Found]:
    """The same of subsets that no rule sends to."""
    return (found for sent, found in _empty(folder) if not sent)


def _empty(folder: Folder) -> Iterator[tuple[bool, Found]]:
    for rule, service in _services(folder):
        pods = folder.mesh.behind(service)
        for one in rule.subsets:
            wanted = {name: value for name, value in one.labels.items() if not name.startswith(OF_NODES)}
            selected = [pod for pod in pods if wanted.items() <= pod.labels.items()]
            if any(pod.replicas for pod in selected):
                continue
            shown = distinct(f"{name}: {value}" for name, value in wanted.items())
            text = f"no pod of {service.called} has the labels of subset {one.name} ({shown})"
            if selected:
                named = distinct(f"{pod.kind} {pod.key}" for pod in selected)
                text = f"subset {one.name} of {service.called} is {named} alone, with replicas: 0"
            sent = any(aim.subset == one.name for _, aim, given in uses(folder).get(rule.host, ()) if given)
            yield sent, Found(one.location, text, selected[0].location if selected else None)


def uses(folder: Folder) -> dict[str, tuple[Use, ...]]:
    """Who sends to each host: the namespace of the rule, the destination, and whether it gets anything."""
    return folder.mesh.once(("lint", "uses"), lambda: grouped((use[1].host, use) for use in _uses(folder)))


def _uses(folder: Folder) -> Iterator[Use]:
    for one in folder.mesh.virtual_services:
        for route in one.rules:
            alone = len(route.destinations) == 1
            yield from ((one.namespace, each.destination, alone or each.weight > 0) for each in route.destinations)
            if isinstance(route, HttpRoute):
                yield from ((one.namespace, each.destination, True) for each in route.mirrors)


def unused(folder: Folder) -> Iterator[Found]:
    """Subsets that no rule sends to, of hosts that rules send to."""
    for rule in folder.mesh.destination_rules:
        sent = uses(folder).get(rule.host, ())
        named = {destination.subset for _, destination, _ in sent}
        if not named - {""} or rule.host in folder.refused_aims:
            continue
        for one in rule.subsets:
            if one.name not in named:
                yield Found(one.location, f"no rule sends anything to subset {one.name} of {rule.host}")


def dark(folder: Folder) -> Iterator[Found]:
    """Workloads of a Service that no rule of its VirtualService leads to."""
    for service, pod, weighed in _dark(folder):
        if not weighed:
            text = f"{pod.kind} {pod.key} is behind {service.called}, and no rule for it sends any request there"
            yield Found(pod.location, text, service.location)


def weighed_out(folder: Folder) -> Iterator[Found]:
    """Workloads whose every destination has a weight of 0."""
    for _, pod, weighed in _dark(folder):
        for one in weighed[:1]:
            yield Found(one.location, f"{pod.kind} {pod.key} gets no request: its weight is 0", pod.location)


def _dark(folder: Folder) -> Iterator[tuple[Service, Workload, tuple[Destination, ...]]]:
    mesh = folder.mesh
    for host in mesh.naming(MESH_GATEWAY).exact:
        service = mesh.service(host) if host not in folder.refused_aims else None
        pods = [one for one in mesh.behind(service) if one.replicas] if service else []
        if service is None or len(pods) < 2 or any(route.missing for route in _rules(folder, host)):
            continue
        reached: set[str] = set()
        weighed: dict[str, list[Destination]] = {}
        for namespace, destination, given in uses(folder).get(host, ()):
            places = dict.fromkeys((namespace, service.namespace))
            found = [
                one for place in places for one in destination_rules.selected(mesh, service, destination.subset, place)
            ]
            if given:
                reached.update(one.key for one in found)
            else:
                for one in found:
                    weighed.setdefault(one.key, []).append(destination)
        # Rules that lead nowhere among these pods, as a redirect does, leave none of them out.
        if reached or weighed:
            for pod in pods:
                if pod.key not in reached:
                    yield service, pod, tuple(weighed.get(pod.key, ()))


def _rules(folder: Folder, host: str) -> Iterator[HttpRoute]:
    bound = folder.mesh.bound_to(MESH_GATEWAY)
    for at in folder.mesh.naming(MESH_GATEWAY).exact.get(host, ()):
        yield from bound[at].http


def past_the_rules(folder: Folder) -> Iterator[Found]:
    """Rules of a gateway that send to a Service whose versions are told apart within the mesh alone."""
    mesh = folder.mesh
    splitting = {
        host
        for one in mesh.bound_to(MESH_GATEWAY)
        for route in one.rules
        for host in one.hosts
        if any(each.destination.subset and each.destination.host == host for each in route.destinations)
    }
    for one in mesh.virtual_services:
        if one.gateway_api or MESH_GATEWAY in one.gateways:
            continue
        for route in one.http:
            for aim in route.aims:
                if aim.host in splitting and not aim.subset:
                    text = f"requests by this gateway get any version of {aim.host}"
                    yield Found(aim.location, f"{text}: the VirtualService that splits it is for the mesh alone")


def unknown(folder: Folder) -> Iterator[Found]:
    """DestinationRules for hosts that should be here: those of the namespaces of the manifests."""
    return (found for host, found in _strange(folder) if _place(host) in (*folder.namespaces, ""))


def elsewhere(folder: Folder) -> Iterator[Found]:
    """DestinationRules for Services of other namespaces."""
    return (found for host, found in _strange(folder) if _place(host) not in (*folder.namespaces, ""))


def _strange(folder: Folder) -> Iterator[tuple[str, Found]]:
    if folder.mesh.services:
        told = {one.location for one in folder.built.notices if one.topic == Topic.RULE_HOST}
        for rule in folder.mesh.destination_rules:
            if rule.location in told and rule.host not in folder.refused_hosts:
                yield rule.host, Found(rule.location, f"{rule.host} is no Service of these manifests")


def _place(host: str) -> str:
    """The namespace of a Service's full name; empty for another host."""
    own = host.removesuffix(f".{CLUSTER_DOMAIN}")
    return own.partition(".")[2] if own != host else ""


def nobody(folder: Folder) -> Iterator[Found]:
    """Services that select no pod, in namespaces of which there are workloads."""
    others = meant(folder.mesh, without_pods(folder.mesh))
    for one in folder.mesh.services:
        if one.hostname or not one.selector or one.namespace not in folder.peopled or folder.mesh.behind(one):
            continue
        if one.host in others or one.host in folder.refused_pods:
            continue
        shown = distinct(f"{name}: {value}" for name, value in one.selector.items())
        yield Found(one.location, f"Service {one.namespace}/{one.name} selects no pod here ({shown})")


CHECKS = (
    Check(
        "MP060",
        Severity.ERROR,
        "A subset selects no pod",
        "Correct the subset's labels, or those of the pods.",
        empty,
        ("IST0173",),
    ),
    Check(
        "MP061",
        Severity.WARNING,
        "A DestinationRule is for no Service",
        "Correct the host.",
        unknown,
        ("IST0174",),
    ),
    Check("MP062", Severity.INFO, "A subset is never sent to", "Send something to it, or remove it.", unused),
    Check(
        "MP063",
        Severity.WARNING,
        "A version gets no request",
        "Give it a subset and a weight, or take it from the Service.",
        dark,
    ),
    Check("MP064", Severity.INFO, "A weight of 0 leaves a version dark", "Give it a weight.", weighed_out),
    Check(
        "MP065",
        Severity.INFO,
        "Weights do not sum to 100",
        "Let the weights of a rule sum to 100.",
        about(Topic.WEIGHTS),
    ),
    Check(
        "MP066",
        Severity.INFO,
        "A gateway's rule goes past those of the mesh",
        "Name the subset in the gateway's rule, too.",
        past_the_rules,
        ("IST0140",),
    ),
    Check("MP067", Severity.INFO, "A Service selects no pod", "Correct the selector, or the pods' labels.", nobody),
    Check(
        "MP068",
        Severity.INFO,
        "A DestinationRule is for a Service that is not among these manifests",
        "Lint it together with the Service.",
        elsewhere,
        ("IST0174",),
    ),
    Check(
        "MP069",
        Severity.INFO,
        "A subset that is never sent to selects no pod",
        "Correct the subset's labels, or remove it.",
        idle,
        ("IST0173",),
    ),
)
