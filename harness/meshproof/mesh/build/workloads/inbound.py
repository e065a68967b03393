"""Which ports of pods connections reach past the sidecar, by annotations of their template.

https://istio.io/latest/docs/reference/config/annotations/; istio/istio cni/pkg/plugin/sidecar_redirect.go.
"""

from __future__ import annotations

from meshproof.manifest.value import Value
from meshproof.mesh.model.kubernetes import InboundPorts

INCLUDED = "traffic.sidecar.istio.io/includeInboundPorts"
EXCLUDED = "traffic.sidecar.istio.io/excludeInboundPorts"
ALL = "*"


def inbound(annotations: Value | None) -> InboundPorts | None:
    """The ports that the sidecar takes over; None where these are all."""
    included, excluded = (_said(annotations, name) for name in (INCLUDED, EXCLUDED))
    if included not in (None, ALL):
        return InboundPorts(captured=_ports(included or ""))
    return InboundPorts(excluded=_ports(excluded)) if excluded else None


def _said(annotations: Value | None, name: str) -> str | None:
    found = annotations.get(name) if annotations else None
    return found.text_form.strip() if found is not None else None


def _ports(text: str) -> frozenset[int]:
    return frozenset(int(one) for one in map(str.strip, text.split(",")) if one.isascii() and one.isdigit())
