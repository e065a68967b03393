"""Local ports that options fix are checked before anything is started."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping

from meshproof.errors import TargetError, UsageError
from meshproof.mesh.model.mesh import Mesh


def check_free(ports: Mapping[int, int]) -> None:
    """Raise TargetError for a local port that another process has (`ports`: local port by service port).

    UsageError for one that is asked for twice.
    """
    owners: dict[int, int] = {}
    for service, local in ports.items():
        first = owners.setdefault(local, service)
        if first != service:
            raise UsageError(f"local port {local} is asked for twice, for the service ports {first} and {service}")
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", local))
            except OSError as error:
                raise TargetError(
                    f"port {local} on 127.0.0.1, asked for by --port {service}={local}, cannot be had: "
                    f"{error.strerror}; name another one, or leave --port out to get a free one",
                    f"look: ss -ltnp 'sport = :{local}'",
                ) from None


def check_served(ports: Mapping[int, int], meshes: Iterable[Mesh]) -> None:
    """Raise UsageError for a service port that no Service and no Gateway of these meshes has."""
    served: set[int] = set()
    for mesh in meshes:
        served |= {port.number for service in mesh.services for port in service.ports}
        served |= {server.port for gateway in mesh.gateways for server in gateway.servers}
    for port, local in ports.items():
        if port not in served:
            there = ", ".join(map(str, sorted(served))) or "none"
            raise UsageError(
                f"--port {port}={local}: no Service and no Gateway of what runs has port {port}; there are: {there}"
            )
