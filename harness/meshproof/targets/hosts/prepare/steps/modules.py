"""The modules that kube-proxy's IPVS mode needs: loaded now and at every boot."""

from __future__ import annotations

from collections.abc import Mapping

from meshproof.border.inventory import HostEntry
from meshproof.records import dataclass
from meshproof.targets.hosts.prepare.change import Command, Plan, WriteFile
from meshproof.targets.hosts.prepare.desired import DesiredState
from meshproof.targets.hosts.prepare.survey import Survey

FILE = "/etc/modules-load.d/meshproof.conf"
HEAD = "# Kernel modules that kube-proxy's IPVS mode needs.\n"

# A module that is in use, for example by kube-proxy, stays until the next boot.
UNLOAD = 'for one; do ! grep -q "^$one " /proc/modules || modprobe -r "$one" || echo "$one is in use"; done'


@dataclass(frozen=True, slots=True)
class ModulesStep:
    """Load the modules that the inventory expects, and keep them loaded over a reboot."""

    name: str = "modules"

    def plan(self, host: Survey, entry: HostEntry, _desired_state: DesiredState) -> Plan:
        """Write one file for all modules that no other file loads at boot, and load those that are not loaded."""
        wanted = [name.replace("-", "_") for name in entry.expect.modules]
        present = host.loaded | host.builtin
        absent = [name for name in wanted if name not in present]
        missing = [name for name in absent if name not in host.loadable]
        if missing:
            text = f"the kernel {host.kernel} has no {', '.join(missing)}"
            return Plan(self.name, blocked=(text,))
        others = {path: text for path, text in host.persisted.items() if path != FILE}
        ours = [name for name in wanted if name not in host.builtin and name not in _listed(others)]
        before = host.persisted.get(FILE)
        now = _listed({FILE: before}) if before is not None else frozenset()
        changes: list[WriteFile | Command] = []
        if not now >= set(ours):
            content = HEAD + "".join(f"{name}\n" for name in ours)
            why = f"loads {', '.join(ours)} at every boot"
            changes.append(WriteFile(FILE, content.encode(), before.encode() if before is not None else None, why))
        if absent:
            undo = ("sh", "-c", UNLOAD, "meshproof", *reversed(absent))
            changes.append(Command(("modprobe", "-a", *absent), "they are not loaded", undo=undo))
        return Plan(self.name, tuple(changes))


def _listed(files: Mapping[str, str]) -> frozenset[str]:
    """The modules that these files load; a line begins with # or ; where it is a remark (modules-load.d(5)).

    systemd takes the whole line for one name, and loads nothing by a line with two.
    """
    lines = [line.split() for text in files.values() for line in text.splitlines()]
    return frozenset(words[0].replace("-", "_") for words in lines if len(words) == 1 and words[0][0] not in "#;")
