"""TLS to a destination, and by which authorities its certificate is verified."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.checks.reading import about
from meshproof.lint.folder import Folder
from meshproof.lint.raw import each, field, text
from meshproof.manifest.resource import Resource
from meshproof.manifest.value import Value
from meshproof.mesh.model.topic import Topic

# VERIFY_CERT_AT_CLIENT, which is on since Istio 1.20.
SYSTEM = "the authorities of the proxy's system are taken, and before Istio 1.20 nothing was verified"
VERIFYING = frozenset({"SIMPLE", "MUTUAL"})


def _unverified(holder: Value | None, *, selecting: bool) -> Value | None:
    tls = field(holder, "tls")
    named = bool(text(tls, "credentialName")) and selecting
    known = text(tls, "mode") in VERIFYING and not text(tls, "caCertificates")
    return tls if tls is not None and known and not named and not _skips(tls) else None


def _skips(tls: Value) -> bool:
    found = tls.get("insecureSkipVerify")
    return found is not None and found.data is True


def _whole(resource: Resource) -> Iterator[Found]:
    spec = resource.body.need("spec")
    selecting = spec.get("workloadSelector") is not None
    tls = _unverified(spec.get("trafficPolicy"), selecting=selecting)
    if tls is not None:
        host, mode = text(spec, "host"), text(tls, "mode")
        yield Found(tls.key or tls.location, f"TLS of mode {mode} to {host} names no caCertificates: {SYSTEM}")


def _ports(resource: Resource) -> Iterator[Found]:
    spec = resource.body.need("spec")
    selecting = spec.get("workloadSelector") is not None
    policy = spec.get("trafficPolicy")
    for setting in policy.list("portLevelSettings") if policy else ():
        tls = _unverified(setting, selecting=selecting)
        if tls is not None:
            number = field(setting, "port", "number")
            where = f"port {number.shown} of {text(spec, 'host')}" if number else text(spec, "host")
            yield Found(tls.key or tls.location, f"TLS of mode {text(tls, 'mode')} to {where} names none: {SYSTEM}")


def destinations(folder: Folder) -> Iterator[Found]:
    """Policies for all ports."""
    return each(folder.of_kind("DestinationRule"), _whole)


def ports(folder: Folder) -> Iterator[Found]:
    """Policies for one port."""
    return each(folder.of_kind("DestinationRule"), _ports)


CHECKS = (
    Check(
        "MP080",
        Severity.INFO,
        "TLS names no authority",
        "Name caCertificates, unless a public authority signed the certificate.",
        destinations,
        ("IST0128",),
    ),
    Check(
        "MP081",
        Severity.INFO,
        "TLS of a port names no authority",
        "Name caCertificates, unless a public authority signed the certificate.",
        ports,
        ("IST0129",),
    ),
    Check(
        "MP082",
        Severity.ERROR,
        "The sidecars of the called pods do not take how they are called",
        "Leave tls out, so that each pod is called as its sidecar takes it.",
        about(Topic.MUTUAL_TLS),
    ),
    Check(
        "MP083",
        Severity.ERROR,
        "A port is called in mutual TLS, past the sidecar that would take it",
        "Have it called in plain text, or leave the annotation out.",
        about(Topic.PAST_SIDECAR),
    ),
)
