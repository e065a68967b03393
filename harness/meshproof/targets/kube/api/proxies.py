"""Which proxy is used for an API server, by the same rule as kubectl, istioctl and helm.

https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
from urllib.parse import urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}


def from_environment(server: str) -> str | None:
    """The proxy for a server's address; None where it is reached without one, as servers on this machine always are."""
    parts = urlsplit(server)
    host, port = (parts.hostname or "").rstrip("."), parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
    given = _variable(f"{parts.scheme}_proxy") if parts.scheme in DEFAULT_PORTS else ""
    if not given or _here(host) or any(_excepts(one.strip(), host, port) for one in _variable("no_proxy").split(",")):
        return None
    return given if "://" in given else f"http://{given}"


def _variable(name: str) -> str:
    return os.environ.get(name.upper()) or os.environ.get(name) or ""


def _here(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _excepts(entry: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY is about the host: an address, a network, a domain with all below it, each
    perhaps with a port."""
    if entry == "*":
        return True
    address = _address(host)
    if "/" in entry:
        with contextlib.suppress(ValueError):
            return address is not None and address in ipaddress.ip_network(entry, strict=False)
        return False
    name, only = entry.lower(), 0
    if _address(name) is None:
        with contextlib.suppress(ValueError):
            split = urlsplit(f"//{name}")
            name, only = (name, 0) if split.hostname is None else (split.hostname, split.port or 0)
    if not name or only not in (0, port):
        return False
    if address is not None:
        return _address(name) == address
    # `*.example.com` and `.example.com` are about what is below, `example.com` about itself too.
    name = name.removeprefix("*")
    return host == name or host.endswith(name if name.startswith(".") else f".{name}")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]"))
    return None
