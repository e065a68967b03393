"""The fields of the Kubernetes kinds that are read.

What has no part in a verdict (a container's resources, probes, volumes …) may be anything. Source:
https://kubernetes.io/docs/reference/kubernetes-api/.
"""

from __future__ import annotations

from meshproof.manifest.schema import (
    ANNOTATIONS,
    FLAG,
    FREE_TEXT,
    LABELS,
    TEXT,
    WHOLE,
    WHOLE_OR_TEXT,
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
SELECTOR: Shape = {
    "matchLabels": LABELS,
    "matchExpressions": [{"key": TEXT, "operator": TEXT, "values": [TEXT]}],
}
TRANSPORT = OneOf(("TCP", "UDP", "SCTP"))


def resource(**fields: Shape) -> Shape:
    """A whole resource with these fields beside those that every resource has."""
    return {"apiVersion": TEXT, "kind": TEXT, "metadata": METADATA, **fields}


SERVICE = resource(
    spec={
        "ports": [
            {
                "name": TEXT,
                "port": WHOLE,
                "targetPort": WHOLE_OR_TEXT,
                "protocol": TRANSPORT,
                "appProtocol": TEXT,
                "nodePort": WHOLE,
            }
        ],
        "selector": LABELS,
        "type": OneOf(("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")),
        "externalName": TEXT,
        **anything(
            "allocateLoadBalancerNodePorts clusterIP clusterIPs externalIPs externalTrafficPolicy "
            "healthCheckNodePort internalTrafficPolicy ipFamily ipFamilies ipFamilyPolicy loadBalancerClass "
            "loadBalancerIP loadBalancerSourceRanges publishNotReadyAddresses sessionAffinity sessionAffinityConfig "
            "topologyKeys trafficDistribution"
        ),
    },
    status=None,
)

CONTAINER: Shape = {
    "name": TEXT,
    "image": TEXT,
    "ports": [{"containerPort": WHOLE, "name": TEXT, "protocol": TRANSPORT, "hostIP": TEXT, "hostPort": WHOLE}],
    "args": [FREE_TEXT],
    "command": [FREE_TEXT],
    "env": [Open({"name": FREE_TEXT, "value": FREE_TEXT})],
    **anything(
        "envFrom imagePullPolicy lifecycle livenessProbe readinessProbe resizePolicy resources "
        "restartPolicy restartPolicyRules securityContext startupProbe stdin stdinOnce terminationMessagePath "
        "terminationMessagePolicy tty volumeDevices volumeMounts workingDir"
    ),
}

POD: Shape = {
    "containers": [CONTAINER],
    "nodeSelector": Map(TEXT),
    "serviceAccountName": TEXT,
    **anything(
        "activeDeadlineSeconds affinity automountServiceAccountToken dnsConfig dnsPolicy enableServiceLinks "
        "ephemeralContainers evictionResponders hostAliases hostIPC hostNetwork hostPID hostUsers hostname "
        "hostnameOverride imagePullSecrets initContainers nodeName os overhead preemptionPolicy "
        "priority priorityClassName readinessGates resourceClaims resources restartPolicy runtimeClassName "
        "schedulerName schedulingGates schedulingGroup securityContext serviceAccount "
        "setHostnameAsFQDN shareProcessNamespace subdomain terminationGracePeriodSeconds tolerations "
        "topologySpreadConstraints volumes workloadRef"
    ),
}
TEMPLATE: Shape = {"metadata": METADATA, "spec": POD}
JOB: Shape = {
    "parallelism": WHOLE,
    "completions": WHOLE,
    "suspend": FLAG,
    "selector": SELECTOR,
    "template": TEMPLATE,
    **anything(
        "activeDeadlineSeconds backoffLimit backoffLimitPerIndex completionMode failedPodsLimit managedBy "
        "manualSelector maxFailedIndexes podFailurePolicy podReplacementPolicy scheduling successPolicy "
        "ttlSecondsAfterFinished"
    ),
}


def workload(names: str, **fields: Shape) -> Shape:
    """A kind that makes pods from a template, with these names of fields that may hold anything."""
    own: dict[str, Shape] = {"replicas": WHOLE, "selector": SELECTOR, "template": TEMPLATE, **fields}
    return resource(spec={**own, **anything(names)}, status=None)


WORKLOADS: dict[str, Shape] = {
    "Deployment": workload(
        "minReadySeconds paused progressDeadlineSeconds revisionHistoryLimit rollbackTo strategy",
    ),
    "StatefulSet": workload(
        "minReadySeconds ordinals persistentVolumeClaimRetentionPolicy podManagementPolicy revisionHistoryLimit "
        "serviceName updateStrategy volumeClaimTemplates",
    ),
    "DaemonSet": workload("minReadySeconds revisionHistoryLimit templateGeneration updateStrategy"),
    "ReplicaSet": workload("minReadySeconds"),
    "ReplicationController": workload("minReadySeconds", selector=LABELS),
    "DeploymentConfig": workload("minReadySeconds paused revisionHistoryLimit strategy test triggers", selector=LABELS),
    "Rollout": resource(spec=Open({"replicas": WHOLE, "selector": SELECTOR, "template": TEMPLATE}), status=None),
    "Pod": resource(spec=POD, status=None),
    "Job": resource(spec=JOB, status=None),
    "CronJob": resource(
        spec={
            "suspend": FLAG,
            "jobTemplate": {"metadata": METADATA, "spec": JOB},
            **anything(
                "concurrencyPolicy failedJobsHistoryLimit schedule startingDeadlineSeconds "
                "successfulJobsHistoryLimit timeZone"
            ),
        },
        status=None,
    ),
}
"""Kinds that make pods, by their fields."""

SECRET = resource(data=Map(FREE_TEXT), stringData=Map(FREE_TEXT), type=TEXT, immutable=FLAG)
NAMESPACE = resource(spec=None, status=None)
NODE = resource(spec=None, status=None)
