"""Where shells find istioctl."""

from __future__ import annotations

import re

from meshproof.border.facts.hosts import ToolFacts
from meshproof.targets.hosts.connection import Connection

# A login shell starts with the user's identity alone; the other is the environment of `ssh HOST COMMAND`.
LOOK = """env -i HOME="$HOME" USER="$(id -un)" LOGNAME="$(id -un)" SHELL="$SHELL" TERM=dumb "${SHELL:-/bin/sh}" -l -c \
'echo; echo "login=$(command -v istioctl)"' 2>/dev/null </dev/null
"${SHELL:-/bin/sh}" -c 'echo; echo "plain=$(command -v istioctl)"' 2>/dev/null </dev/null
p=$(command -v istioctl || env -i HOME="$HOME" "${SHELL:-/bin/sh}" -l -c 'command -v istioctl' 2>/dev/null | tail -n 1)
[ -z "$p" ] || echo "version=$("$p" version --remote=false --short 2>/dev/null </dev/null | tail -n 1)"
true"""
VERSION = re.compile(r"\d+\.\d+[\w.+-]*")


async def istioctl(connection: Connection) -> ToolFacts:
    """Where the inventory's user finds istioctl, and its version."""
    output = await connection.run(LOOK, what="looking for istioctl")
    found = dict(
        line.split("=", 1) for line in output.text.splitlines() if line.startswith(("login=", "plain=", "version="))
    )
    version = VERSION.search(found.get("version", ""))
    return ToolFacts(found.get("login", ""), found.get("plain", ""), version[0] if version else "")
