"""Fields of Kubernetes' own kinds that no verdict needs: with a wrong one the object is not in the cluster."""

from __future__ import annotations

import io
import runpy
from pathlib import Path

import kubernetes
import pytest
from meshproof.errors import ManifestError
from meshproof.manifest import load
from meshproof.manifest.fields.published import TABLE
from meshproof.mesh.build.assemble import build

SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{port: 80}], selector: {app: web}, FIELDS}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  FIELDS
  template:
    metadata: {labels: {app: web}}
    spec:
      POD
      containers: [{name: c, image: example/web, CONTAINER}]
"""
PROBE = "readinessProbe: {httpGet: {PROBED}}"


def service(fields: str) -> str:
    return SERVICE.replace("FIELDS", fields)


def container(fields: str) -> str:
    return DEPLOYMENT.replace("CONTAINER", fields).replace("FIELDS", "").replace("POD", "")


def pod(fields: str) -> str:
    return DEPLOYMENT.replace(", CONTAINER", "").replace("FIELDS", "").replace("POD", fields)


def deployment(fields: str) -> str:
    return DEPLOYMENT.replace(", CONTAINER", "").replace("POD", "").replace("FIELDS", fields)


# The verdicts of a Kubernetes 1.34.4 API server, asked as `kubectl` asks it (fieldValidation=Strict, dryRun=All).
@pytest.mark.parametrize(
    ("text", "why"),
    [
        (service("publishNotReadyAddresses: 'yes'"), "publishNotReadyAddresses must be true or false"),
        (service("sessionAffinity: clientIP"), "sessionAffinity must be one of None, ClientIP"),
        (service("internalTrafficPolicy: local"), "internalTrafficPolicy must be one of Cluster, Local"),
        (service("ipFamilies: [ipv4]"), "must be one of IPv4, IPv6"),
        (service("trafficDistribution: Local"), "trafficDistribution must be one of PreferClose"),
        (service("externalIPs: 192.0.2.1"), "externalIPs must be a list"),
        (service("clusterIP: none"), "'none' is not an address, or None"),
        (
            service("").replace("port: 80", "port: 80, appProtocol: gRPC Web"),
            "'gRPC Web' is not the name of a protocol",
        ),
        (container(PROBE.replace("PROBED", "port: [80]")), "port must be a whole number"),
        (pod("serviceAccountName: Web_App"), "'Web_App' is not the name of a ServiceAccount"),
        (deployment("strategy: {rollingUpdate: {maxSurge: true}}"), "maxSurge must be a whole number"),
        (container("env: [{name: PORT, value: 8080}]"), "value must be text, not 8080"),
        (container(PROBE.replace("PROBED", "path: /, prot: 80")), "httpGet has no field 'prot'"),
        (container("imagePullPolicy: always"), "imagePullPolicy must be one of Always, IfNotPresent, Never"),
        (container("resources: {limit: {cpu: 1}}"), "resources has no field 'limit'"),
        (container("volumeMounts: {name: a, mountPath: /a}"), "volumeMounts must be a list"),
        (pod("volumes: [{name: a, configmap: {name: a}}]"), "has no field 'configmap'"),
        (pod("hostNetwork: 'true'"), "hostNetwork must be true or false"),
        (pod("initContainers: [{name: i}]"), "a container needs image"),
        (pod("initContainers: [{name: c, image: a}]"), "the container c is given twice"),
        (pod("terminationGracePeriodSeconds: 30s"), "terminationGracePeriodSeconds must be a whole number"),
        (pod("securityContext: {runAsUser: root}"), "runAsUser must be a whole number"),
        (deployment("minReadySeconds: 5s"), "minReadySeconds must be a whole number"),
        (deployment("strategy: {type: Rolling}"), "type must be one of Recreate, RollingUpdate"),
        (deployment("strategy: {rollingUpdate: {maxSurges: 1}}"), "has no field 'maxSurges'"),
    ],
)
def test_what_the_api_server_does_not_take(text: str, why: str) -> None:
    with pytest.raises(ManifestError, match=f"^<stdin>:[0-9]+:[0-9]+: .*{why}"):
        build(load(["-"], stdin=io.StringIO(text)).resources)


@pytest.mark.parametrize(
    "text",
    [
        service("publishNotReadyAddresses: true, sessionAffinity: '', type: '', clusterIP: None, ipFamilies: [IPv6]"),
        service("").replace("port: 80", "port: 80, targetPort: 0, protocol: ''"),
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {a: }\nstringData: {b: }\n",
        service("sessionAffinityConfig: {clientIP: {timeoutSeconds: 5}}, clusterIP: '2001:db8::1'"),
        container("resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 0.5}}"),
        container(PROBE.replace("PROBED", "port: http, httpHeaders: [{name: a, value: b}]")),
        container("env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.podIP}}}, {name: B, value: '1'}]"),
        container("securityContext: {capabilities: {drop: [ALL]}, runAsNonRoot: true}, imagePullPolicy: Always"),
        pod("volumes: [{name: a, emptyDir: {sizeLimit: 1}}, {name: b, configMap: {name: a, defaultMode: 0644}}]"),
        pod("tolerations: [{operator: Exists, effect: NoExecute, tolerationSeconds: 5}]"),
        pod("affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: zone}]}}"),
        deployment("strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}"),
    ],
)
def test_what_the_api_server_takes(text: str) -> None:
    build(load(["-"], stdin=io.StringIO(text)).resources)


def test_the_table_is_that_of_the_client() -> None:
    written = TABLE.read_text(encoding="utf-8")
    if f"kubernetes {kubernetes.__version__}," not in written:
        pytest.skip(f"the table is of another version than kubernetes {kubernetes.__version__}")
    script = runpy.run_path(str(Path(__file__).parents[4] / "docs/kubernetes_fields.py"))
    assert script["table"]() == written
