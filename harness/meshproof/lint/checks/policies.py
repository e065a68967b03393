"""AuthorizationPolicies: pods that nothing has, and clients that nobody is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.folder import Folder, distinct
from meshproof.lint.raw import each
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.alike import nearest
from meshproof.mesh.build.workloads.at import at
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Labels, may_carry
from meshproof.mesh.model.security.authorization import STOCK, AuthorizationPolicy, known_labels

SPIFFE = "spiffe://"
LISTS = ("principals", "notPrincipals")
ACCOUNTS = ("serviceAccounts", "notServiceAccounts")


def for_no_pod(folder: Folder) -> Iterator[Found]:
    """Policies with a selector that fits no pod of their namespace, where the manifests have some."""
    mesh = folder.mesh
    every = tuple(pod.labels for pod in mesh.workloads)
    by_namespace = grouped((pod.namespace, pod.labels) for pod in mesh.workloads)
    serving = [*STOCK, *(known_labels(mesh.pods_of(one)[1]) for one in mesh.gateways)]
    for one in mesh.authorization_policies:
        wanted = (one.selector or {}).items()
        if not wanted or one.targets is not None or one.namespace not in folder.peopled:
            continue
        near = every if one.namespace == ROOT_NAMESPACE else by_namespace[one.namespace]
        # Pods of gateways are seldom among the manifests.
        if not any(may_carry(labels, one.selector or {}) for labels in near) and not any(
            wanted & pods.items() for pods in serving
        ):
            yield Found(one.location, _selecting(one, near))


def _selecting(policy: AuthorizationPolicy, near: Sequence[Labels]) -> str:
    wanted = (policy.selector or {}).items()
    shown = distinct(f"{name}: {value}" for name, value in wanted)
    known = grouped((name, value) for labels in near for name, value in labels.items())
    meant = (nearest(value, known.get(name, ())) for name, value in wanted if value not in known.get(name, ()))
    return f"no pod of {policy.namespace} has the labels of its selector ({shown}){next(meant, '')}"


def strangers(folder: Folder) -> Iterator[Found]:
    """Conditions on clients that name no ServiceAccount of any workload, in namespaces of which there are some."""
    pods = (one for one in folder.mesh.workloads if one.account)
    accounts = {name: set(several) for name, several in grouped((one.namespace, one.account) for one in pods).items()}
    for namespace, account in _further_accounts(folder):
        accounts.setdefault(namespace, set()).add(account)

    def look(resource: Resource) -> Iterator[Found]:
        for value in _sources(resource, *LISTS, *ACCOUNTS):
            namespace, account = _account(value, resource.namespace)
            there = accounts.get(namespace, set()) if namespace in folder.peopled else {account}
            if account and account not in there:
                text = f"no workload of {namespace} runs as the ServiceAccount {account}"
                yield Found(value.location, f"{text}{nearest(account, there)}")

    return each(folder.of_kind("AuthorizationPolicy", "security.istio.io"), look)


def _further_accounts(folder: Folder) -> Iterator[tuple[str, str]]:
    """Those that manifests tell of beside workloads', those of gateways' pods and of machines among them."""
    mesh = folder.mesh
    yield from ((one.namespace, one.name) for one in folder.of_kind("ServiceAccount", ""))
    yield from ((mesh.pods_of(one)[0], one.account) for one in mesh.gateways if one.account)
    for kind, path in (("WorkloadEntry", ("spec",)), ("WorkloadGroup", ("spec", "template"))):
        for resource in folder.of_kind(kind, "networking.istio.io"):
            said = at(resource.body, (*path, "serviceAccount"))
            if said and isinstance(said.data, str):
                yield resource.namespace, said.data


def _account(value: Value, own: str) -> tuple[str, str]:
    """The namespace and the name of the one account that a value names; empty where it is a pattern, or no name."""
    text = value.text()
    if value.name.startswith(ACCOUNTS):
        namespace, slash, account = text.rpartition("/")
        return namespace if slash else own, account
    match text.split("/"):
        case [domain, "ns", namespace, "sa", account] if domain and "*" not in text:
            return namespace, account
        case _:
            return "", ""


def no_principal(folder: Folder) -> Iterator[Found]:
    """Principals that no certificate of istiod has."""

    def look(resource: Resource) -> Iterator[Found]:
        for value in _sources(resource, *LISTS):
            text = value.text()
            if text.startswith(SPIFFE):
                yield Found(value.location, f"{value.shown} begins with {SPIFFE}, which istiod puts before it itself")
            elif text and "/" not in text and "*" not in text:
                yield Found(value.location, f"{value.shown} is no principal: no client's certificate says that alone")

    return each(folder.of_kind("AuthorizationPolicy", "security.istio.io"), look)


def _sources(resource: Resource, *names: str) -> Iterator[Value]:
    spec = resource.body.get("spec")
    for rule in spec.list("rules") if spec else ():
        for one in rule.list("from"):
            source = one.get("source")
            for name in names if source else ():
                yield from source.list(name) if source else ()


CHECKS = (
    Check(
        "MP115",
        Severity.WARNING,
        "An AuthorizationPolicy is for no pod",
        "Correct the selector, or the pods' labels.",
        for_no_pod,
    ),
    Check(
        "MP116",
        Severity.WARNING,
        "A policy names a client that no workload is",
        "Name the ServiceAccount that the client's pods have.",
        strangers,
    ),
    Check(
        "MP117",
        Severity.ERROR,
        "A principal that no client has",
        "Write `cluster.local/ns/NAMESPACE/sa/ACCOUNT`.",
        no_principal,
    ),
)
