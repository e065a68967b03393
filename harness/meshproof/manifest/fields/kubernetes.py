"""The fields of the Kubernetes kinds that are read.

What has no part in a verdict (a container's resources, probes, volumes …) has the types that Kubernetes publishes.
Source: https://kubernetes.io/docs/reference/kubernetes-api/.
"""

from __future__ import annotations

from meshproof.manifest.constraints.pods import known_mounts, known_mounts_and_claims
from meshproof.manifest.constraints.presence import needed
from meshproof.manifest.constraints.services import of_its_type, remembering
from meshproof.manifest.fields import validated
from meshproof.manifest.fields.published import published
from meshproof.manifest.schema import (
    ANNOTATIONS,
    FLAG,
    FREE_TEXT,
    LABEL_VALUE,
    LABELS,
    TEXT,
    WHOLE,
    WHOLE_OR_TEXT,
    Constraint,
    Form,
    Map,
    OneOf,
    Open,
    Shape,
)


def anything(names: str) -> dict[str, Shape]:
    """Fields that may hold anything."""
    return dict.fromkeys(names.split())


METADATA: Shape = {
    "name": TEXT,
    "generateName": TEXT,
    "namespace": TEXT,
    "labels": LABELS,
    "annotations": ANNOTATIONS,
    **anything(
        "creationTimestamp clusterName deletionGracePeriodSeconds deletionTimestamp finalizers generation "
        "managedFields ownerReferences resourceVersion selfLink uid"
    ),
}
APP_PROTOCOL = Form(
    r"([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", "the name of a protocol"
)
POLICY = OneOf(("Cluster", "Local"))
UPDATE = ("RollingUpdate", "OnDelete")
SELECTOR: Shape = {
    "matchLabels": LABELS,
    "matchExpressions": [{"key": TEXT, "operator": TEXT, "values": [TEXT]}],
}
TRANSPORT = OneOf(("TCP", "UDP", "SCTP"), empty=True)


def resource(**fields: Shape) -> Shape:
    """A whole resource with these fields beside those that every resource has."""
    return {"apiVersion": TEXT, "kind": TEXT, "metadata": METADATA, **fields}


SERVICE = resource(
    spec=published(
        "ServiceSpec",
        of_its_type,
        remembering,
        ports=[
            {
                "name": TEXT,
                "port": WHOLE,
                "targetPort": WHOLE_OR_TEXT,
                "protocol": TRANSPORT,
                "appProtocol": APP_PROTOCOL,
                "nodePort": WHOLE,
            }
        ],
        selector=LABELS,
        type=OneOf(("ClusterIP", "NodePort", "LoadBalancer", "ExternalName"), empty=True),
        externalName=TEXT,
        clusterIP=Form("None|[0-9.]*|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*", "an address, or None"),
        sessionAffinity=OneOf(("None", "ClientIP"), empty=True),
        internalTrafficPolicy=POLICY,
        externalTrafficPolicy=OneOf(POLICY.words, empty=True),
        ipFamilies=[OneOf(("IPv4", "IPv6"))],
        ipFamilyPolicy=OneOf(("SingleStack", "PreferDualStack", "RequireDualStack")),
        trafficDistribution=OneOf(("PreferClose", "PreferSameZone", "PreferSameNode")),
        # Of earlier versions.
        **anything("ipFamily topologyKeys"),
    ),
    status=None,
)

PORTS: Shape = [
    {"containerPort": WHOLE, "name": TEXT, "protocol": TRANSPORT, "hostIP": TEXT, "hostPort": validated.HOST_PORT}
]
CONTAINER = published(
    "Container",
    name=TEXT,
    image=TEXT,
    ports=PORTS,
    imagePullPolicy=OneOf(("Always", "IfNotPresent", "Never"), empty=True),
    livenessProbe=published("Probe", successThreshold=validated.ONE_SUCCESS),
    startupProbe=published("Probe", successThreshold=validated.ONE_SUCCESS),
    readinessProbe=published("Probe", *validated.READINESS),
)
RESTARTING = ("Always", "OnFailure", "Never")


def pod(*constraints: Constraint, restarting: tuple[str, ...] = RESTARTING) -> Shape:
    """A pod whose containers are started again when they end, in one of these ways."""
    return published(
        "PodSpec",
        *constraints,
        containers=[CONTAINER],
        initContainers=[CONTAINER],
        nodeSelector=Map(LABEL_VALUE),
        serviceAccountName=Form(r"|[a-z0-9]([-a-z0-9.]*[a-z0-9])?", "the name of a ServiceAccount"),
        dnsPolicy=OneOf(("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"), empty=True),
        restartPolicy=OneOf(restarting, empty="Always" in restarting),
        # Of versions that the table is not of.
        **anything("evictionResponders schedulingGroup workloadRef"),
    )


def template(*constraints: Constraint, restarting: tuple[str, ...] = RESTARTING[:1]) -> Shape:
    """What pods are made from; controllers want them started again whenever they end."""
    return {"metadata": METADATA, "spec": pod(*constraints, restarting=restarting)}


TEMPLATE = template(known_mounts)
JOB = published(
    "JobSpec",
    selector=SELECTOR,
    template=template(known_mounts, needed("restartPolicy"), restarting=RESTARTING[1:]),
)


def workload(name: str, selector: Shape = SELECTOR, /, *constraints: Constraint, **own: Shape) -> Shape:
    """A kind that makes pods from a template."""
    fields = {"selector": selector, "template": TEMPLATE, **own}
    return resource(spec=published(name, *constraints, **fields), status=None)


def strategy(name: str, *words: str) -> Shape:
    """How pods are replaced."""
    return published(name, type=OneOf(words, empty=True))


WORKLOADS: dict[str, Shape] = {
    "Deployment": workload(
        "DeploymentSpec", strategy=strategy("DeploymentStrategy", "Recreate", "RollingUpdate"), rollbackTo=None
    ),
    "StatefulSet": workload(
        "StatefulSetSpec",
        SELECTOR,
        known_mounts_and_claims,
        template=template(),
        updateStrategy=strategy("StatefulSetUpdateStrategy", *UPDATE),
        podManagementPolicy=OneOf(("OrderedReady", "Parallel"), empty=True),
    ),
    "DaemonSet": workload(
        "DaemonSetSpec", updateStrategy=strategy("DaemonSetUpdateStrategy", *UPDATE), templateGeneration=None
    ),
    "ReplicaSet": workload("ReplicaSetSpec"),
    "ReplicationController": workload("ReplicationControllerSpec", LABELS),
    "DeploymentConfig": workload("ReplicationControllerSpec", LABELS, **anything("paused strategy test triggers")),
    "Rollout": resource(spec=Open({"replicas": WHOLE, "selector": SELECTOR, "template": TEMPLATE}), status=None),
    "Pod": resource(spec=pod(known_mounts), status=None),
    "Job": resource(spec=JOB, status=None),
    "CronJob": resource(spec=published("CronJobSpec", jobTemplate={"metadata": METADATA, "spec": JOB}), status=None),
}
"""Kinds that make pods, by their fields."""

SECRET = resource(data=Map(FREE_TEXT), stringData=Map(FREE_TEXT), type=TEXT, immutable=FLAG)
NAMESPACE = resource(spec=None, status=None)
NODE = resource(spec=None, status=None)
