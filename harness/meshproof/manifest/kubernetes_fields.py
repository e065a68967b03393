"""The fields of the Kubernetes kinds that are read.

What has no part in a verdict (a container's resources, probes, volumes …) may be anything. Source:
https://kubernetes.io/docs/reference/kubernetes-api/.
"""

from __future__ import annotations

from meshproof.manifest.schema import FLAG, TEXT, WHOLE, WHOLE_OR_TEXT, Map, OneOf, Shape


def anything(names: str) -> dict[str, Shape]:
    """Fields that may hold anything."""
    return dict.fromkeys(names.split())


METADATA: Shape = {
    "name": TEXT,
    "generateName": TEXT,
    "namespace": TEXT,
    "labels": Map(TEXT),
    "annotations": Map(TEXT),
    **anything(
        "creationTimestamp clusterName deletionGracePeriodSeconds deletionTimestamp finalizers generation "
        "managedFields ownerReferences resourceVersion selfLink uid"
    ),
}
SELECTOR: Shape = {
    "matchLabels": Map(TEXT),
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
        "selector": Map(TEXT),
        "type": OneOf(("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")),
        "externalName": TEXT,
        **anything(
            "allocateLoadBalancerNodePorts clusterIP clusterIPs externalIPs externalTrafficPolicy "
            "healthCheckNodePort internalTrafficPolicy ipFamilies ipFamilyPolicy loadBalancerClass loadBalancerIP "
            "loadBalancerSourceRanges publishNotReadyAddresses sessionAffinity sessionAffinityConfig "
            "topologyKeys trafficDistribution"
        ),
    },
    status=None,
)

CONTAINER: Shape = {
    "name": TEXT,
    "image": TEXT,
    "ports": [{"containerPort": WHOLE, "name": TEXT, "protocol": TRANSPORT, "hostIP": TEXT, "hostPort": WHOLE}],
    **anything(
        "args command env envFrom imagePullPolicy lifecycle livenessProbe readinessProbe resizePolicy resources "
        "restartPolicy restartPolicyRules securityContext startupProbe stdin stdinOnce terminationMessagePath "
        "terminationMessagePolicy tty volumeDevices volumeMounts workingDir"
    ),
}

DEPLOYMENT = resource(
    spec={
        "replicas": WHOLE,
        "selector": SELECTOR,
        "template": {
            "metadata": METADATA,
            "spec": {
                "containers": [CONTAINER],
                **anything(
                    "activeDeadlineSeconds affinity automountServiceAccountToken dnsConfig dnsPolicy "
                    "enableServiceLinks ephemeralContainers evictionResponders hostAliases hostIPC hostNetwork "
                    "hostPID hostUsers hostname hostnameOverride imagePullSecrets initContainers nodeName "
                    "nodeSelector os overhead preemptionPolicy priority priorityClassName readinessGates "
                    "resourceClaims resources restartPolicy runtimeClassName schedulerName schedulingGates "
                    "schedulingGroup securityContext serviceAccount serviceAccountName setHostnameAsFQDN "
                    "shareProcessNamespace subdomain terminationGracePeriodSeconds tolerations "
                    "topologySpreadConstraints volumes workloadRef"
                ),
            },
        },
        **anything("minReadySeconds paused progressDeadlineSeconds revisionHistoryLimit rollbackTo strategy"),
    },
    status=None,
)

SECRET = resource(data=Map(TEXT), stringData=Map(TEXT), type=TEXT, immutable=FLAG)
NAMESPACE = resource(spec=None, status=None)
