"""One address behind a ServiceEntry, in it or in a WorkloadEntry of its own.

Source: https://istio.io/latest/docs/reference/config/networking/workload-entry/, and istiod's validation
(pkg/config/validation, validateWorkloadEntry).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection

from meshproof.errors import Location
from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.kubernetes import LARGEST_PORT, labels
from meshproof.mesh.model.kubernetes import Labels
from meshproof.mesh.model.names import HOST
from meshproof.mesh.model.traffic_policy.locality import Locality, labelled, parsed
from meshproof.records import dataclass

UNIX = "unix://"
LARGEST_WEIGHT = 2**32 - 1
PORT_NAME = re.compile(r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SUBNET = re.compile(r"[0-9A-Fa-f:.]+(/[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`ports` are the numbers that it says for named ports; `weight` is 1 where it says none."""

    address: str
    ports: tuple[tuple[str, int], ...]
    labels: Labels
    location: Location
    locality: Locality | None = None
    weight: int = 1

    @property
    def is_named(self) -> bool:
        """Whether it is a name that DNS has to resolve: only a ServiceEntry with resolution DNS takes such a one."""
        return bool(self.address) and not self.address.startswith(UNIX) and not is_address(self.address)


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_subnet(text: str) -> bool:
    """Whether a text is an IP address, or a block of them."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return SUBNET.fullmatch(text) is not None


def endpoint(
    value: Value, findings: Findings, *, names: Collection[str] | None = None, static: bool = False
) -> Endpoint:
    """`names` are those of the ports that it may speak of (None: any); `static` endpoints have addresses, no names."""
    found = value.get("address")
    address = found.text() if found else ""
    if not address and not value.get("network"):
        raise value.problem("an endpoint needs an address")
    findings.unmodelled(value, "network")
    ports = value.get("ports")
    numbers = []
    for name, number in (ports.fields() if ports else {}).items():
        if names is not None and name not in names:
            raise number.problem(f"the ServiceEntry has no port {name}", f"its ports: {', '.join(names) or 'none'}")
        if not PORT_NAME.fullmatch(name):
            raise number.problem(f"{name!r} is no name of a port")
        numbers.append((name, number.whole(1, LARGEST_PORT)))
    own, where = labels(value, "labels"), value.get("locality")
    place = parsed(where.text()) if where and where.text() else labelled(own) or Locality()
    heavy = value.get("weight")
    weight = (heavy.whole(0, LARGEST_WEIGHT) if heavy else 0) or 1
    made = Endpoint(address, tuple(numbers), own, value.location, place, weight)
    if address.startswith(UNIX):
        path = address.removeprefix(UNIX)
        if not path.startswith(("/", "@")) or path.endswith("/"):
            raise value.problem(f"{address!r} is no Unix socket", "unix:// and an absolute path, or @ and a name")
        if numbers:
            raise value.problem("an endpoint at a Unix socket has no ports")
    elif made.is_named and (static or not HOST.fullmatch(address) or address.startswith("*")):
        raise value.problem(f"{address!r} is no address of an endpoint", "resolution STATIC wants IP addresses")
    return made
