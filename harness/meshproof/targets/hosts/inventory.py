"""An inventory file to the records of the hosts in it; every error has its file:line:col."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from meshproof.border.inventory import (
    BY_SSH,
    DIRECT,
    KUBECONFIG,
    REGISTRY,
    ROLES,
    HostEntry,
    HostExpectation,
    Inventory,
    Jump,
    RegistryEntry,
    SshSettings,
)
from meshproof.errors import Location, ManifestError, Problem
from meshproof.manifest import Value
from meshproof.manifest.compose import compose
from meshproof.manifest.schema import DURATION, FLAG, TEXT, WHOLE, Map, OneOf, Shape, check
from meshproof.manifest.source import texts

JUMP: Shape = {"address": TEXT, "port": WHOLE, "user": TEXT, "key": TEXT}
EXPECT: Shape = {
    "kernel": TEXT, "distribution": TEXT, "modules": [TEXT], "proxyMode": OneOf(("ipvs", "iptables", "nftables")),
    "containerRuntime": OneOf(("docker", "containerd", "cri-o")), "kubelet": TEXT, "swap": FLAG, "cgroup": WHOLE,
    "disk": Map(TEXT), "clockOffset": DURATION, "istioctl": TEXT,
}  # fmt: skip
REACH: dict[str, Shape] = {"port": WHOLE, "user": TEXT, "key": TEXT, "jump": JUMP, "become": FLAG, "expect": EXPECT}
HOST: Shape = {"name": TEXT, "role": OneOf(ROLES), "address": TEXT, **REACH}
SHAPE: Shape = {
    "ssh": {"config": TEXT, "knownHosts": TEXT, "hosts": WHOLE, "sessions": WHOLE},
    "defaults": REACH,
    "registry": {
        "url": TEXT, "project": TEXT, "images": [TEXT], "ca": TEXT, "insecure": FLAG,
        "credentials": {"usernameEnv": TEXT, "passwordEnv": TEXT},
    },
    "kubeconfig": TEXT,
    "apiServer": OneOf((DIRECT, BY_SSH)),
    "hosts": [HOST],
}  # fmt: skip
# An address must not be an option to ssh, nor have a meaning to a shell.
ADDRESS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:%-]*")
REGISTRY_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:]+")
USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@$-]*")
MODULE = re.compile(r"[A-Za-z0-9_-]+")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
KERNEL = re.compile(r"(?:>=\s*\d+(?:\.\d+)*|\d[\w.+~-]*)?")
IMAGE = re.compile(r"[a-z0-9]+(?:[._/-]+[a-z0-9]+)*:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
SIZE = re.compile(r"(\d+)(Ki|Mi|Gi|Ti)?")
UNITS = {"": 1, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}


def load_inventory(path: Path) -> Inventory:
    """Read an inventory; raises ManifestError with its problems, UsageError for a file that is not there."""
    documents = [body for file, text in texts([str(path)], None) for body in compose(text, file)]
    if len(documents) != 1:
        raise ManifestError(Problem(Location(str(path), 1, 1), "an inventory is one YAML document with a list `hosts`"))
    body = documents[0]
    check(body, SHAPE)
    hosts = body.need("hosts", "list the hosts, each with name, role and address").items()
    if not hosts:
        raise body.need("hosts").problem("there is no host", "each has name, role and address")
    defaults = body.get("defaults")
    counts: Counter[str] = Counter()
    entries: list[HostEntry] = []
    problems: list[Problem] = []
    for host in hosts:
        try:
            entry = _host(host, defaults, counts, path.parent)
            _distinct(entry, entries, host)
            entries.append(entry)
        except ManifestError as error:
            problems += error.problems
    if problems:
        raise ManifestError(*problems)
    kubeconfig, api_server = body.get("kubeconfig"), body.get("apiServer")
    return Inventory(
        tuple(entries),
        _ssh(body.get("ssh"), path.parent),
        _registry(body.get("registry")),
        kubeconfig.text() if kubeconfig else KUBECONFIG,
        api_server.text() if api_server else "",
    )


def _host(host: Value, defaults: Value | None, counts: Counter[str], base: Path) -> HostEntry:
    name = host.need("name", "a name of your own").text()
    role = host.need("role", f"one of {', '.join(ROLES)}").text()
    counts[role] += 1
    address = _matching(host.need("address", "a host name, an address, or an alias of your ssh configuration"), ADDRESS)
    # A null in a host takes a default away.
    own = {**(defaults.fields() if defaults else {}), **host.fields()}
    found = {field: value for field, value in own.items() if value.data is not None}
    return HostEntry(
        name,
        f"{role}-{counts[role]}",
        role,
        address,
        found["port"].whole(1, 65535) if "port" in found else None,
        _matching(found["user"], USER) if "user" in found else "",
        _path(found.get("key"), base),
        _jump(found["jump"], base) if "jump" in found else None,
        found["become"].flag() if "become" in found else False,
        _expectation(role, defaults.get("expect") if defaults else None, host.get("expect")),
        host.location,
    )


def _distinct(entry: HostEntry, others: list[HostEntry], host: Value) -> None:
    for other in others:
        if other.name == entry.name:
            raise host.need("name").problem(f"{entry.name!r} is given twice, first in line {other.location.line}")
        if (other.address, other.port, other.jump) == (entry.address, entry.port, entry.jump):
            raise host.need("address").problem(f"{entry.name!r} is the same machine as {other.name!r}")


def _jump(value: Value, base: Path) -> Jump:
    user, port = value.get("user"), value.get("port")
    return Jump(
        _matching(value.need("address"), ADDRESS),
        port.whole(1, 65535) if port else None,
        _matching(user, USER) if user else "",
        _path(value.get("key"), base),
    )


def _expectation(role: str, *layers: Value | None) -> HostExpectation:
    """Defaults and a host's own expectations; for each field the later one holds."""
    found: dict[str, Value] = {}
    for layer in layers:
        found |= layer.fields() if layer else {}
    expected = HostExpectation()
    # A registry's host runs no part of Kubernetes: expectations about it hold only where the host itself has them.
    if role == REGISTRY:
        own = layers[-1].fields() if layers[-1] else {}
        found = {name: value for name, value in found.items() if name in own or name in ("distribution", "clockOffset")}
        expected = replace(expected, modules=(), swap=None)
    return _filled(expected, {name: value for name, value in found.items() if value.data is not None})


