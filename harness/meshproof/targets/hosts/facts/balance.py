"""Whether IPVS works: a virtual service with two backends, in a network namespace that ends with the command.

It is not visible outside of that namespace, and nothing is left of it: the namespace has no name, so it ends with its
last process, also when the connection is lost. IPVS keeps its services apart by namespace since Linux 2.6.39.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from meshproof.border.facts.hosts import BalanceFacts, ModuleFacts
from meshproof.targets.hosts.connection import Connection

NEEDED = ("ip_vs", "ip_vs_rr")
# Debian always has perl-base; the dnf and yum of the others are written in Python.
FIND = """for t in ip ipvsadm unshare; do command -v $t >/dev/null || { echo "missing $t"; exit 0; }; done
for p in perl python3 /usr/libexec/platform-python python2 python; do command -v $p && exit 0; done
echo 'missing perl or python'"""


async def balance(connection: Connection, modules: Sequence[ModuleFacts], no_root: str = "") -> BalanceFacts:
    """Create the service, send ten requests to it, and record which backend answered each."""
    if no_root:
        return BalanceFacts(unseen=no_root)
    # Creating a service would load missing modules, and that is a change of the host.
    states = {module.name: module.state for module in modules}
    idle = [name for name in NEEDED if states.get(name) not in ("loaded", "built in")]
    if idle:
        return BalanceFacts(unseen=f"{' and '.join(idle)} not loaded, and a check loads nothing")
    found = (await connection.must(FIND, root=True, what="looking for ipvsadm")).decode().strip()
    if found.startswith("missing"):
        return BalanceFacts(unseen=f"the host has no {found.removeprefix('missing ')}")
    program = files("meshproof.targets.hosts.facts") / ("balance.pl" if found.endswith("perl") else "balance.py.txt")
    output = await connection.run(
        "exec unshare -n %s -",
        found,
        stdin=program.read_bytes(),
        root=True,
        seconds=connection.timeouts.ipvs_balanced,
        what="balancing with IPVS",
    )
    lines = output.text.splitlines()
    answers = tuple(line.removeprefix("answer ") for line in lines if line.startswith("answer "))
    errors = [line.removeprefix("error ") for line in lines if line.startswith("error ")]
    if not output.ok and not errors:
        errors = [output.stderr.strip() or f"exit code {output.code}"]
    return BalanceFacts(answers, "; ".join(errors))
