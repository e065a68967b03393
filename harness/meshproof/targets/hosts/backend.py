"""testinfra's ssh backend over an existing connection, with a limit on every command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from testinfra.backend.base import CommandResult
from testinfra.backend.ssh import SshBackend
from testinfra.host import Host

if TYPE_CHECKING:
    from meshproof.targets.hosts.connection import Connection


class SharedSsh(SshBackend):  # type: ignore[misc]
    """Runs testinfra's commands over a Connection; testinfra's own backend starts an ssh for each, without a limit."""

    NAME = "ssh"

    def __init__(self, connection: Connection, *, root: bool) -> None:
        super().__init__(connection.entry.address)
        # A fixed encoding, so that testinfra does not ask each host for its own.
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
