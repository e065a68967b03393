"""Command lines of ssh: the options that must hold, then the user's own configuration."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from meshproof.border.inventory import HostEntry, Jump, SshSettings
from meshproof.border.timeouts import Timeouts

# For ssh the first value of an option wins, and the command line comes before every file. So a host whose key is
# not known is refused, there are no prompts, and nothing is forwarded.
FIRM = (
    "StrictHostKeyChecking=yes",
    "UpdateHostKeys=no",
    "BatchMode=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "ClearAllForwardings=yes",
    "PermitLocalCommand=no",
    "RequestTTY=no",
    "RemoteCommand=none",
    "EscapeChar=none",
    "LogLevel=ERROR",
)
# The host is asked so often, in seconds, whether it is still there.
ASKED_SECONDS = 5


def master(entry: HostEntry, settings: SshSettings, socket: Path, timeouts: Timeouts) -> list[str]:
    """The one connection to a host, which every command then shares; it stays in the foreground."""
    reach = _reach(entry, settings, timeouts, "ControlPersist=no")
    return ["ssh", *_options(FIRM), "-M", "-N", "-S", str(socket), *reach]


def lasting(entry: HostEntry, settings: SshSettings, socket: Path, seconds: int, timeouts: Timeouts) -> list[str]:
    """A connection of its own that goes to the background once it stands, for `seconds` at most."""
    reach = _reach(entry, settings, timeouts, "ControlPersist=no")
    return ["ssh", *_options(FIRM), "-f", "-M", "-S", str(socket), *reach, f"sleep {seconds}"]


def ended(socket: Path) -> list[str]:
    """End such a connection."""
    return ["ssh", "-F", "none", "-S", str(socket), "-O", "exit", "--", "host"]


def alone(entry: HostEntry, settings: SshSettings, remote: str, timeouts: Timeouts) -> list[str]:
    """One command over a connection of its own."""
    reach = _reach(entry, settings, timeouts, "ControlMaster=no", "ControlPath=none")
    return ["ssh", *_options(FIRM), *reach, remote]


def command(entry: HostEntry, settings: SshSettings, socket: Path, remote: str) -> list[str]:
    """One command over the shared connection; it fails where that is lost, and makes no new one."""
    lone = ["ControlMaster=no", "ProxyCommand=false"]
    reach = [*_files(settings, None), *_options(lone), *_target(entry.address, entry.port, entry.user)]
    return ["ssh", *_options(FIRM), "-S", str(socket), *reach, remote]


def forward(socket: Path, local: int, host: str, port: int) -> list[str]:
    """Forward a port of 127.0.0.1 through the shared connection to an address as the host sees it."""
    # Without the user's configuration, which may have forwards of its own.
    to = f"127.0.0.1:{local}:{f'[{host}]' if ':' in host else host}:{port}"
    quiet = ("-F", "none", *_options(["LogLevel=ERROR"]))
    return ["ssh", *quiet, "-S", str(socket), "-O", "forward", "-L", to, "--", "host"]


def _reach(entry: HostEntry, settings: SshSettings, timeouts: Timeouts, *more: str) -> list[str]:
    own = [*_patience(timeouts), *more]
    if entry.jump is not None:
        # `ssh -J` would not apply these options to the jump host.
        proxy = shlex.join(_jump(entry.jump, settings, timeouts)).replace("%", "%%").replace("%%h", "%h")
        own += ["ProxyUseFdpass=no", f"ProxyCommand={proxy.replace('%%p', '%p')}"]
    return [*_files(settings, entry.key), *_options(own), *_target(entry.address, entry.port, entry.user)]


def _jump(jump: Jump, settings: SshSettings, timeouts: Timeouts) -> list[str]:
    firm = [option for option in FIRM if not option.startswith(("ClearAll", "RemoteCommand"))]
    own = [*_patience(timeouts), "ControlMaster=no", "ControlPath=none"]
    reach = [*_files(settings, jump.key), *_options(own)]
    return ["ssh", *_options(firm), *reach, "-W", "[%h]:%p", *_target(jump.address, jump.port, jump.user)]


def _patience(timeouts: Timeouts) -> list[str]:
    """How long a host may take to answer, at first and later."""
    alive = [f"ServerAliveInterval={ASKED_SECONDS}"]
    alive += [f"ServerAliveCountMax={max(1, round(timeouts.ssh_silent / ASKED_SECONDS))}"]
    return [*alive, f"ConnectTimeout={max(1, round(timeouts.ssh_connected))}"]


def _files(settings: SshSettings, key: Path | None) -> list[str]:
    words = ["-F", str(settings.config)] if settings.config else []
    words += ["-o", f'UserKnownHostsFile="{settings.known_hosts}"'] if settings.known_hosts else []
    # Only the named key is used: an agent's other keys could use up the allowed attempts.
    return words + (["-i", str(key), "-o", "IdentitiesOnly=yes"] if key else [])


def _target(address: str, port: int | None, user: str) -> list[str]:
    words = ["-p", str(port)] if port else []
    words += ["-l", user] if user else []
    return [*words, "--", address]


def _options(options: Sequence[str]) -> list[str]:
    return [word for option in options for word in ("-o", option)]
