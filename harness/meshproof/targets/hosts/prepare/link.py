"""A link to one host, which reconnects after a reboot."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from meshproof.border.inventory import HostEntry, SshSettings
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError
from meshproof.records import dataclass
from meshproof.targets.hosts.connection import Connection, connect
from meshproof.targets.hosts.redaction import HostRedaction

BOOT_ID = "/proc/sys/kernel/random/boot_id"
PAUSE_SECONDS = 2.0
# The command's answer must be sent before the connection ends.
GO_DOWN = "(sleep 1; systemctl reboot || reboot || shutdown -r now) > /dev/null 2>&1 < /dev/null &"


@dataclass(slots=True)
class Link:
    """How a host is reached; the path `folder` is short, its mode 0700."""

    entry: HostEntry
    settings: SshSettings
    folder: Path
    timeouts: Timeouts
    redaction: HostRedaction
    connection: Connection

    @property
    def label(self) -> str:
        """The host's name in reports and errors."""
        return self.connection.label

    async def reboot(self, old: str) -> None:
        """Restart the host, and wait until it answers from another boot than `old`; raises TargetError."""
        await self.connection.must(GO_DOWN, root=True, what="asking for the reboot")
        await self.connection.close()
        limit = self.timeouts.host_reboot
        # TCP repeats packets to a starting host at growing intervals: a new attempt connects sooner.
        attempt = replace(self.timeouts, ssh_connected=min(self.timeouts.ssh_connected, self.timeouts.ssh_again))
        last = "it still answered from the boot before"
        try:
            async with asyncio.timeout(limit):
                while True:
                    await asyncio.sleep(PAUSE_SECONDS)
                    try:
                        fresh = await connect(self.entry, self.settings, self.folder, attempt, self.redaction)
                    except TargetError as error:
                        last = str(error)
                        continue
                    if await self._another_boot(fresh, old):
                        fresh.timeouts = self.timeouts
                        self.connection = fresh
                        return
                    await fresh.close()
        except TimeoutError:
            raise TargetError(
                f"{self.label}: did not come back within {limit:g} s of the reboot\n"
                "Look at its console. In the boot menu, the entry of the kernel before starts it as it was "
                "(on a console without a menu: hold Shift, or press Esc, while it starts). Nothing else was changed; "
                "once it answers again, `hosts restore` puts back what was changed, and `hosts prepare` continues",
                last,
            ) from None

    async def _another_boot(self, connection: Connection, old: str) -> bool:
        try:
            output = await connection.run("cat %s", BOOT_ID, what="reading the boot's id")
        except TargetError:
            return False
        return output.ok and output.text.strip() not in ("", old)


@contextlib.asynccontextmanager
async def linked(
    entry: HostEntry, settings: SshSettings, folder: Path, timeouts: Timeouts, redaction: HostRedaction
) -> AsyncIterator[Link]:
    """The link to a host, closed at the end; raises TargetError when it cannot be connected to."""
    link = Link(
        entry, settings, folder, timeouts, redaction, await connect(entry, settings, folder, timeouts, redaction)
    )
    try:
        yield link
    finally:
        await link.connection.close()
