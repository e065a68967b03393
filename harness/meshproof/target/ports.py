"""Fixed local ports are asked for by a person, so a taken one is told before anything is started."""

from __future__ import annotations

import socket
from collections.abc import Mapping

from meshproof.errors import UsageError


def check_free(ports: Mapping[int, int]) -> None:
    """Raise UsageError for a local port that cannot be had (`ports`: local port by service port)."""
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
                raise UsageError(
                    f"port {local} on 127.0.0.1, asked for by --port {service}={local}, cannot be had: "
                    f"{error.strerror}; name another one, or leave --port out to get a free one"
                ) from None
