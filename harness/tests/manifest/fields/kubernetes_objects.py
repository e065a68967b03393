"""Objects that the API server takes, and others that it does not, which differ from such in one place."""

from __future__ import annotations

WEB = """\
apiVersion: apps/v1
kind: KIND
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: web}}
  SPEC
  template:
    metadata: {labels: {app: web}}
    spec:
      POD
      containers: [{name: c, image: example/web, CONTAINER}]
"""
BATCH = """\
apiVersion: batch/v1
kind: Job
metadata: {name: NAME}
spec:
  SPEC
  template: {spec: {restartPolicy: RESTARTED, containers: [{name: c, image: example/web}]}}
"""
CRON = """\
apiVersion: batch/v1
kind: CronJob
metadata: {name: NAME}
spec:
  schedule: SCHEDULE
  SPEC
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: example/web}]}}}}
"""
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: NAME, annotations: {kubernetes.io/ingress.class: CLASS}}
spec:
  TLS
  rules: [{host: HOST, http: {paths: [{path: /, pathType: TYPE, backend: {BACKEND}}]}}]
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, PORT}], SPEC}
"""
BACKEND = "service: {name: web, port: {number: 80}}"


def filled(text: str, **parts: str) -> str:
    """The text with these parts in the place of their names; the others are as they need be."""
    usual = {"KIND": "Deployment", "NAME": "web", "TYPE": "Prefix", "HOST": "web.example", "CLASS": "nginx"}
    usual |= {"BACKEND": BACKEND, "SCHEDULE": "'0 5 * * 1-5'", "RESTARTED": "Never"}
    for name in ("SPEC", "POD", "TLS", "CONTAINER", "PORT"):
        usual[name] = ""
    for name, part in (usual | parts).items():
        text = text.replace(f", {name}", f", {part}" if part else "").replace(name, part)
    return text


def web(kind: str = "Deployment", **parts: str) -> str:
    return filled(WEB, KIND=kind, **parts)


def container(text: str) -> str:
    return web(CONTAINER=text)


def pod(text: str) -> str:
    return web(POD=text)


def probed(text: str, probe: str = "readinessProbe") -> str:
    return container(f"{probe}: {{{text}}}")


def surging(text: str, kind: str = "Deployment") -> str:
    field = "strategy" if kind == "Deployment" else "updateStrategy"
    return web(kind, SPEC=f"{field}: {{{text}}}")


def scheduled(text: str, **parts: str) -> str:
    return filled(CRON, SCHEDULE=repr(text), **parts)


def ingress(**parts: str) -> str:
    return filled(INGRESS, **parts)


def mounted(volumes: str, mounts: str) -> str:
    return web(POD=f"volumes: [{volumes}]", CONTAINER=f"volumeMounts: [{mounts}]")


def variable(text: str) -> str:
    return container(f"env: [{{{text}}}]")


EMPTY_DIR = "{name: a, emptyDir: {}}"
CLAIM = "volumeClaimTemplates: [{metadata: {name: data}, spec: {CLAIMED}}]"
CLAIMED = "accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}"
DATA = "volumeMounts: [{name: data, mountPath: /data}]"

TAKEN = {
    "a port by its name": probed("httpGet: {port: http-1}"),
    "a port by its number": probed("tcpSocket: {port: 80}, successThreshold: 2"),
    "a call of gRPC": probed("grpc: {port: 80}, failureThreshold: 0", "livenessProbe"),
    "surges of a Deployment": surging("rollingUpdate: {maxSurge: 150%, maxUnavailable: 0}"),
    "no surge of a Deployment": surging("rollingUpdate: {maxSurge: 0%, maxUnavailable: 100%}"),
    "surges of a DaemonSet": surging("rollingUpdate: {maxSurge: 1, maxUnavailable: 0}", "DaemonSet"),
    "a DaemonSet that is left alone": surging("type: OnDelete, rollingUpdate: {maxSurge: 1}", "DaemonSet"),
    "five fields": scheduled("*/15 0-6,12 1 jan-jun/2 MON"),
    "a word": scheduled("@every 1h30m"),
    "a time zone": scheduled("@daily", SPEC="timeZone: America/Argentina/Buenos_Aires"),
    "a long name": web(NAME="w" * 253),
    "a long name of a StatefulSet": web("StatefulSet", NAME="w" * 63),
    "a long name of a Job": filled(BATCH, NAME="a." + "w" * 61),
    "a volume": mounted(EMPTY_DIR, "{name: a, mountPath: /a}, {name: a, mountPath: /b, subPath: c/d}"),
    "a claim": web("StatefulSet", SPEC=CLAIM.replace("CLAIMED", CLAIMED), CONTAINER=DATA),
    "variables": container(
        "env: [{name: a.b-c, value: ''}, {name: B, valueFrom: {fieldRef: {fieldPath: 'metadata.labels[''app'']'}}}]"
    ),
    "resources": container(
        "resources: {requests: {cpu: 1000m, memory: 64Mi}, limits: {cpu: 1, memory: 1e9, example.com/gpu: 1}}"
    ),
    "bytes": container("resources: {requests: {memory: 8589934592, cpu: 0.5}, limits: {memory: 8589934592}}"),
    "seconds": filled(BATCH, SPEC="activeDeadlineSeconds: 4294967296"),
    "a sidecar with a probe": pod(
        "initContainers: [{name: i, image: a, restartPolicy: Always, startupProbe: {tcpSocket: {port: 1}}}]"
    ),
    "an Ingress of any host": ingress(HOST="''", BACKEND="service: {name: web, port: {name: http}}"),
    "an Ingress with a wildcard": ingress(HOST="'*.example'", TLS="tls: [{hosts: [a.example], secretName: a.b}]"),
    "an Ingress that leads to a resource": ingress(BACKEND="resource: {apiGroup: a.b, kind: C, name: d}"),
    "a policy for an address": filled(SERVICE, SPEC="externalTrafficPolicy: Local, externalIPs: [192.0.2.1]"),
    "a port of nodes": filled(SERVICE, SPEC="type: NodePort", PORT="nodePort: 30080"),
    "clients that are not remembered": filled(SERVICE, SPEC="sessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}"),
}

REFUSED = {
    "a port's name with a blank": (probed("httpGet: {port: no_such name}"), "'no_such name' is not lower-case"),
    "a port's name of digits": (probed("tcpSocket: {port: '80'}"), "'80' has no letter"),
    "a port beyond all": (probed("httpGet: {port: 70000}"), "port must be from 1 to 65535"),
    "no port": (probed("httpGet: {path: /}"), "httpGet needs port"),
    "no probe": (probed("periodSeconds: 5"), "readinessProbe needs one of exec, grpc, httpGet and tcpSocket, not none"),
    "two probes": (probed("httpGet: {port: 80}, tcpSocket: {port: 80}"), "not httpGet and tcpSocket"),
    "a protocol of probes": (probed("httpGet: {port: 80, scheme: https}"), "scheme must be one of HTTP, HTTPS"),
    "two successes of life": (probed("tcpSocket: {port: 80}, successThreshold: 2", "livenessProbe"), "from 0 to 1"),
    "a grace for readiness": (
        probed("tcpSocket: {port: 80}, terminationGracePeriodSeconds: 5"),
        "that end a container",
    ),
    "no command": (container("lifecycle: {preStop: {exec: {}}}"), "exec needs command"),
    "a surge of no kind": (surging("rollingUpdate: {maxSurge: '25'}"), "'25' is no percentage"),
    "more than all": (surging("rollingUpdate: {maxUnavailable: 101%}"), "'101%' is more than 100%"),
    "nothing moves": (surging("rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}"), "are not both 0"),
    "a DaemonSet that does not move": (surging("rollingUpdate: {maxUnavailable: 0}", "DaemonSet"), "are not both 0"),
    "a DaemonSet that moves both ways": (
        surging("rollingUpdate: {maxSurge: 1}", "DaemonSet"),
        "needs maxUnavailable: 0",
    ),
    "a surge of what is recreated": (surging("type: Recreate, rollingUpdate: {maxSurge: 1}"), "beside type: Recreate"),
    "no time to get ready": (web(SPEC="minReadySeconds: 600"), "must be more than minReadySeconds \\(600\\)"),
    "four fields": (scheduled("0 5 * *"), "has 4 fields"),
    "a seventh day": (scheduled("0 5 * * 7"), "has '7' for the day of the week"),
    "a range that goes down": (scheduled("30-10 * * * *"), "has '30-10' for the minute"),
    "a word that is none": (scheduled("@reboot"), "is none of @annually"),
    "a zone in a schedule": (scheduled("TZ=UTC 0 5 * * *"), "names a time zone, which stands in timeZone"),
    "no schedule": (scheduled(""), "schedule"),
    "no zone": (scheduled("@daily", SPEC="timeZone: ''"), "is not the name of a time zone"),
    "a concurrency": (scheduled("@daily", SPEC="concurrencyPolicy: forbid"), "concurrencyPolicy must be one of Allow"),
    "a name of a StatefulSet": (web("StatefulSet", NAME="w" * 64), "has 64 characters, of which Kubernetes takes 63"),
    "a name of a Job": (filled(BATCH, NAME="w" * 64), "has 64 characters, of which Kubernetes takes 63"),
    "a name of a CronJob": (scheduled("@daily", NAME="w" * 53), "has 53 characters, of which Kubernetes takes 52"),
    "a Job for ever": (filled(BATCH, RESTARTED="Always"), "restartPolicy must be one of OnFailure, Never"),
    "a Deployment that ends": (pod("restartPolicy: Never"), "restartPolicy must be one of Always"),
    "a port's name twice": (
        container("ports: [{containerPort: 80, name: http}, {containerPort: 81, name: http}]"),
        "name 'http' stands twice in ports",
    ),
    "a node's port twice": (
        container("ports: [{containerPort: 80, hostPort: 80}, {containerPort: 81, hostPort: 80}]"),
        "hostPort 80 is taken twice",
    ),
    "a volume twice": (mounted(f"{EMPTY_DIR}, {EMPTY_DIR}", ""), "name 'a' stands twice in volumes"),
    "a volume of two kinds": (mounted("{name: a, emptyDir: {}, configMap: {name: b}}", ""), "is one of emptyDir and"),
    "a volume without a name": (mounted("{emptyDir: {}}", ""), "needs name"),
    "a volume's name": (mounted("{name: A_b, emptyDir: {}}", ""), "name: 'A_b' is not lower-case"),
    "a Secret without a name": (mounted("{name: a, secret: {}}", ""), "secret needs secretName"),
    "a mode": (mounted("{name: a, configMap: {name: b, defaultMode: 1000}}", ""), "defaultMode must be from 0 to 511"),
    "a mount of nothing": (mounted(EMPTY_DIR, "{name: b, mountPath: /a}"), "no volume of the pod is called 'b'"),
    "a mount of no claim": (web("StatefulSet", CONTAINER=DATA), "no volume of the pod is called 'data'"),
    "a mount twice": (
        mounted(EMPTY_DIR, "{name: a, mountPath: /a}, {name: a, mountPath: /a, subPath: b}"),
        "mountPath '/a' stands twice in volumeMounts",
    ),
    "a mount nowhere": (mounted(EMPTY_DIR, "{name: a}"), "needs mountPath"),
    "a path that leaves": (mounted(EMPTY_DIR, "{name: a, mountPath: /a, subPath: b/../../c}"), "is not a path within"),
    "a claim of no size": (
        web("StatefulSet", SPEC=CLAIM.replace("CLAIMED", "accessModes: [ReadWriteOnce]"), CONTAINER=DATA),
        "spec needs resources.requests.storage",
    ),
    "a variable without a name": (variable("value: a"), "needs name"),
    "a variable's name": (variable("name: A=B"), "'A=B' is no name of a variable"),
    "a variable twice valued": (
        variable("name: A, value: b, valueFrom: {fieldRef: {fieldPath: metadata.name}}"),
        "has either value or valueFrom",
    ),
    "a variable from nowhere": (variable("name: A, valueFrom: {}"), "valueFrom needs one of configMapKeyRef"),
    "a field of no pod": (
        variable("name: A, valueFrom: {fieldRef: {fieldPath: status.podIp}}"),
        "'status.podIp' is not a field of a pod",
    ),
    "megabytes": (container("resources: {limits: {memory: 512MB}}"), "'512MB' is no quantity"),
    "a resource": (container("resources: {limits: {mem: 1Gi}}"), "'mem' is none of cpu, ephemeral-storage, memory"),
    "more than the limit": (
        container("resources: {requests: {memory: 1Gi}, limits: {memory: 512Mi}}"),
        "requests has more memory than limits has",
    ),
    "a probe of what ends": (
        pod("initContainers: [{name: i, image: a, livenessProbe: {tcpSocket: {port: 1}}}]"),
        "without restartPolicy: Always has no livenessProbe",
    ),
    "a taint's value": (
        pod("tolerations: [{key: a, operator: Exists, value: b}]"),
        "with operator Exists has no value",
    ),
    "a toleration of nothing": (pod("tolerations: [{effect: NoSchedule}]"), "needs operator: Exists"),
    "a spread of no skew": (
        pod("topologySpreadConstraints: [{maxSkew: 0, topologyKey: a, whenUnsatisfiable: ScheduleAnyway}]"),
        "maxSkew must be from 1",
    ),
    "a user below all": (container("securityContext: {runAsUser: -1}"), "runAsUser must be from 0"),
    "a type of paths": (ingress(TYPE="prefix"), "pathType must be one of Exact, Prefix"),
    "two backends": (ingress(BACKEND=f"{BACKEND}, resource: {{kind: C, name: d}}"), "either a service or a resource"),
    "no backend": (ingress(BACKEND=""), "either a service or a resource"),
    "a backend's port": (ingress(BACKEND="service: {name: web, port: {name: no_such name}}"), "'no_such name' is not"),
    "a resource without a name": (ingress(BACKEND="resource: {kind: C}"), "resource needs name"),
    "a host with capitals": (ingress(HOST="Web.example"), "'Web.example' is not a host name in lower case"),
    "a wildcard within": (ingress(HOST="'a.*.example'"), "is not a host name in lower case"),
    "an address": (ingress(HOST="192.0.2.1"), "the host 192.0.2.1 is an address"),
    "a name of an Ingress": (ingress(NAME="Web"), "the name 'Web' is not lower-case"),
    "no rules": (
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {rules: []}\n",
        "needs rules or a defaultBackend",
    ),
    "a port of nodes within": (
        filled(SERVICE, PORT="nodePort: 30080"),
        "nodePort is for type: NodePort or LoadBalancer",
    ),
    "a policy within": (filled(SERVICE, SPEC="externalTrafficPolicy: Local"), "is not for type: ClusterIP"),
    "sources within": (
        filled(SERVICE, SPEC="type: NodePort, loadBalancerSourceRanges: [10.0.0.0/8]"),
        "is for type: LoadBalancer alone",
    ),
    "a balanced headless one": (filled(SERVICE, SPEC="type: LoadBalancer, clusterIP: None"), "is not headless"),
    "clients remembered for no time": (
        filled(SERVICE, SPEC="sessionAffinity: ClientIP, sessionAffinityConfig: {clientIP: {timeoutSeconds: 0}}"),
        "timeoutSeconds must be from 1 to 86400",
    ),
}
