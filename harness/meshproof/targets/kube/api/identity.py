"""Whom a kubeconfig's user acts as, where the Kubernetes client for Python does otherwise than kubectl.

That client does not read impersonation at all, and keeps a token that is written beside `tokenFile`, or was there when
it began. After k8s.io/client-go/tools/clientcmd/api/v1 (AuthInfo) and k8s.io/client-go/transport (round_trippers,
token_source).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kubernetes.client import Configuration

from meshproof.bounded import read_file
from meshproof.errors import UsageError

LARGEST_TOKEN = 1 << 20
# What RFC 9110 lets stand in a header's name, without the percent sign.
KEPT = "!#$&'*+-.^_`|~"


def impersonation(user: Mapping[str, Any], context: str) -> tuple[tuple[str, str], ...]:
    """The headers by which its requests are another account's; UsageError where they would be several of one name."""
    single = {"Impersonate-User": user.get("as"), "Impersonate-Uid": user.get("as-uid")}
    extra = user.get("as-user-extra")
    several = {"Impersonate-Group": user.get("as-groups")}
    for key, values in extra.items() if isinstance(extra, Mapping) else ():
        several[f"Impersonate-Extra-{quote(str(key), safe=KEPT)}"] = values
    headers = {name: str(value) for name, value in single.items() if value}
    for name, values in several.items():
        listed = [str(one) for one in values] if isinstance(values, list) else []
        if len(listed) > 1:
            raise UsageError(
                f"context {context}: its user impersonates with {len(listed)} values of {name}, and the Kubernetes "
                "client for Python sends one: name a context whose user has one at most"
            )
        headers |= {name: listed[0]} if listed else {}
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise UsageError(f"context {context}: its user impersonates by a value of {name} that no header can carry")
    return tuple(headers.items())


def reread(file: Path) -> Callable[[Configuration], None]:
    """What takes the token from a file before each request, for it is written anew; the last one where it is gone."""

    def refresh(configuration: Configuration) -> None:
        try:
            token = read_file(file, LARGEST_TOKEN).decode().strip()
        except (OSError, ValueError):
            return
        if token:
            names = list(configuration.api_key) or ["authorization"]
            configuration.api_key = dict.fromkeys(names, f"Bearer {token}")

    return refresh
