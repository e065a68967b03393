"""The ports of the pods of Gateways, and those of their Services that lead there.

istiod opens for a server the port of the pods that their Service's port of that number leads to, else the number
itself (istio/istio pilot/pkg/model/gateway.go, resolvePorts). What comes by any port of a Service that leads there
enters by it.
"""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.mesh.model.gateway import Gateway
from meshproof.mesh.model.mesh import Mesh


def opened(mesh: Mesh, gateway: Gateway, number: int) -> int:
    """The port of the pods that a server of a Gateway opens: its own number where no Service of theirs has it."""
    return next(_led_to(mesh, gateway, number), number)


def served_as(mesh: Mesh, gateway: Gateway, number: int) -> int:
    """The number of the servers that what comes by a port of the pods' Service enters by.

    That number itself where a server has it, or nothing leads to one.
    """
    numbers = sorted({server.port for server in gateway.servers})
    if gateway.listener or number in numbers:
        return number
    target = next(_led_to(mesh, gateway, number), None)
    if target is None:
        return number
    return next((one for one in numbers if opened(mesh, gateway, one) == target), number)


def _led_to(mesh: Mesh, gateway: Gateway, number: int) -> Iterator[int]:
    """The ports of a Gateway's pods that Services lead to by a port of a number."""
    namespace, labels = mesh.pods_of(gateway)
    for service, port in mesh.services_on(number):
        if service.namespace == namespace and service.selector and service.selector.items() <= labels.items():
            named = {one.name: one.number for pod in mesh.serving(gateway) for one in pod.ports}
            yield port.target if isinstance(port.target, int) else named.get(port.target, number)
