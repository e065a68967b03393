"""The fields of Istio's AuthorizationPolicy, alike in v1beta1 and v1.

Source: https://istio.io/latest/docs/reference/config/security/authorization-policy/ and the published CRD.
"""

from __future__ import annotations

from meshproof.manifest.fields.kubernetes import resource
from meshproof.manifest.schema import LABELS, TEXT, OneOf, Shape

SOURCE: dict[str, Shape] = {
    name: [TEXT]
    for name in (
        *("principals", "notPrincipals", "requestPrincipals", "notRequestPrincipals"),
        *("namespaces", "notNamespaces", "serviceAccounts", "notServiceAccounts"),
        *("ipBlocks", "notIpBlocks", "remoteIpBlocks", "notRemoteIpBlocks", "trustDomains", "notTrustDomains"),
    )
}
OPERATION: dict[str, Shape] = {
    name: [TEXT] for name in ("hosts", "notHosts", "ports", "notPorts", "methods", "notMethods", "paths", "notPaths")
}
TARGET: dict[str, Shape] = {"group": TEXT, "kind": TEXT, "name": TEXT, "namespace": TEXT}

AUTHORIZATION_POLICY = resource(
    spec={
        "selector": {"matchLabels": LABELS},
        "targetRef": TARGET,
        "targetRefs": [TARGET],
        "action": OneOf(("ALLOW", "DENY", "AUDIT", "CUSTOM")),
        "provider": {"name": TEXT},
        "rules": [
            {
                "from": [{"source": SOURCE}],
                "to": [{"operation": OPERATION}],
                "when": [{"key": TEXT, "values": [TEXT], "notValues": [TEXT]}],
            }
        ],
    },
    status=None,
)
