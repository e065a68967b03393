"""Gateways: the pods that serve them, the ports by which those are reached, and their certificates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from meshproof.errors import ManifestError
from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.checks.reading import about
from meshproof.lint.folder import Folder, distinct
from meshproof.lint.raw import each, field, texts
from meshproof.manifest.resource import Resource
from meshproof.mesh.build.match import CLAIMS
from meshproof.mesh.model import names
from meshproof.mesh.model.gateway import Gateway, Server
from meshproof.mesh.model.index import grouped
from meshproof.mesh.model.kubernetes import ROOT_NAMESPACE, Secret
from meshproof.mesh.model.topic import Topic
from meshproof.mesh.model.virtual_service import MESH_GATEWAY
from meshproof.mesh.predict.gateways.handshake import AUTHORITY_KEYS, CERTIFICATE_KEYS, unusable

# What the pods of gateways have by the usual installations, which are in no folder of manifests: Istio's own charts,
# the releases that its pages name (istio-ingress, istio-egress, samples/multicluster), and AKS' add-on.
INSTALLED = frozenset(
    {
        *(("istio", name) for name in ("ingressgateway", "egressgateway", "ingress", "egress", "eastwestgateway")),
        *(("app", f"istio-{name}") for name in ("ingressgateway", "egressgateway", "ingress", "egress")),
        ("app", "istio-eastwestgateway"),
        *(("istio", f"aks-istio-ingressgateway-{side}") for side in ("external", "internal")),
    }
)


def _gateways(folder: Folder) -> Iterator[Gateway]:
    return (one for one in folder.mesh.gateways if not one.listener)


def unserved(folder: Folder) -> Iterator[Found]:
    """Gateways that select no pod, though the manifests have workloads."""
    for one in _gateways(folder):
        usual = INSTALLED.issuperset(one.selector.items())
        if folder.peopled and not usual and not folder.mesh.serving(one):
            pairs = distinct(f"{name}: {value}" for name, value in one.selector.items())
            yield Found(one.location, f"Gateway {one.key} selects {pairs}, and no workload here has such pods")


def _secured(folder: Folder) -> Iterator[tuple[Gateway, Server]]:
    for one in _gateways(folder):
        yield from ((one, server) for server in one.servers if server.tls.credential_name)


def _credential(folder: Folder, one: Gateway, server: Server) -> tuple[str, Secret | None]:
    """The namespace in which its Secret has to be, and that Secret."""
    place = folder.mesh.pods_of(one)[0]
    several = folder.mesh.secrets_called(server.tls.credential_name)
    return place, next((secret for secret in several if secret.namespace == place), None)


def without_secret(folder: Folder) -> Iterator[Found]:
    """Secrets that are in another namespace than the gateway's pods, or not beside the others there."""
    places = {one.namespace for one in folder.mesh.secrets}
    for one, server in _secured(folder):
        place, secret = _credential(folder, one, server)
        name = server.tls.credential_name
        others = folder.mesh.secrets_called(name)
        where = server.tls.location or server.location
        if secret is None and others:
            text = f"the pods of Gateway {one.key} are in {place}, and the Secret {name} is in {others[0].namespace}"
            yield Found(where, text, others[0].location, f"Put the Secret into {place}.")
        elif secret is None and place in places:
            yield Found(where, f"there is no Secret {place}/{name}")


def broken_secret(folder: Folder) -> Iterator[Found]:
    """Secrets that hold no certificate and key that can be used."""
    for one, server in _secured(folder):
        _, secret = _credential(folder, one, server)
        why = _why_broken(secret) if secret else ""
        if secret and why:
            where = server.tls.location or server.location
            yield Found(where, f"the Secret {secret.namespace}/{secret.name} {why}", secret.location)


def _why_broken(secret: Secret) -> str:
    pair = next((keys for keys in CERTIFICATE_KEYS if all(key in secret.data for key in keys)), None)
    if pair is None:
        if any(key in secret.data for key in AUTHORITY_KEYS):
            return "holds an authority, and neither a certificate nor its key"
        return f"has no {' and '.join(CERTIFICATE_KEYS[0])}"
    return unusable(secret.data[pair[0]], secret.data[pair[1]])


