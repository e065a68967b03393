"""Facts about hosts. Where something could not be read, `unseen` says why, and it is empty otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from meshproof.border.facts.boot import BootFacts
from meshproof.border.inventory import HostExpectation, RegistryEntry
from meshproof.records import dataclass


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """The distribution (os-release ID and VERSION_ID, and its own name), the running kernel, and the
    rest of the system: `installed` are the releases of all kernels under /boot, `cgroup` is 1 or 2 (0: neither),
    `swaps` are the areas in use, `swap_entries` those that /etc/fstab brings back. `root` is why commands do not run
    as root, empty when they do.
    """

    distribution: str
    version: str
    pretty: str
    kernel: str
    installed: tuple[str, ...]
    cgroup: int
    swaps: tuple[str, ...]
    swap_entries: tuple[str, ...]
    sysctls: Mapping[str, str]
    root: str = ""


@dataclass(frozen=True, slots=True)
class ModuleFacts:
    """One kernel module: `state` is `loaded`, `built in`, `loadable` or `missing`.

    `persisted` is the file that loads it at boot (empty: none), `blacklisted` the one that keeps it from that.
    """

    name: str
    state: str
    persisted: str = ""
    blacklisted: str = ""


@dataclass(frozen=True, slots=True)
class BalanceFacts:
    """A virtual service of IPVS that was made with two backends, round robin, and removed.

    `answers` says which backend answered each request, in order; `error` is what failed.
    """

    answers: tuple[str, ...] = ()
    error: str = ""
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """`synchronised` None: the host does not report it.

    `offset` is its clock minus this machine's, plus or minus `uncertainty`, in seconds.
    """

    synchronised: bool | None
    source: str
    offset: float
    uncertainty: float


@dataclass(frozen=True, slots=True)
class DiskFacts:
    """The file system that holds `path`: bytes, and whether it can be written."""

    path: str
    size: int
    free: int
    writable: bool
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """A unit of systemd: `active` and `enabled` as systemd calls them, `version` as its program prints it."""

    name: str
    active: str
    enabled: str
    version: str = ""
    unseen: str = ""

    @property
    def running(self) -> bool:
        return self.active == "active"


@dataclass(frozen=True, slots=True)
class ProxyFacts:
    """The mode that kube-proxy on this host reports."""

    mode: str = ""
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """Where istioctl is found: by a login shell (`login`), by another shell (`plain`), and its version."""

    login: str = ""
    plain: str = ""
    version: str = ""
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image that a registry was asked for: `status` is its HTTP status, 200 when the registry has the image."""

    image: str
    status: int
    digest: str = ""


@dataclass(frozen=True, slots=True)
class RegistryFacts:
    """The registry as this host reaches it; `status` of its /v2/, 0 without an answer (see `error`)."""

    status: int = 0
    images: tuple[ImageFacts, ...] = ()
    error: str = ""
    unseen: str = ""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """All facts of one host, beside what is expected of it; `label` is its name in reports."""

    label: str
    role: str
    expect: HostExpectation
    system: SystemFacts
    boot: BootFacts
    modules: tuple[ModuleFacts, ...]
    balance: BalanceFacts
    clock: ClockFacts
    disks: tuple[DiskFacts, ...]
    runtimes: tuple[ServiceFacts, ...]
    kubelet: ServiceFacts
    proxy: ProxyFacts
    istioctl: ToolFacts
    registry: RegistryFacts | None = None


@dataclass(frozen=True, slots=True)
class HostsFacts:
    """All hosts of an inventory, in the inventory's order."""

    hosts: tuple[HostFacts, ...]
    registry: RegistryEntry | None = field(default=None, repr=False)