def _filled(expected: HostExpectation, found: Mapping[str, Value]) -> HostExpectation:
    texts = {"distribution": "distribution", "proxyMode": "proxy_mode", "containerRuntime": "container_runtime"}
    texts |= {"kubelet": "kubelet", "istioctl": "istioctl"}
    for name, value in found.items():
        if name in texts:
            expected = replace(expected, **{texts[name]: value.text()})  # type: ignore[arg-type]
        elif name == "kernel":
            expected = replace(expected, kernel=_matching(value, KERNEL))
        elif name == "modules":
            expected = replace(expected, modules=tuple(_matching(item, MODULE) for item in value.items()))
        elif name == "swap":
            expected = replace(expected, swap=value.flag())
        elif name == "cgroup":
            expected = replace(expected, cgroup=value.whole(1, 2))
        elif name == "clockOffset":
            expected = replace(expected, clock_offset=value.duration())
        elif name == "disk":
            expected = replace(expected, disk=tuple((path, _size(size)) for path, size in value.fields().items()))
    return expected


def _size(value: Value) -> int:
    matched = SIZE.fullmatch(value.text())
    if not matched:
        raise value.problem(f"{value.shown} is no size", "write it as 200Mi or 10Gi")
    return int(matched[1]) * UNITS[matched[2] or ""]


def _ssh(value: Value | None, base: Path) -> SshSettings:
    if value is None:
        return SshSettings()
    hosts, sessions = value.get("hosts"), value.get("sessions")
    return SshSettings(
        _path(value.get("config"), base),
        _path(value.get("knownHosts"), base),
        hosts.whole(1, 64) if hosts else SshSettings().hosts,
        # sshd allows ten sessions on one connection unless told otherwise (MaxSessions).
        sessions.whole(1, 10) if sessions else SshSettings().sessions,
    )


def _registry(value: Value | None) -> RegistryEntry | None:
    if value is None:
        return None
    url = value.need("url", "such as https://harbor.example.com")
    if "@" in url.text():
        raise url.problem("credentials must not be in an inventory", "use credentials.usernameEnv")
    try:
        parts = urlsplit(url.text())
        well = parts.scheme in ("http", "https") and parts.port != 0 and REGISTRY_HOST.fullmatch(parts.hostname or "")
    except ValueError:
        well = None
    if not well or parts.path.strip("/") or parts.query or parts.fragment:
        raise url.problem(f"{url.shown} is not SCHEME://HOST[:PORT]", "such as https://harbor.example.com")
    insecure, project, ca = value.get("insecure"), value.get("project"), value.get("ca")
    if parts.scheme == "http" and not (insecure and insecure.flag()):
        raise url.problem("plain HTTP needs insecure: true", "images pulled so can be replaced on the way")
    credentials = value.get("credentials")
    names = [credentials.get(name) if credentials else None for name in ("usernameEnv", "passwordEnv")]
    username, password = (_matching(name, VARIABLE) if name else "" for name in names)
    return RegistryEntry(
        url.text().rstrip("/"),
        project.text().strip("/") if project else "library",
        tuple(_matching(image, IMAGE) for image in value.list("images")),
        ca.text() if ca else "",
        insecure.flag() if insecure else False,
        username,
        password,
    )


def _matching(value: Value, pattern: re.Pattern[str]) -> str:
    text = value.text()
    if not pattern.fullmatch(text):
        raise value.problem(f"{value.shown} is no valid {value.name or 'value'}")
    return text


def _path(value: Value | None, base: Path) -> Path | None:
    """A file as it is written: `~` is the home folder, and a relative path is relative to the inventory."""
    if value is None or value.data is None:
        return None
    if not value.text() or "\0" in value.text():
        raise value.problem(f"{value.name} is no name of a file")
    try:
        return base / Path(value.text()).expanduser()
    except RuntimeError:
        raise value.problem(f"{value.shown} begins with the home folder of nobody", "name the file in full") from None
