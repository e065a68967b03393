"""One context of a kubeconfig, read without its credentials, and an API client for it.

https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException, load_kube_config

from meshproof.bounded import read_file
from meshproof.errors import ManifestError, TargetError, UsageError
from meshproof.manifest.plain import only_document
from meshproof.records import dataclass
from meshproof.targets.kube.api.certificate import not_after
from meshproof.targets.kube.api.identity import impersonation, reread
from meshproof.targets.kube.api.proxies import from_environment

PRODUCTION = re.compile(r"(?<![a-z])(?<!non[-_. ])(?<!pre[-_. ])prod(?:uction)?(?![a-z])", re.IGNORECASE)
DEFAULT = Path("~/.kube/config")
LARGEST = 4 << 20


@dataclass(frozen=True, slots=True)
class Context:
    """One context: the names that it joins, and how its user proves to be who they are.

    `plugin` is the command of an exec plugin; `expires` is when its client certificate expires. `proxy` is
    what the kubeconfig names for the cluster. `impersonation` are the headers by which it acts as another account, and
    `token_file` is where its token stands, which is written anew.
    """

    name: str
    cluster: str
    user: str
    server: str
    namespace: str
    plugin: str = ""
    expires: str = ""
    proxy: str = ""
    impersonation: tuple[tuple[str, str], ...] = ()
    token_file: Path | None = None

    @property
    def production(self) -> str:
        """The name that contains `prod` or `production`, if one does."""
        return next((name for name in (self.name, self.cluster) if PRODUCTION.search(name)), "")


def paths(given: str | Sequence[Path] | None) -> tuple[Path, ...]:
    """The files that --kubeconfig names (a path list), else $KUBECONFIG, else ~/.kube/config."""
    if given is not None and not isinstance(given, str):
        listed = [Path(path) for path in given]
    else:
        text = given or os.environ.get("KUBECONFIG", "") or str(DEFAULT)
        listed = [Path(part) for part in text.split(os.pathsep) if part]
    try:
        found = tuple(path.expanduser().absolute() for path in listed)
    except RuntimeError:
        raise UsageError(f"{os.pathsep.join(map(str, listed))!r} names the home folder of nobody") from None
    missing = [path for path in found if not path.is_file()]
    if found and len(missing) == len(found):
        raise UsageError(f"there is no kubeconfig at {', '.join(map(str, missing))}; name one with --kubeconfig")
    return tuple(path for path in found if path not in missing)


def read(files: Sequence[Path], name: str) -> Context:
    """The context of that name; UsageError when there is none, listing the names that there are."""
    contexts = dict(_entries(files, "contexts", "context"))
    known = ", ".join(sorted(contexts)) or "none"
    if not name:
        raise UsageError(f"name the context with --context; the kubeconfig has: {known}")
    if name not in contexts:
        raise UsageError(f"the kubeconfig has no context {name!r}; it has: {known}")
    context = contexts[name]
    cluster, user = _text(context.get("cluster")), _text(context.get("user"))
    servers, users = dict(_entries(files, "clusters", "cluster")), dict(_entries(files, "users", "user"))
    server = _text(servers.get(cluster, {}).get("server"))
    if not server:
        raise UsageError(f"context {name}: the kubeconfig has no server for its cluster {cluster!r}")
    if not _is_url(server):
        raise UsageError(f"context {name}: the server of its cluster {cluster!r} is no URL, such as https://HOST:PORT")
    identity = users.get(user, {})
    plugin = identity.get("exec")
    command = _text(plugin.get("command")) if isinstance(plugin, Mapping) else ""
    namespace = _text(context.get("namespace"))
    return Context(
        name,
        cluster,
        user,
        server,
        namespace,
        plugin=command,
        expires=not_after(identity, files),
        proxy=_text(servers[cluster].get("proxy-url")),
        impersonation=impersonation(identity, name),
        token_file=_token_file(files, user, identity),
    )


def client(files: Sequence[Path], context: Context, folder: Path) -> ApiClient:
    """A client for the context; keys that must be files for it are kept in `folder`."""
    configuration = Configuration()
    try:
        # Without persist_config=False a refreshed token would be written into the user's own file.
        load_kube_config(
            os.pathsep.join(map(str, files)), context.name, configuration, persist_config=False, temp_file_path=folder
        )
    except (ConfigException, OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise TargetError(f"context {context.name}: its kubeconfig cannot be used", _told(error)) from None
    if context.plugin and not configuration.api_key and not configuration.cert_file:
        message = f"context {context.name}: its credential plugin {context.plugin} gives neither token nor certificate"
        raise TargetError(message, f"look: kubectl --context {context.name} auth can-i --list, or run it by hand")
    # A proxy of the kubeconfig holds whatever the environment says.
    configuration.proxy = context.proxy or from_environment(context.server)
    configuration.no_proxy = ""
    # Requests are repeated in requests.py instead, where a cancelled task ends that.
    configuration.retries = False
    if context.token_file:
        configuration.refresh_api_key_hook = reread(context.token_file)
    made = ApiClient(configuration)
    for header in context.impersonation:
        made.set_default_header(*header)
    return made


def _token_file(files: Sequence[Path], user: str, identity: Mapping[str, Any]) -> Path | None:
    """Where a user's token stands: relative to the file that has the user."""
    named = _text(identity.get("tokenFile"))
    if not named:
        return None
    owner = next(file for file in files if user in dict(_entries((file,), "users", "user")))
    return owner.parent / named


def _entries(files: Sequence[Path], section: str, key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """A section of all files; the first file to name something wins, so it comes last."""
    for file in reversed(files):
        listed = parse(_content(file), str(file)).get(section)
        for entry in reversed(listed if isinstance(listed, list) else []):
            if isinstance(entry, Mapping) and isinstance(entry.get(key), Mapping) and entry.get("name") is not None:
                yield _text(entry["name"]), entry[key]


def _content(file: Path) -> bytes:
    try:
        return read_file(file, LARGEST)
    except (OSError, ValueError) as error:
        raise UsageError(f"{file} cannot be read as a kubeconfig: {error}") from None


def parse(data: bytes, origin: str) -> Mapping[str, Any]:
    """A kubeconfig's content, bounded in depth and aliases; UsageError, which never quotes it: it holds keys."""
    try:
        content = only_document(data.decode().removeprefix("\ufeff"), origin)
    except ManifestError as error:
        raise UsageError(f"{error.problems[0].location}: this cannot be read as a kubeconfig in YAML") from None
    except ValueError:
        raise UsageError(f"{origin} is no kubeconfig: it is not one document in UTF-8") from None
    if content is not None and not isinstance(content, Mapping):
        raise UsageError(f"{origin} is no kubeconfig")
    return content or {}


def _text(value: Any) -> str:
    """A scalar as text; empty for anything that has parts."""
    return str(value) if isinstance(value, str | int | float) else ""


def _is_url(text: str) -> bool:
    try:
        return urlsplit(text).port != 0
    except ValueError:
        return False


def _told(error: Exception) -> str:
    """What the client says, up to where it quotes the file: it does so with whole users, tokens included."""
    text = str(error)
    return text if isinstance(error, OSError) else re.split("[{'\"]", text)[0].strip() or type(error).__name__
