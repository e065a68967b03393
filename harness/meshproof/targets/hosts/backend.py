"""testinfra's ssh backend over a connection that is already there, with a limit on every command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testinfra.backend.base import CommandResult
from testinfra.backend.ssh import SshBackend
from testinfra.host import Host

if TYPE_CHECKING:
    from meshproof.targets.hosts.connection import Connection


class SharedSsh(SshBackend):  # type: ignore[misc]
    """testinfra's own runs a shell on this machine, without a limit, for each command on the host."""

    NAME = "ssh"

    def __init__(self, connection: Connection, *, root: bool) -> None:
        super().__init__(connection.entry.address)
        # Hosts have one encoding here, so that no command need ask which.
        self._encoding = "utf-8"
        self._connection = connection
        self._root = root

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:  # noqa: ARG002
        line = self.get_command(command, *args)
        output = self._connection.call(line, root=self._root)
        return self.result(output.code, self.encode(line), output.stdout, output.stderr.encode())


def host(connection: Connection, *, root: bool) -> Host:
    """A host as testinfra's modules see it; commands go through sudo where the inventory says so."""
    backend = SharedSsh(connection, root=root)
    made = Host(backend)
    backend.set_host(made)
    return made
