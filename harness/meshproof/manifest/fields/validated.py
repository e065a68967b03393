"""What the API server wants of the fields of its own types beyond their types: a table by the names of published.txt.

Source: kubernetes/kubernetes pkg/apis/*/validation. What depends on a cluster (quotas, classes, features) is not here.
"""

from __future__ import annotations

from collections.abc import Mapping

from meshproof.manifest.constraints import pods, workloads
from meshproof.manifest.constraints.presence import absent, needed, once, one_beside, one_of
from meshproof.manifest.schema import Between, Constraint, Either, Form, Map, OneOf, Shape, Spelled
from meshproof.manifest.syntax import names, quantities
from meshproof.manifest.syntax.schedule import schedule

LARGEST, LONGEST = 2**31 - 1, 2**63 - 1
NOT_NEGATIVE, AT_LEAST_ONE = Between(0, LARGEST), Between(1, LARGEST)
PORT = Between(1, 65535)
NAMED_PORT = Either(PORT, names.port_name)
HOST_PORT = Between(0, 65535)
MODE = Between(0, 0o777)
SECONDS = Between(0, LONGEST)
QUANTITY = Either(Between(0, LONGEST, whole=False), quantities.quantity)
AMOUNTS = Map(QUANTITY, names.resource_name)
PART, ALL_AT_MOST = Either(NOT_NEGATIVE, quantities.percentage), Either(NOT_NEGATIVE, quantities.share)
LABEL, SUBDOMAIN = (Spelled(names.optional(one)) for one in (names.label_1123, names.subdomain))
KEY = Spelled(names.config_key)
WITHIN = Form(r"(?!/)(?!(.*/)?\.\.(/|$)).*", "a path within the volume", longest=4096)
OF_POD = r"metadata\.(name|namespace|uid|labels|annotations)(\['.*'\])?|spec\.(nodeName|host|serviceAccountName)"
TIMEOUTS = dict.fromkeys(("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "failureThreshold"), NOT_NEGATIVE)
IDS = dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"), NOT_NEGATIVE)


def known(*several: str) -> Shape:
    """One of these, or an empty text, which stands for the usual one."""
    return OneOf(several, empty=True)


SHAPES: Mapping[str, Mapping[str, Shape]] = {
    "Probe": {**TIMEOUTS, "successThreshold": NOT_NEGATIVE, "terminationGracePeriodSeconds": Between(1, LONGEST)},
    "HTTPGetAction": {"port": NAMED_PORT, "scheme": known("HTTP", "HTTPS")},
    "TCPSocketAction": {"port": NAMED_PORT},
    "GRPCAction": {"port": PORT},
    "HTTPHeader": {"name": Spelled(names.header)},
    "SleepAction": {"seconds": NOT_NEGATIVE},
    "RollingUpdateDeployment": {"maxSurge": PART, "maxUnavailable": ALL_AT_MOST},
    "RollingUpdateDaemonSet": {"maxSurge": ALL_AT_MOST, "maxUnavailable": ALL_AT_MOST},
    "RollingUpdateStatefulSetStrategy": {"partition": NOT_NEGATIVE},
    "DeploymentSpec": dict.fromkeys(
        ("minReadySeconds", "progressDeadlineSeconds", "revisionHistoryLimit"), NOT_NEGATIVE
    ),
    "StatefulSetSpec": {"minReadySeconds": NOT_NEGATIVE, "serviceName": LABEL},
    "StatefulSetOrdinals": {"start": NOT_NEGATIVE},
    "StatefulSetPersistentVolumeClaimRetentionPolicy": dict.fromkeys(
        ("whenDeleted", "whenScaled"), known("Retain", "Delete")
    ),
    "DaemonSetSpec": dict.fromkeys(("minReadySeconds", "revisionHistoryLimit"), NOT_NEGATIVE),
    "ReplicaSetSpec": {"minReadySeconds": NOT_NEGATIVE},
    "ReplicationControllerSpec": {"minReadySeconds": NOT_NEGATIVE},
    "JobSpec": {
        **dict.fromkeys(
            ("backoffLimit", "completions", "parallelism", "ttlSecondsAfterFinished"),
            NOT_NEGATIVE,
        ),
        "activeDeadlineSeconds": SECONDS,
        "completionMode": OneOf(("NonIndexed", "Indexed")),
        "podReplacementPolicy": OneOf(("Failed", "TerminatingOrFailed")),
    },
    "CronJobSpec": {
        **dict.fromkeys(("successfulJobsHistoryLimit", "failedJobsHistoryLimit"), NOT_NEGATIVE),
        "startingDeadlineSeconds": SECONDS,
        "schedule": Spelled(names.optional(schedule)),
        "timeZone": Form(r"(?!(?i:Local)$)[A-Za-z_0-9+-][A-Za-z._0-9+/-]*", "the name of a time zone"),
        "concurrencyPolicy": known("Allow", "Forbid", "Replace"),
    },
    "PodSpec": {
        **dict.fromkeys(("hostname", "subdomain"), LABEL),
        **dict.fromkeys(("priorityClassName", "nodeName", "runtimeClassName"), SUBDOMAIN),
        "preemptionPolicy": OneOf(("PreemptLowerPriority", "Never")),
        "activeDeadlineSeconds": AT_LEAST_ONE,
    },
    "Container": {"terminationMessagePolicy": known("File", "FallbackToLogsOnError")},
    "Volume": {"name": Spelled(names.label_1123)},
    **{name: {"defaultMode": MODE} for name in ("ConfigMapVolumeSource", "SecretVolumeSource")},
    **{name: {"defaultMode": MODE} for name in ("ProjectedVolumeSource", "DownwardAPIVolumeSource")},
    "KeyToPath": {"mode": MODE, "path": WITHIN},
    "HostPathVolumeSource": {
        "type": known(
            *("DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice")
        )
    },
    "EmptyDirVolumeSource": {"sizeLimit": QUANTITY},
    "VolumeMount": {
        "subPath": WITHIN,
        "mountPropagation": OneOf(("None", "HostToContainer", "Bidirectional")),
    },
    "EnvVar": {"name": Spelled(names.variable)},
    "ConfigMapKeySelector": {"key": KEY},
    "SecretKeySelector": {"key": KEY},
    "ObjectFieldSelector": {"fieldPath": Form(rf"{OF_POD}|status\.(hostIPs?|podIPs?)", "a field of a pod")},
    "ResourceRequirements": {"limits": AMOUNTS, "requests": AMOUNTS},
    "VolumeResourceRequirements": {"limits": Map(QUANTITY), "requests": Map(QUANTITY)},
    "PersistentVolumeClaimSpec": {
        "accessModes": [OneOf(("ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"))]
    },
    "Toleration": {
        "operator": known("Equal", "Exists", "Lt", "Gt"),
        "effect": known("NoSchedule", "PreferNoSchedule", "NoExecute"),
    },
    "TopologySpreadConstraint": {
        "maxSkew": AT_LEAST_ONE,
        "whenUnsatisfiable": OneOf(("DoNotSchedule", "ScheduleAnyway")),
    },
    "WeightedPodAffinityTerm": {"weight": Between(1, 100)},
    "PreferredSchedulingTerm": {"weight": Between(1, 100)},
    "NodeSelectorRequirement": {"operator": OneOf(("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"))},
    "SecurityContext": {**IDS, "procMount": OneOf(("Default", "Unmasked"))},
    "PodSecurityContext": {**IDS, "fsGroupChangePolicy": OneOf(("OnRootMismatch", "Always"))},
    "SeccompProfile": {"type": OneOf(("Localhost", "RuntimeDefault", "Unconfined"))},
    "AppArmorProfile": {"type": OneOf(("Localhost", "RuntimeDefault", "Unconfined"))},
}
"""The shapes of fields, in the place of those that their types alone give."""

NAMED = (needed("name"),)
CONSTRAINTS: Mapping[str, tuple[Constraint, ...]] = {
    "Probe": (one_of("exec", "grpc", "httpGet", "tcpSocket"),),
    "LifecycleHandler": (one_of("exec", "httpGet", "sleep", "tcpSocket"),),
    "ExecAction": (needed("command"),),
    **dict.fromkeys(("HTTPGetAction", "TCPSocketAction", "GRPCAction"), (needed("port"),)),
    **dict.fromkeys(("HTTPHeader", "ConfigMapVolumeSource", "ConfigMapEnvSource", "SecretEnvSource"), NAMED),
    "RollingUpdateDeployment": (workloads.moving,),
    "DaemonSetUpdateStrategy": (workloads.moving_one_way,),
    "DeploymentStrategy": (workloads.rolling("Recreate"),),
    "StatefulSetUpdateStrategy": (workloads.rolling("OnDelete"),),
    "DeploymentSpec": (workloads.in_time,),
    "CronJobSpec": (needed("schedule"),),
    "PodSpec": (once("volumes", "name"), pods.host_ports, pods.probed_sidecars, pods.own_dns),
    "Container": (once("ports", "name"), once("volumeMounts", "mountPath"), once("volumeDevices", "devicePath")),
    "Volume": (needed("name"), one_beside("name")),
    "SecretVolumeSource": (needed("secretName"),),
    "HostPathVolumeSource": (needed("path"),),
    "PersistentVolumeClaimVolumeSource": (needed("claimName"),),
    "NFSVolumeSource": (needed("server", "path"),),
    "CSIVolumeSource": (needed("driver"),),
    "KeyToPath": (needed("key", "path"),),
    "VolumeMount": (needed("name", "mountPath"),),
    "EnvVar": (needed("name"), pods.valued_once),
    "EnvVarSource": (one_of("configMapKeyRef", "fieldRef", "fileKeyRef", "resourceFieldRef", "secretKeyRef"),),
    "EnvFromSource": (one_of("configMapRef", "secretRef"),),
    **dict.fromkeys(("ConfigMapKeySelector", "SecretKeySelector"), (needed("name", "key"),)),
    "ObjectFieldSelector": (needed("fieldPath"),),
    "ResourceFieldSelector": (needed("resource"),),
    "ResourceRequirements": (pods.within_limits,),
    "PersistentVolumeClaimSpec": (needed("accessModes"), workloads.claimed),
    "Toleration": (pods.tolerated,),
    "TopologySpreadConstraint": (needed("maxSkew", "topologyKey", "whenUnsatisfiable"),),
    "PodAffinityTerm": (needed("topologyKey"),),
    "NodeSelector": (needed("nodeSelectorTerms"),),
    "NodeSelectorRequirement": (needed("key", "operator"),),
    "SeccompProfile": (needed("type"),),
    "AppArmorProfile": (needed("type"),),
    "SecurityContext": (pods.escalating,),
    "HostAlias": (needed("ip"),),
}
"""What the fields of a type have to be to each other."""

READINESS = (absent("terminationGracePeriodSeconds", why="is for probes that end a container"),)
ONE_SUCCESS = Between(0, 1)
