"""The names that istiod gives to Envoy's resources."""

from __future__ import annotations

WILDCARD_ADDRESS = "0.0.0.0"  # noqa: S104 (a part of a name: what listens, listens on loopback)


def cluster_name(host: str, subset: str, port: int) -> str:
    """`outbound|PORT|SUBSET|HOST`."""
    return f"outbound|{port}|{subset}|{host}"


def parts(cluster: str) -> tuple[int, str, str]:
    """Port, subset and host of a cluster's name."""
    _, port, subset, host = cluster.split("|", 3)
    return int(port), subset, host


def listener_name(port: int) -> str:
    """`0.0.0.0_PORT`, as istiod names it; PORT is the service's, not the local one."""
    return f"{WILDCARD_ADDRESS}_{port}"


def service_port(listener: str) -> int:
    """The port number that a listener's name carries."""
    return int(listener.rpartition("_")[2])


def tcp_listener_name(host: str, port: int) -> str:
    """`HOST_PORT`: where istiod has the address of the service, which it has none of here."""
    return f"{host}_{port}"


def sniffed_routes(host: str, port: int) -> str:
    """`HOST:PORT`: the route table of a listener that one service has for itself."""
    return f"{host}:{port}"


def is_tcp_listener(listener: str) -> bool:
    """Whether a listener takes the connections of one service alone."""
    return not listener.startswith(f"{WILDCARD_ADDRESS}_")


def domain_name(host: str, port: int) -> str:
    """`HOST:PORT`, which names a virtual host."""
    return f"{host}:{port}"
