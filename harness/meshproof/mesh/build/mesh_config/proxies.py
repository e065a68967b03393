"""What `defaultConfig` says of every proxy: most of it is about how one runs, and some of it about requests."""

from __future__ import annotations

from meshproof.manifest.value import Value
from meshproof.mesh.build.findings import Findings
from meshproof.mesh.build.proxy_config.fields import METADATA, PROXY, TOPOLOGY
from meshproof.mesh.build.proxy_config.variables import touched
from meshproof.mesh.model.mesh import Mesh
from meshproof.mesh.model.unmodelled import Entering


def told(mesh: Mesh, value: Value, findings: Findings) -> None:
    """Say what of it is not modelled, and which requests that can touch."""
    for name in value.names():
        if name == TOPOLOGY:
            # Who the client of a gateway is: proxies within the mesh take it from their gateways.
            if entering := tuple(Entering(one.key) for one in mesh.gateways):
                findings.unmodelled(value, name, touches=entering)
        elif name == METADATA:
            _environment(mesh, value, findings)
        elif name not in PROXY:
            findings.unmodelled(value, name)


def _environment(mesh: Mesh, value: Value, findings: Findings) -> None:
    found = value.get(METADATA)
    for name, own in found.fields().items() if found else ():
        reach = touched(mesh, name, own)
        if reach is None:
            findings.unproved(own.key or own.location, f"{METADATA} {name} is not modelled")
        elif reach:
            why = f"{name} is not modelled: hosts of ServiceEntries without addresses have some of their own"
            findings.unproved(own.key or own.location, why, touches=reach)
