"""What the boot loader starts, and the reboot into it."""

from __future__ import annotations

import re

from meshproof.border.inventory import HostEntry
from meshproof.records import dataclass
from meshproof.targets.hosts.grub.defaults import assignments
from meshproof.targets.hosts.prepare.change import Change, Command, Plan, Reboot, WriteFile
from meshproof.targets.hosts.prepare.desired import DesiredState, newest, wanted_kernel
from meshproof.targets.hosts.prepare.steps.grub_default import with_default
from meshproof.targets.hosts.prepare.survey import DEBIAN_CONFIG, EL_CONFIG, Survey

RESCUE = re.compile(r"recovery|rescue|failsafe", re.IGNORECASE)
# grub-mkconfig overwrites its file in place, and a full disk would leave half of it: so a new file, then renamed.
MKCONFIG = """
new="${2%/*}/.${2##*/}.meshproof-new"
trap 'rm -f -- "$new" "$new.new"' EXIT
set -e
"$1" -o "$new"
[ -s "$new" ]
[ ! -e "$2" ] || { chmod --reference="$2" "$new"; chown --reference="$2" "$new"; }
sync
mv -f -- "$new" "$2"
sync
"""


@dataclass(frozen=True, slots=True)
class BootLoaderStep:
    """Make the wanted kernel what the boot loader starts."""

    name: str = "boot loader"

    def plan(self, host: Survey, entry: HostEntry, desired: DesiredState) -> Plan:
        """Correct the last assignment of GRUB_DEFAULT, and rebuild the configuration from it."""
        wanted = wanted_kernel(entry, desired, host.installed)
        if not wanted or starts(host, wanted):
            return Plan(self.name)
        if host.menu is None:
            return Plan(
                self.name, blocked=("there is no configuration of GRUB, and no other boot loader is known here",)
            )
        if host.menu.next.once:
            text = "another kernel is set for the next boot alone (grub-reboot): that boot must come first"
            return Plan(self.name, blocked=(text,))
        value, notice = _value(host, wanted)
        if not value:
            return Plan(self.name, blocked=(notice,))
        changes: list[Change] = []
        edited = with_default(host.defaults, value)
        if edited is not None:
            before = next((file.text.encode() for file in host.defaults if file.path == edited.path), None)
            why = f"the last GRUB_DEFAULT must be {value}, which starts {wanted}"
            changes.append(WriteFile(edited.path, edited.text.encode(), before, why))
        notices = tuple(text for text in (notice, _ineffective(host, value)) if text)
        return Plan(self.name, (*changes, _rebuild(host)), notices)


def starts(host: Survey, wanted: str) -> bool:
    """True when the next boot, and every later one, certainly starts that kernel."""
    return host.next is not None and host.next_kernel == wanted and not host.next.doubt and not host.next.once


def _value(host: Survey, wanted: str) -> tuple[str, str]:
    """`0` for the newest kernel, else the position of its entry; and a notice about it, or why there is none."""
    latest = newest([*host.installed, wanted])
    if latest == wanted:
        return "0", ""
    assert host.menu is not None
    for one in host.menu.entries:
        if one.kernel == wanted and not RESCUE.search(one.title):
            return one.position, f"{latest} is newer than {wanted}: entry {one.position} of the menu is set, not 0"
    return "", f"{latest} is newer than {wanted}, for which the boot menu has no entry yet"


def _ineffective(host: Survey, value: str) -> str:
    made = [one for file in host.defaults for one in assignments(file.path, file.text)]
    if made and made[-1].value != value and any(one.value == value for one in made):
        return f"GRUB_DEFAULT={value} is there already and has no effect: {made[-1]} comes after it and wins"
    return ""


def _rebuild(host: Survey) -> Command:
    program = "grub2-mkconfig" if "grub2-mkconfig" in host.tools else "grub-mkconfig"
    config = host.config or (EL_CONFIG if program == "grub2-mkconfig" else DEBIAN_CONFIG)
    return Command(
        ("sh", "-c", MKCONFIG, "meshproof", program, config),
        "the boot loader reads what this makes of the defaults",
        "boot_loader_config",
        saves=tuple(path for path in (config, host.environment) if path),
        shown=f"{program} -o {config} (written beside it, then renamed)",
    )


@dataclass(frozen=True, slots=True)
class RebootStep:
    """Start the wanted kernel."""

    name: str = "reboot"

    def plan(self, host: Survey, entry: HostEntry, desired: DesiredState) -> Plan:
        """A reboot where another kernel runs, only with the user's consent."""
        wanted = wanted_kernel(entry, desired, host.installed)
        if not wanted or host.kernel == wanted:
            return Plan(self.name)
        notices = ("kubelet runs here: drain the node first, its pods end with the reboot",) if host.kubelet else ()
        if not desired.allow_reboot:
            text = f"{host.kernel} runs; {wanted} runs after a reboot, which needs your consent: --allow-reboot"
            return Plan(self.name, notices=notices, blocked=(text,))
        return Plan(self.name, (Reboot(wanted, host.boot_id, f"{host.kernel} runs"),), notices)
