"""What the parts of a pod have to be to each other.

Source: kubernetes/kubernetes pkg/apis/core/validation/validation.go.
"""

from __future__ import annotations

from meshproof.manifest.constraints.presence import EMPTY, Fields, content, inner, mappings
from meshproof.manifest.node import Content
from meshproof.manifest.schema import Broken
from meshproof.manifest.syntax.quantities import amount

CONTAINERS = ("containers", "initContainers")
MERELY_BEGINNING = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle")


def known_mounts(fields: Fields) -> Broken | None:
    """Each mount of a container is of a volume of its pod."""
    return _unknown_mount(fields, set())


def known_mounts_and_claims(fields: Fields) -> Broken | None:
    """Each mount of a StatefulSet's container is of a volume of its pods, or of what it claims for each."""
    claims = {content(inner(one, "metadata"), "name") for _, one in mappings(fields, "volumeClaimTemplates")}
    found = _unknown_mount(inner(inner(fields, "template"), "spec"), claims)
    return (("template", "spec", *found[0]), found[1]) if found else None


def _unknown_mount(fields: Fields, volumes: set[Content]) -> Broken | None:
    volumes |= {content(one, "name") for _, one in mappings(fields, "volumes")}
    for kind in CONTAINERS:
        for at, container in mappings(fields, kind):
            for number, mount in mappings(container, "volumeMounts"):
                name = content(mount, "name")
                if isinstance(name, str) and name and name not in volumes:
                    return (kind, at, "volumeMounts", number, "name"), f"no volume of the pod is called {name!r}"
    return None


def host_ports(fields: Fields) -> Broken | None:
    """A port of the node is taken once, and is the container's own on the node's network."""
    on_host = content(fields, "hostNetwork") is True
    seen: set[object] = set()
    for at, container in mappings(fields, "containers"):
        for number, port in mappings(container, "ports"):
            taken, own = content(port, "hostPort"), content(port, "containerPort")
            if not isinstance(taken, int) or not taken:
                continue
            way = ("containers", at, "ports", number, "hostPort")
            if on_host and taken != own:
                return way, f"hostPort {taken} is not the containerPort, and the pod is on the network of its node"
            key = content(port, "protocol") or "TCP", content(port, "hostIP") or "", taken
            if key in seen:
                return way, f"hostPort {taken} is taken twice"
            seen.add(key)
    return None


def probed_sidecars(fields: Fields) -> Broken | None:
    """A container that ends before the others begin has no probes."""
    for at, container in mappings(fields, "initContainers"):
        for name in MERELY_BEGINNING if content(container, "restartPolicy") != "Always" else ():
            if content(container, name) is not None:
                return ("initContainers", at, name), f"an init container without restartPolicy: Always has no {name}"
    return None


def own_dns(fields: Fields) -> Broken | None:
    """Without the cluster's DNS a pod says where it asks."""
    if content(fields, "dnsPolicy") != "None" or content(inner(fields, "dnsConfig"), "nameservers") not in EMPTY:
        return None
    return ("dnsPolicy",), "dnsPolicy None needs nameservers in dnsConfig"


def within_limits(fields: Fields) -> Broken | None:
    """No more is requested than the limit is."""
    limits = inner(fields, "limits")
    for name in inner(fields, "requests"):
        asked, most = (amount(str(content(one, name))) for one in (inner(fields, "requests"), limits))
        if asked is not None and most is not None and asked > most:
            return ("requests", name), f"requests has more {name} than limits has"
    return None


def valued_once(fields: Fields) -> Broken | None:
    """A variable has a value, or comes from somewhere."""
    if content(fields, "valueFrom") is None or content(fields, "value") in EMPTY:
        return None
    return ("valueFrom",), "a variable has either value or valueFrom"


def tolerated(fields: Fields) -> Broken | None:
    """A toleration of a taint that is there says no value of it, and one without a key tolerates all."""
    exists = content(fields, "operator") == "Exists"
    if exists and content(fields, "value") not in EMPTY:
        return ("value",), "a toleration with operator Exists has no value"
    if not exists and content(fields, "key") in EMPTY:
        return (), "a toleration without a key needs operator: Exists"
    if content(fields, "tolerationSeconds") is not None and content(fields, "effect") != "NoExecute":
        return ("tolerationSeconds",), "tolerationSeconds is for the effect NoExecute alone"
    return None


def escalating(fields: Fields) -> Broken | None:
    """A privileged container may do what one is that raises its privileges."""
    if content(fields, "privileged") is True and content(fields, "allowPrivilegeEscalation") is False:
        return ("allowPrivilegeEscalation",), "allowPrivilegeEscalation is not false where privileged is true"
    return None
