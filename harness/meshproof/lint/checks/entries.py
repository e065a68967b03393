"""ServiceEntries by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from meshproof.lint.check import Check, Found, Severity
from meshproof.lint.folder import Folder
from meshproof.lint.raw import each, field, text
from meshproof.manifest.resource import Resource


def without_address(folder: Folder) -> Iterator[Found]:
    """TCP that nothing but an address tells apart, without one."""
    return each(folder.of_kind("ServiceEntry"), _ports)


def _ports(resource: Resource) -> Iterator[Found]:
    spec, status = resource.body.need("spec"), field(resource.body, "status")
    if spec.list("addresses") or (status is not None and status.list("addresses")):
        return
    for port in spec.list("ports"):
        if text(port, "protocol").upper() in ("", "TCP"):
            number = port.need("number").shown
            said = f"port {number} is TCP and the ServiceEntry has no address: without one of its own"
            yield Found(port.location, f"{said} or one that istiod allocates, all TCP of port {number} goes there")


CHECKS = (
    Check(
        "MP100",
        Severity.INFO,
        "A ServiceEntry for TCP has no address",
        "Give it addresses, unless istiod allocates them.",
        without_address,
        ("IST0134",),
    ),
)
