"""Gathers the facts of an installation. A fact that cannot be read is noted with the reason; the others are read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import field
from typing import Any, TypeVar

from meshproof.border.facts.installation import (
    Balance,
    Definition,
    GatewayFact,
    InstallFacts,
    Message,
    NodeFact,
    PodFact,
    Specified,
)
from meshproof.errors import TargetError
from meshproof.records import dataclass
from meshproof.targets.istio import health
from meshproof.targets.istio.inspection import balance, kube_proxy
from meshproof.targets.istio.istioctl import NAMESPACE, ForbiddenError, Istioctl
from meshproof.targets.istio.proxy import injection
from meshproof.targets.kube import ownership
from meshproof.targets.kube import pods as kube_pods
from meshproof.targets.kube.api.connection import Cluster
from meshproof.targets.kube.api.forward import forwarded

GROUP = "networking.istio.io"
ANALYZE = "meshproof-analyze"
WATCHED = ("secrets", "services", "pods", "namespaces")
INGRESS = "istio=ingressgateway"
STATUS_PORT, STATUS_PATH = 15021, "/healthz/ready"
Fact = TypeVar("Fact")


@dataclass(slots=True)
class Inspector:
    """Inspects the Istio of a cluster. `namespace` is the run's, labelled for injection; `image` is one with Python.

    Without an image nothing is applied, and whether a ClusterIP balances stays unknown. `revision` names the control
    plane where there are several.
    """

    cluster: Cluster
    istioctl: Istioctl | None
    specified: Specified
    namespace: str
    run: str
    image: str = ""
    revision: str = ""
    _unknown: dict[str, str] = field(default_factory=dict)
    _withheld: dict[str, str] = field(default_factory=dict)

    async def facts(self) -> InstallFacts:
        """All facts that could be read; raises TargetError only when the cluster does not answer at all."""
        self._unknown, self._withheld = {}, {}
        there = await health.control_planes(self.cluster)
        async with asyncio.TaskGroup() as group:
            nodes = group.create_task(self._try("nodes", self._nodes))
            pods = group.create_task(self._try("pods", self._pods))
            sidecar = group.create_task(self._try("sidecar", self._sidecar))
            definitions = group.create_task(self._try("definitions", self._definitions))
            balanced = group.create_task(self._try("balance", self._balance))
            gateways = group.create_task(self._try("gateways", self._gateways))
            messages = group.create_task(self._try("messages", self._messages))
        return InstallFacts(
            specified=self.specified,
            kubernetes=self.cluster.version,
            istio=next((one.version for one in there if self.revision in ("", one.revision)), ""),
            istioctl=self.istioctl.version if self.istioctl else "",
            nodes=nodes.result(),
            pods=pods.result(),
            sidecar=sidecar.result(),
            definitions=definitions.result(),
            balance=balanced.result(),
            gateways=gateways.result(),
            messages=messages.result(),
            unknown=dict(self._unknown),
            withheld=dict(self._withheld),
        )

    async def _try(self, name: str, find: Callable[[], Coroutine[Any, Any, Fact]]) -> Fact | None:
        try:
            async with asyncio.timeout(self.cluster.timeouts.istio_inspected):
                return await find()
        except TargetError as error:
            self._unknown[name] = str(error)
        except TimeoutError:
            self._unknown[name] = f"no answer within {self.cluster.timeouts.istio_inspected:g} s"
        return None

    async def _nodes(self) -> tuple[NodeFact, ...]:
        modes = await self._try("kube_proxy", lambda: kube_proxy.modes(self.cluster)) or {}
        return tuple(
            NodeFact(one.name, one.ready, one.kernel, one.kubelet, *modes.get(one.name, ("", "")))
            for one in await self.cluster.nodes()
        )

    async def _pods(self) -> tuple[PodFact, ...]:
        found = await self.cluster.objects.list("v1", "Pod", NAMESPACE)
        own = [one for one in found if health.istios(one) and (one.get("status") or {}).get("phase") != "Succeeded"]
        return tuple(_pod(one) for one in own)

    async def _sidecar(self) -> str:
        found = await injection.would_inject(self.cluster.objects, self.namespace, self.cluster.timeouts)
        return str(found.get("image", "")) if found else ""

    async def _definitions(self) -> tuple[Definition, ...]:
        served: dict[str, list[str]] = {}
        for version in await self.cluster.objects.versions(GROUP):
            body = await self.cluster.objects.raw(f"/apis/{GROUP}/{version}", what=f"reading what {GROUP} has")
            for one in body.get("resources") or ():
                if "/" not in one["name"]:
                    served.setdefault(one["name"], []).append(version)
        return tuple(Definition(f"{name}.{GROUP}", tuple(versions)) for name, versions in sorted(served.items()))

    async def _balance(self) -> Balance:
        if not self.image:
            raise TargetError("it needs an image with Python, which this run does not have")
        return await balance.measure(self.cluster, self.namespace, self.run, self.image)

    async def _gateways(self) -> tuple[GatewayFact, ...]:
        services = await self.cluster.objects.list("v1", "Service", NAMESPACE, labels=INGRESS)
        return tuple([await self._gateway(one) for one in services])

    async def _gateway(self, service: dict[str, Any]) -> GatewayFact:
        name = str(service["metadata"]["name"])
        try:
            pod = await self._behind(service)
            async with forwarded(self.cluster.api, NAMESPACE, pod, STATUS_PORT, self.cluster.timeouts) as port:
                status, _ = await kube_proxy.fetch(port, STATUS_PATH, self.cluster.timeouts.kube_answer)
        except TargetError as error:
            return GatewayFact(name, _addresses(service), 0, str(error))
        return GatewayFact(name, _addresses(service), status)

    async def _behind(self, service: dict[str, Any]) -> str:
        """A pod that a Service selects: a ready one, else one that runs, whose page says why it is not ready."""
        selector = (service.get("spec") or {}).get("selector") or {}
        labels = ",".join(f"{name}={value}" for name, value in selector.items())
        listed = await self.cluster.objects.list("v1", "Pod", NAMESPACE, labels=labels) if labels else []
        running = [one for one in listed if (one.get("status") or {}).get("phase") == "Running"]
        for one in sorted(running, key=kube_pods.ready, reverse=True):
            return str(one["metadata"]["name"])
        raise TargetError(f"Service {service['metadata']['name']} selects no pod that runs ({labels or 'no selector'})")

    async def _messages(self) -> tuple[Message, ...] | None:
        if self.istioctl is None:
            raise TargetError("it needs istioctl, which this run does not use")
        grant = f"an administrator grants it with the role {ANALYZE} of docs/rbac.yaml"
        for what in WATCHED:
            # istioctl waits without end for what it may not watch.
            if not await self.cluster.objects.allowed("watch", what):
                self._withheld["messages"] = f"istioctl analyze watches all {what}, which this user may not; {grant}"
                return None
        try:
            found = await self.istioctl.analyze(self.cluster.timeouts)
        except ForbiddenError as error:
            self._withheld["messages"] = f"{error}\n{grant}"
            return None
        runs = await self.cluster.objects.list("v1", "Namespace", labels=ownership.selector())
        of_runs = {str(one["metadata"]["name"]) for one in runs}
        words = ("code", "level", "origin", "message")
        messages = [Message(*(str(one.get(word, "")) for word in words)) for one in found]
        # Messages about objects of runs that are under way are not about the installation.
        return tuple(one for one in messages if one.namespace not in of_runs)


def _pod(body: dict[str, Any]) -> PodFact:
    spec = body.get("spec") or {}
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    hindrance = "" if kube_pods.ready(body) else "; ".join(kube_pods.hindrances(body)) or "is not ready"
    images = {str(one["name"]): str(one.get("image", "")) for one in containers}
    return PodFact(str(body["metadata"]["name"]), images, hindrance)


def _addresses(service: dict[str, Any]) -> tuple[str, ...]:
    """Where a Service is reached from outside: a load balancer's addresses, else its node ports."""
    spec = service.get("spec") or {}
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or ()
    given = [str(one.get("ip") or one.get("hostname")) for one in ingress]
    ports = [f"node port {one['nodePort']}" for one in spec.get("ports") or () if one.get("nodePort")]
    return tuple(given or ports)
