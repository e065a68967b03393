"""The fields of Istio's ServiceEntry, WorkloadEntry and WorkloadGroup, alike in v1alpha3, v1beta1 and v1.

Source: https://istio.io/latest/docs/reference/config/networking/service-entry/, workload-entry/ and workload-group/.
"""

from __future__ import annotations

from meshproof.manifest.fields.kubernetes import resource
from meshproof.manifest.schema import LABELS, TEXT, WHOLE, Between, Form, Map, OneOf, Shape
from meshproof.manifest.syntax import names

ENTRY: dict[str, Shape] = {
    "address": TEXT,
    "ports": Map(WHOLE),
    "labels": LABELS,
    "network": TEXT,
    "locality": TEXT,
    "weight": Between(0, 2**32 - 1),
    "serviceAccount": TEXT,
}

SERVICE_ENTRY = resource(
    spec={
        "hosts": [TEXT],
        "addresses": [TEXT],
        "ports": [{"number": WHOLE, "protocol": TEXT, "name": TEXT, "targetPort": WHOLE}],
        "location": OneOf(("MESH_EXTERNAL", "MESH_INTERNAL")),
        "resolution": OneOf(("NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS")),
        "endpoints": [ENTRY],
        "workloadSelector": {"labels": Map(Form(r"(?s)[^*]*", "the value of a label", names.LONGEST_LABEL))},
        "exportTo": [TEXT],
        "subjectAltNames": [TEXT],
    },
    status=None,
)

WORKLOAD_ENTRY = resource(spec=ENTRY, status=None)

COUNT, PORT = Between(0, 2**31 - 1), Between(1, 65535)
# Kubelets and sidecars probe by it; no request does.
PROBE: Shape = {
    "initialDelaySeconds": COUNT,
    "timeoutSeconds": COUNT,
    "periodSeconds": COUNT,
    "successThreshold": COUNT,
    "failureThreshold": COUNT,
    "httpGet": {
        "path": TEXT,
        "port": PORT,
        "host": TEXT,
        "scheme": OneOf(("", "HTTP", "HTTPS")),
        "httpHeaders": [{"name": Form(r"[-_A-Za-z0-9]+", "the name of a header"), "value": TEXT}],
    },
    "tcpSocket": {"host": TEXT, "port": PORT},
    "exec": {"command": [TEXT]},
    "grpc": {"port": PORT, "service": TEXT},
}

WORKLOAD_GROUP = resource(
    spec={
        "metadata": {"labels": LABELS, "annotations": Map(TEXT)},
        "template": ENTRY,
        "probe": PROBE,
    },
    status=None,
)