def same_certificate(folder: Folder) -> Iterator[Found]:
    """Gateways for the same pods that show one certificate: browsers use one connection for the hosts of both."""
    pairs = grouped((server.tls.credential_name, (one, server)) for one, server in _secured(folder))
    for name, several in pairs.items():
        for at, (one, server) in enumerate(several):
            for other, _ in several[:at]:
                ours, theirs = one.selector.items(), other.selector.items()
                if one is not other and (ours <= theirs or theirs <= ours):
                    text = f"Gateway {other.key} shows the certificate {name}, too: a browser that keeps its connection"
                    yield Found(server.location, f"{text} gets 404 for the other one's hosts", other.location)
                    break


def idle(folder: Folder) -> Iterator[Found]:
    """Gateways that no VirtualService is bound to."""
    for one in _gateways(folder):
        if folder.mesh.virtual_services and not folder.mesh.bound_to(one.key):
            yield Found(one.location, f"no VirtualService here is bound to Gateway {one.key}")


def unchecked_claims(folder: Folder) -> Iterator[Found]:
    """Rules by claims of a token that nothing checks: they never match."""
    checked = []
    for one in folder.of_kind("RequestAuthentication", "security.istio.io"):
        with suppress(ManifestError):
            checked.append((one.namespace, texts(one.body, "spec", "selector", "matchLabels")))
    yield from each(folder.of_kind("VirtualService"), lambda resource: _claims(folder, resource, checked))


def _claims(folder: Folder, resource: Resource, checked: list[tuple[str, dict[str, str]]]) -> Iterator[Found]:
    spec = resource.body.need("spec")
    gateways = [names.gateway(one.text(), resource.namespace) for one in spec.list("gateways")]
    lacking = [one for one in gateways if one != MESH_GATEWAY and not _is_checked(folder, one, checked)]
    for rule in spec.list("http") if lacking else ():
        for match in rule.list("match"):
            for kind in ("headers", "withoutHeaders"):
                headers = field(match, kind)
                for name, value in (headers.fields() if headers else {}).items():
                    if name.startswith(CLAIMS):
                        text = (
                            f"{name} is the claim of a token, and no RequestAuthentication is for Gateway {lacking[0]}"
                        )
                        yield Found(value.key or value.location, text)


def _is_checked(folder: Folder, name: str, checked: list[tuple[str, dict[str, str]]]) -> bool:
    found = folder.mesh.gateway(name)
    if found is None:
        return True
    place, labels = folder.mesh.pods_of(found)
    return any(own in (place, ROOT_NAMESPACE) and wanted.items() <= labels.items() for own, wanted in checked)


CHECKS = (
    Check(
        "MP050",
        Severity.WARNING,
        "A Gateway selects no pod",
        "Correct the selector.",
        unserved,
        ("IST0101",),
    ),
    Check(
        "MP051",
        Severity.WARNING,
        "Nobody gets to a Gateway, or to a port of it",
        "Add the port to the Service of the gateway's pods, or start these.",
        about(Topic.GATEWAY_UNREACHED),
        ("IST0162",),
    ),
    Check(
        "MP052",
        Severity.WARNING,
        "A Gateway's Secret is not where its pods are",
        "Add the Secret to the namespace of the gateway's pods.",
        without_secret,
        ("IST0101",),
    ),
    Check(
        "MP053",
        Severity.ERROR,
        "A Gateway's Secret cannot be used",
        "Put a certificate and its key into the Secret.",
        broken_secret,
        ("IST0161",),
    ),
    Check(
        "MP054",
        Severity.WARNING,
        "Two Gateways show one certificate",
        "Put both servers into one Gateway.",
        same_certificate,
        ("IST0138",),
    ),
    Check(
        "MP055",
        Severity.INFO,
        "No VirtualService is bound to a Gateway",
        "Bind a VirtualService to it, or remove it.",
        idle,
    ),
    Check(
        "MP056",
        Severity.ERROR,
        "A rule goes by claims that nothing checks",
        "Write a RequestAuthentication for the gateway's pods.",
        unchecked_claims,
        ("IST0149",),
    ),
)
