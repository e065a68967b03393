"""Units of systemd, read through testinfra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from meshproof.border.facts.hosts import ServiceFacts
from meshproof.targets.hosts.connection import Connection

if TYPE_CHECKING:
    from testinfra.host import Host

RUNTIMES = ("docker", "containerd", "crio")
KUBELET = "kubelet"
# sd_booted(3): systemd runs the host. testinfra's own search for a service manager takes many commands.
SYSTEMD = "[ -d /run/systemd/system ]"


async def services(connection: Connection, names: Sequence[str]) -> dict[str, ServiceFacts]:
    """The state of these units, and the output of their programs' `--version`."""

    if not (await connection.run(SYSTEMD, what="looking for systemd")).ok:
        return {
            name: ServiceFacts(name, "unknown", "unknown", unseen="the host is not run by systemd") for name in names
        }

    def look(host: Host) -> dict[str, ServiceFacts]:
        return {name: _service(host, name) for name in names}

    return await connection.look(look, root=False)


def _service(host: Host, name: str) -> ServiceFacts:
    service = host.service(name)
    try:
        properties = service.systemd_properties
    except AssertionError:
        return ServiceFacts(name, "unknown", "unknown", unseen="systemd does not answer")
    if properties.get("LoadState") == "not-found":
        return ServiceFacts(name, "not installed", "")
    said = host.run("%s --version", name)
    version = said.stdout.strip().splitlines()[0] if said.rc == 0 and said.stdout.strip() else ""
    return ServiceFacts(name, properties.get("ActiveState", ""), properties.get("UnitFileState", ""), version)
