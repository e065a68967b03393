"""The fields of Istio's Sidecar, alike in v1alpha3, v1beta1 and v1.

Source: https://istio.io/latest/docs/reference/config/networking/sidecar/. What pods receive is not read further.
"""

from __future__ import annotations

from meshproof.manifest.fields.kubernetes import resource
from meshproof.manifest.schema import LABELS, TEXT, WHOLE, OneOf, Shape

PORT: Shape = {"number": WHOLE, "protocol": TEXT, "name": TEXT, "targetPort": WHOLE}

SIDECAR = resource(
    spec={
        "workloadSelector": {"labels": LABELS},
        "ingress": [None],
        "inboundConnectionPool": None,
        "egress": [
            {
                "port": PORT,
                "bind": TEXT,
                "captureMode": OneOf(("DEFAULT", "IPTABLES", "NONE")),
                "hosts": [TEXT],
            }
        ],
        "outboundTrafficPolicy": {"mode": OneOf(("REGISTRY_ONLY", "ALLOW_ANY")), "egressProxy": None},
    },
    status=None,
)
