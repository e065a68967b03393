"""BackendTLSPolicies: which backend they are for, the name that it is asked for, and whose certificates are taken."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mutate.change import appended, dropped
from meshproof.mutate.edit import fresh
from meshproof.mutate.operator import Edit, Operator, Spot

KIND = "BackendTLSPolicy"
NAMES = "spec.validation.subjectAltNames"
# A name that no certificate is for, and authorities of a kind that istiod does not take.
STRANGER = "no-such-name.example"
UNKNOWN = "Secret"


def names_wrong(spot: Spot) -> Iterator[Edit]:
    """Certificates of a stranger's name alone."""
    new = [{"type": "Hostname", "hostname": STRANGER}]
    yield Edit(f"subjectAltNames → {STRANGER}", fresh(new, spot.value))


def authority_wrong(spot: Spot) -> Iterator[Edit]:
    """A reference to authorities that istiod does not take."""
    if spot.value.text() != UNKNOWN:
        yield Edit(f"kind {spot.value.shown} → {UNKNOWN}", fresh(UNKNOWN, spot.value))


BACKEND_TLS = (
    Operator("backend-tls-dropped", KIND, ("",), dropped),
    Operator("backend-tls-target-wrong", KIND, ("spec.targetRefs[].name",), appended("-none")),
    Operator("backend-tls-port-wrong", KIND, ("spec.targetRefs[].sectionName",), appended("-none")),
    Operator("backend-tls-port-dropped", KIND, ("spec.targetRefs[].sectionName",), dropped),
    Operator("backend-tls-hostname-wrong", KIND, ("spec.validation.hostname",), appended(".example")),
    Operator("backend-tls-names-wrong", KIND, (NAMES,), names_wrong),
    Operator("backend-tls-authority-wrong", KIND, ("spec.validation.caCertificateRefs[].kind",), authority_wrong),
)
