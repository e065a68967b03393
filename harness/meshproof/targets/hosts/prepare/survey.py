"""A survey of a host before a step, from which the step's plan is made."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import field

from meshproof.border.facts.boot import NextBoot
from meshproof.errors import TargetError
from meshproof.records import dataclass
from meshproof.targets.hosts.connection import Connection
from meshproof.targets.hosts.grub import menu
from meshproof.targets.hosts.prepare.remote import script
from meshproof.targets.hosts.prepare.steps.grub_default import DefaultFile
from meshproof.targets.hosts.prepare.survey_script import SURVEY

APT, DNF, YUM = "apt-get", "dnf", "yum"
DEBIAN_LIKE = ("debian", "ubuntu")
DEBIAN_CONFIG, EL_CONFIG = "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"


@dataclass(frozen=True, slots=True)
class Survey:
    """`config` is the file that GRUB reads at boot, and `menu` its evaluation (None: there is no GRUB).

    `packages` are name, version and architecture of installed packages; `free` bytes by path; `unfinished` is
    whether dpkg was interrupted; `persisted` the text of each file that loads modules at boot; `istioctl` the
    SHA-256 of the one in /usr/local/bin.
    """

    boot_id: str
    kernel: str
    arch: str
    distribution: str
    uefi: bool
    tools: frozenset[str]
    defaults: tuple[DefaultFile, ...]
    config: str
    environment: str
    menu: menu.Menu | None
    installed: tuple[str, ...]
    packages: frozenset[tuple[str, str, str]]
    unfinished: bool
    loaded: frozenset[str]
    builtin: frozenset[str]
    loadable: frozenset[str]
    persisted: Mapping[str, str] = field(default_factory=dict)
    free: Mapping[str, int] = field(default_factory=dict)
    istioctl: str = ""
    profile: str | None = None
    kubelet: bool = False

    @property
    def manager(self) -> str:
        """The package manager: `apt-get`, `dnf` or `yum`; empty when it is none of these."""
        # Debian may have rpm and dnf installed as well; EL has no dpkg by default.
        names = (APT, DNF, YUM) if self.distribution.partition(" ")[0] in DEBIAN_LIKE else (DNF, YUM, APT)
        return next((name for name in names if name in self.tools), "")

    @property
    def next(self) -> NextBoot | None:
        """What the boot loader will start next."""
        return self.menu.next if self.menu else None

    @property
    def next_kernel(self) -> str:
        """The release that it will start, empty when that is not known."""
        return self.next.entry.kernel if self.next and self.next.entry else ""


async def survey(connection: Connection, modules: Sequence[str]) -> Survey:
    """Survey a host, without changing it; raises TargetError."""
    text = await script(
        connection, SURVEY, *modules, seconds=connection.timeouts.remote_file, what="looking at the host"
    )
    return parse(text, connection.label)


def parse(text: str, label: str) -> Survey:
    """The survey from its script's output; raises TargetError when that is incomplete."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, tab, encoded = line.partition("\t")
        try:
            value = base64.b64decode(encoded, validate=True).decode(errors="replace")
        except binascii.Error:
            tab = ""
        if tab:
            found.setdefault(name, []).append(value)
    if "end" not in found:
        raise TargetError(f"{label}: looking at the host was interrupted", text[-300:])
    if _one(found, "root") != "0":
        raise TargetError(f"{label}: the user is not root, and `become: true` is not in the inventory")
    uefi = _one(found, "firmware") == "uefi"
    environments = _named(found, "environment:")
    config, read = _config(found, environments, uefi)
    free = {path: int(kilobytes) * 1024 for path, kilobytes in _named(found, "free:").items() if kilobytes.strip()}
    return Survey(
        _one(found, "boot_id"),
        _one(found, "kernel"),
        _one(found, "arch"),
        _distribution(_one(found, "os")),
        uefi,
        _words(found, "tool"),
        tuple(DefaultFile(path, content) for path, content in _named(found, "default:").items()),
        config,
        _beside(config, environments),
        read,
        tuple(value.strip() for value in found.get("installed", ())),
        _packages(found),
        bool(_one(found, "unfinished")),
        frozenset(_one(found, "loaded").split()),
        _words(found, "builtin"),
        _words(found, "loadable"),
        _named(found, "persisted:"),
        free,
        _one(found, "istioctl")[:64],
        found["profile"][0] if "profile" in found else None,
        "kubelet" in found,
    )


def _one(found: Mapping[str, list[str]], name: str) -> str:
    return found[name][0].strip() if name in found else ""


def _words(found: Mapping[str, list[str]], name: str) -> frozenset[str]:
    return frozenset(value.strip() for value in found.get(name, ()))


def _named(found: Mapping[str, list[str]], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): values[0] for name, values in found.items() if name.startswith(prefix)}


def _packages(found: Mapping[str, list[str]]) -> frozenset[tuple[str, str, str]]:
    lines = [line.split() for kind in ("rpm", "dpkg") for line in _one(found, kind).splitlines()]
    # dpkg prints the state as a fourth word: only `installed` counts.
    return frozenset((line[0], line[1], line[2]) for line in lines if len(line) == 3 or line[3:] == ["installed"])


def _distribution(text: str) -> str:
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return f"{fields.get('ID', '')} {fields.get('VERSION_ID', '')}".replace('"', "").replace("'", "").strip()


def _config(
    found: Mapping[str, list[str]], environments: Mapping[str, str], uefi: bool
) -> tuple[str, menu.Menu | None]:
    """The configuration with the menu: on UEFI machines the first one often only names another."""
    configs, entries = _named(found, "config:"), _named(found, "entry:")
    linked = _one(found, "link:/etc/grub2-efi.cfg" if uefi else "link:/etc/grub2.cfg")
    on_esp = [path for path in configs if path.startswith("/boot/efi/")] if uefi else []
    for path in (linked, *on_esp, EL_CONFIG, DEBIAN_CONFIG):
        if path not in configs:
            continue
        block = environments.get(_beside(path, environments), "")
        read = menu.read(configs[path], block, entries, "uefi" if uefi else "bios")
        if read.entries or not read.follows:
            return path, read
    return "", None


def _beside(config: str, environments: Mapping[str, str]) -> str:
    here = config.rpartition("/")[0] + "/grubenv"
    return here if here in environments else next(iter(environments), "")
