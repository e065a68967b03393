"""The hosts that a person names, how each is reached, and what is expected of it."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path

from meshproof.errors import Location
from meshproof.records import dataclass

CONTROL_PLANE, WORKER, REGISTRY = "control-plane", "worker", "registry"
ROLES = (CONTROL_PLANE, WORKER, REGISTRY)
DIRECT, BY_SSH = "direct", "ssh"
KUBECONFIG = "/etc/kubernetes/admin.conf"
IPVS_MODULES = ("ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", "nf_conntrack")


@dataclass(frozen=True, slots=True)
class Jump:
    """The machine that a connection goes through; what is empty is left to the person's own ssh configuration."""

    address: str
    port: int | None = None
    user: str = ""
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """A private registry. `url` has a scheme and no path; `project` stands before each image's name.

    `images` are `NAME:TAG` below the project; `ca` is a PEM file on the hosts; `insecure` allows plain HTTP
    and certificates of nobody. The credentials are read from the environment variables of these names.
    """

    url: str
    project: str = "library"
    images: tuple[str, ...] = ()
    ca: str = ""
    insecure: bool = False
    username_env: str = ""
    password_env: str = ""

    @property
    def hub(self) -> str:
        """What stands before an image's name where it is pulled: host, port and project."""
        return f"{self.url.partition('://')[2].rstrip('/')}/{self.project}".rstrip("/")


@dataclass(frozen=True, slots=True)
class HostExpectation:
    """What must be true of a host; what is empty or None is told and not judged.

    `kernel` is a release (`5.4.119-1.el7.elrepo.x86_64`), the beginning of one (`5.4`), or a least version
    (`>=4.19`); `distribution` an os-release ID, with its version or without (`centos 7`); `modules` must be
    loaded or built in, and come back after a reboot; `proxy_mode` is kube-proxy's; `disk` gives the bytes
    that must be free below a path; `clock_offset` is in seconds; `istioctl` is a version (or its beginning).
    """

    kernel: str = ""
    distribution: str = ""
    modules: tuple[str, ...] = IPVS_MODULES
    proxy_mode: str = ""
    container_runtime: str = ""
    kubelet: str = ""
    swap: bool | None = False
    cgroup: int | None = None
    disk: tuple[tuple[str, int], ...] = ()
    clock_offset: float = 1.0
    istioctl: str = ""


@dataclass(frozen=True, slots=True)
class HostEntry:
    """One host of the inventory.

    `name` is the person's own name for it, which goes into no report unless asked for; `label` (`worker-2`)
    does. `address` may be an alias of the person's ssh configuration; `port` None, `user` and `key` empty
    leave these to that configuration as well. `become`: commands that need root go through sudo.
    """

    name: str
    label: str
    role: str
    address: str
    port: int | None
    user: str
    key: Path | None
    jump: Jump | None
    become: bool
    expect: HostExpectation
    location: Location


@dataclass(frozen=True, slots=True)
class SshSettings:
    """How every host is reached: files None are ssh's own; at most `hosts` at once, with `sessions` each."""

    config: Path | None = None
    known_hosts: Path | None = None
    hosts: int = 8
    sessions: int = 4


@dataclass(frozen=True, slots=True)
class Inventory:
    """All hosts, in the order of the file; `kubeconfig` is where control-plane hosts keep theirs.

    `api_server` is how the cluster's API server is reached: `direct` at its address, `ssh` through the connection
    to the control-plane host, or (empty) through that where its address is one of the host's own loopback.
    """

    hosts: tuple[HostEntry, ...]
    ssh: SshSettings = field(default_factory=SshSettings)
    registry: RegistryEntry | None = None
    kubeconfig: str = KUBECONFIG
    api_server: str = ""
