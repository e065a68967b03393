"""The kernel's packages, copied to the host and installed by its own package manager, without a network."""

from __future__ import annotations

from collections.abc import Sequence

from meshproof.border.inventory import HostEntry
from meshproof.records import dataclass
from meshproof.targets.hosts.bundle.package import Package
from meshproof.targets.hosts.bundle.source import sha256
from meshproof.targets.hosts.prepare import scripts
from meshproof.targets.hosts.prepare.change import Change, Command, Plan, Upload
from meshproof.targets.hosts.prepare.desired import DesiredState, newest, wanted_kernel
from meshproof.targets.hosts.prepare.survey import APT, YUM, Survey

ARCHITECTURES = {"x86_64": ("x86_64", "amd64"), "aarch64": ("aarch64", "arm64")}
INDEPENDENT = ("noarch", "all")
# A kernel with its initial RAM disk in /boot: about this factor times the size of its package, at most 120 MB.
BOOT_FACTOR, BOOT_MOST = 3, 120 << 20
QUIET = (("DEBIAN_FRONTEND", "noninteractive"), ("NEEDRESTART_MODE", "l"))
NO_SOURCES = ("-o", "Dir::Etc::sourcelist=/dev/null", "-o", "Dir::Etc::sourceparts=-")
LOCK_SECONDS = 60
APT_WAITS = ("-o", f"DPkg::Lock::Timeout={LOCK_SECONDS}")


@dataclass(frozen=True, slots=True)
class PackagesStep:
    """Install the bundle's kernel packages."""

    name: str = "kernel packages"

    def plan(self, host: Survey, entry: HostEntry, desired: DesiredState) -> Plan:
        """Install what is missing, and finish an interrupted installation."""
        repair = Command(("dpkg", "--configure", "-a"), "an installation was interrupted", "package_install", env=QUIET)
        unfinished = (repair,) if host.unfinished else ()
        missing = [one for one in desired.packages if (one.name, one.version, one.architecture) not in host.packages]
        if missing:
            blocked = tuple(_obstacles(host, missing))
            return Plan(self.name, () if blocked else (*unfinished, *_install(host, missing)), blocked=blocked)
        expected = entry.expect.kernel
        if expected and not wanted_kernel(entry, desired, host.installed):
            return Plan(self.name, unfinished, blocked=(f"no installed kernel is {expected}, and the bundle has none",))
        return Plan(self.name, unfinished)


def _obstacles(host: Survey, missing: Sequence[Package]) -> list[str]:
    kinds = {package.path.suffix for package in missing}
    fits = ".deb" if host.manager == APT else ".rpm" if host.manager else ""
    if kinds != {fits}:
        return [f"{host.distribution or 'this system'} takes no {' or '.join(sorted(kinds))} packages"]
    here = (*ARCHITECTURES.get(host.arch, (host.arch,)), *INDEPENDENT)
    found = [f"{one} is not for a machine of {host.arch}" for one in missing if one.architecture not in here]
    need = min(BOOT_MOST, BOOT_FACTOR * _size([package for package in missing if package.kernel]))
    free = host.free.get("/boot", need)
    if free < need:
        found.append(f"/boot has {free >> 20} MB free; a kernel with its initial RAM disk needs about {need >> 20} MB")
    if host.free.get("/var/lib", _size(missing)) < _size(missing):
        found.append(f"/var/lib has no space for {_size(missing) >> 20} MB of packages")
    return found


def _size(packages: Sequence[Package]) -> int:
    return sum(package.path.stat().st_size for package in packages)


def _install(host: Survey, missing: Sequence[Package]) -> list[Change]:
    changes: list[Change] = []
    places: list[str] = []
    for package in missing:
        digest = sha256(package.path)
        places.append(f"{scripts.FILES}/{digest[:16]}/{package.path.name}")
        changes.append(
            Upload(package.path, places[-1], digest, package.path.stat().st_size, f"{package} is not installed")
        )
    there = {name for name, _, _ in host.packages}
    # Removing a package that replaced an older version would not bring the older one back.
    fresh = [package for package in missing if package.kernel or package.name not in there]
    if host.manager == APT:
        # With --no-download apt does not even find local files; so it gets no sources instead.
        alone = ("-y", "--no-install-recommends", *NO_SOURCES, "-o", "Dpkg::Options::=--force-confold")
        install = (APT, *alone, *APT_WAITS, "install", *places)
        remove = (APT, "-y", *APT_WAITS, "remove", *(package.name for package in fresh))
    else:
        verb = "localinstall" if host.manager == YUM else "install"
        install = (host.manager, "-y", "--disablerepo=*", "--setopt=exit_on_lock=1", verb, *places)
        remove = ("rpm", "-e", *(f"{one.name}-{one.version.rpartition(':')[2]}.{one.architecture}" for one in fresh))
    saves = tuple(path for path in (host.config, host.environment) if path)
    kernel = newest([package.kernel for package in missing if package.kernel])
    why = f"installs {', '.join(str(package) for package in missing)}"
    changes.append(Command(install, why, "package_install", saves, remove if fresh else (), kernel, QUIET))
    return changes
