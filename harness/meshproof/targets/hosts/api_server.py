"""The API server of the hosts' cluster, with the credentials that its control plane keeps for root.

https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from meshproof.border.inventory import BY_SSH
from meshproof.errors import TargetError, UsageError
from meshproof.process import NOTHING, Surroundings
from meshproof.records import dataclass
from meshproof.targets.hosts.connection import Connection
from meshproof.targets.kube.api.kubeconfig import parse

LARGEST = 1 << 20
# No other fields are copied. An exec plugin would run a command of the host's choice on this machine, and files
# that are named would be read on this machine.
OF_CLUSTER = ("server", "certificate-authority-data", "insecure-skip-tls-verify", "tls-server-name")
OF_USER = (
    *("client-certificate-data", "client-key-data", "token", "username", "password"),
    *("as", "as-uid", "as-groups", "as-user-extra"),
)
ELSEWHERE = ("client-certificate", "client-key", "tokenFile", "exec", "auth-provider")
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Access:
    """A kubeconfig on this machine and its context; `through` is the address behind an SSH forward, if any.

    `surroundings` make that forward anew for commands that run when the connection has ended.
    """

    kubeconfig: Path
    context: str
    through: str = ""
    surroundings: Surroundings = NOTHING


async def access(connection: Connection, path: str, context: str, folder: Path, way: str = "") -> Access:
    """Fetch a control-plane host's kubeconfig into `folder`, mode 0600, and make its server reachable from here.

    `context` may be empty where there is only one; `way` is `direct`, `ssh`, or empty: by SSH if the server is on
    the host's loopback. Raises TargetError, and UsageError for a context that is not there or has to be named.
    """
    data = await connection.must("cat -- %s", path, root=True, what=f"reading {path}")
    origin = f"{connection.label}: {path}"
    name, cluster, user = parts(data, context, origin)
    through, surroundings = "", NOTHING
    if way == BY_SSH or (not way and local(cluster["server"], origin)):
        host, port = address(cluster["server"], origin)
        through = f"{host}:{port}"
        at = await connection.forward(host, port)
        surroundings = connection.forward_by_itself(at, host, port, folder)
        cluster = {"tls-server-name": host, **cluster, "server": f"https://127.0.0.1:{at}"}
    body = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "cluster", "cluster": cluster}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": name, "context": {"cluster": "cluster", "user": "user"}}],
    }
    file = folder / "kubeconfig"
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        yaml.safe_dump(body, stream)
    return Access(file, name, through, surroundings)


def parts(data: bytes, context: str, origin: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The context's name, and the fields copied of its cluster and its user; errors begin with `origin`."""
    body = _content(data, origin)
    try:
        contexts = _named(body["contexts"], "context")
        name = context or _only(list(contexts), origin)
        if name not in contexts:
            raise UsageError(f"{origin} has no context {name!r}; it has: {', '.join(sorted(contexts))}")
        cluster = _named(body["clusters"], "cluster")[contexts[name]["cluster"]]
        user = _named(body["users"], "user")[contexts[name]["user"]]
    except (KeyError, TypeError, AttributeError, ValueError):
        raise _incomplete(origin) from None
    for kept, key in ((cluster, "certificate-authority"), *((user, key) for key in ELSEWHERE)):
        if kept.get(key) and not kept.get(f"{key}-data"):
            raise TargetError(
                f"{origin}: {key} is not taken over from a host; the certificates or a token must be in the file"
            )
    if not cluster.get("server") or not isinstance(cluster["server"], str):
        raise TargetError(f"{origin}: its cluster has no server")
    return (
        name,
        {key: cluster[key] for key in OF_CLUSTER if key in cluster},
        {key: user[key] for key in OF_USER if key in user},
    )


def _content(data: bytes, origin: str) -> Mapping[str, Any]:
    if len(data) > LARGEST:
        raise TargetError(f"{origin} is no kubeconfig: it has more than {LARGEST} bytes")
    try:
        return parse(data, origin)
    except UsageError:
        raise _incomplete(origin) from None


def _incomplete(origin: str) -> TargetError:
    return TargetError(f"{origin} is no kubeconfig with a context, its cluster and its user")


def local(server: str, origin: str) -> bool:
    """Whether the server's address is a loopback address of the host."""
    host, _ = address(server, origin)
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    return found.is_loopback or found.is_unspecified


def address(server: str, origin: str) -> tuple[str, int]:
    """Host and port of a server's URL."""
    try:
        parsed = urlsplit(server)
        host, port = parsed.hostname, parsed.port
    except ValueError:
        host = port = None
    if not host or parsed.scheme != "https" or parsed.path.strip("/"):
        raise TargetError(f"{origin}: its server is not https://HOST[:PORT]")
    return host, port or 443


def _only(names: list[str], origin: str) -> str:
    if len(names) == 1:
        return names[0]
    raise UsageError(f"{origin} has several contexts; name one with --context: {', '.join(sorted(names)) or 'none'}")


def _named(entries: Any, key: str) -> dict[str, Json]:
    return {str(entry["name"]): {**entry[key]} for entry in entries}
