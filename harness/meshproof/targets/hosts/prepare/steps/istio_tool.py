"""istioctl on control-plane hosts: the program, and PATH for shells that lack its folder."""

from __future__ import annotations

from meshproof.border.inventory import CONTROL_PLANE, HostEntry
from meshproof.records import dataclass
from meshproof.targets.hosts.prepare.change import Plan, Upload, WriteFile
from meshproof.targets.hosts.prepare.desired import DesiredState
from meshproof.targets.hosts.prepare.survey import Survey

PLACE = "/usr/local/bin/istioctl"
PROFILE = "/etc/profile.d/meshproof-istio.sh"
TEXT = 'case ":$PATH:" in *:/usr/local/bin:*) ;; *) PATH=$PATH:/usr/local/bin; export PATH ;; esac\n'


@dataclass(frozen=True, slots=True)
class IstioToolStep:
    """Put the bundle's istioctl on PATH."""

    name: str = "istioctl"

    def plan(self, host: Survey, entry: HostEntry, desired: DesiredState) -> Plan:
        """Copy the program where it is missing or another one, and set PATH for login shells."""
        if desired.istioctl is None or entry.role != CONTROL_PLANE:
            return Plan(self.name)
        changes: list[Upload | WriteFile] = []
        size = desired.istioctl.stat().st_size
        if host.istioctl != desired.istioctl_sha256:
            if host.free.get("/usr/local", 2 * size) < 2 * size:
                return Plan(self.name, blocked=(f"/usr/local has no space for {size >> 20} MB",))
            why = "there is another one" if host.istioctl else "there is none"
            changes.append(Upload(desired.istioctl, PLACE, desired.istioctl_sha256, size, why, 0o755))
        if host.profile != TEXT:
            before = None if host.profile is None else host.profile.encode()
            changes.append(WriteFile(PROFILE, TEXT.encode(), before, "puts it on PATH of login shells"))
        return Plan(self.name, tuple(changes))
