"""The fields of the Gateway API's BackendTLSPolicy, alike in v1 and v1alpha3.

Source: https://gateway-api.sigs.k8s.io/reference/spec/#backendtlspolicy and the published CRD (v1.4 to v1.6).
"""

from __future__ import annotations

from meshproof.manifest.fields.gateway_api import GROUP, KIND, NAME
from meshproof.manifest.fields.kubernetes import resource
from meshproof.manifest.schema import TEXT, Form, Map, OneOf, Shape
from meshproof.manifest.syntax import names

HOST = Form(names.SUBDOMAIN.pattern, "a host name in lower case")
PATTERN = Form(rf"(\*\.)?{names.SUBDOMAIN.pattern}", "a host name in lower case, or *. and one")
# The generic syntax of RFC 3986, with its scheme.
ADDRESS = Form(r"[^:/?#]+:(//[^/?#]*)?[^?#]*(\?[^#]*)?(#.*)?", "a URI with a scheme")
SYSTEM = Form(
    rf"System|{names.SUBDOMAIN.pattern}/([A-Za-z0-9][-A-Za-z0-9_.]{{0,61}})?[A-Za-z0-9]", "System, or DOMAIN/NAME"
)
REFERENCE: dict[str, Shape] = {"group": GROUP, "kind": KIND, "name": NAME}

BACKEND_TLS_POLICY = resource(
    spec={
        "targetRefs": [{**REFERENCE, "sectionName": HOST}],
        "validation": {
            "hostname": HOST,
            "caCertificateRefs": [REFERENCE],
            "wellKnownCACertificates": SYSTEM,
            "subjectAltNames": [{"type": OneOf(("Hostname", "URI")), "hostname": PATTERN, "uri": ADDRESS}],
        },
        "options": Map(TEXT),
    },
    status=None,
)
