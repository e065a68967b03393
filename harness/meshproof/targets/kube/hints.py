"""Which command shows more after an error, and what kubectl's errors mean when it does not reach a cluster."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from meshproof.errors import TargetError
from meshproof.targets.kube.api.kubeconfig import Context

Shown = Callable[..., str]
"""kubectl's arguments as a command that may be typed (Kubectl.shown)."""

WEBHOOKS = "validatingwebhookconfigurations,mutatingwebhookconfigurations"
PLUGIN = re.compile(r"getting credentials|exec plugin")
EXPIRED = re.compile(r"certificate has expired or is not yet valid")
UNTRUSTED = re.compile(r"x509: |certificate signed by unknown authority")
UNREACHED = re.compile(
    r"connection refused|was refused - did you specify|no such host|no route to host|i/o timeout|Unable to connect"
)


def unnamed(*args: str) -> str:
    """A command of kubectl for the current context of whoever types it."""
    return " ".join(("kubectl", *args))


def refused(status: int, words: str, namespace: str = "") -> tuple[str, ...]:
    """kubectl's arguments that show more after a refusal; `namespace` is the one that the request was about."""
    where = ("--namespace", namespace) if namespace else ()
    if "failed calling webhook" in words:
        return ("get", WEBHOOKS)
    if status == 401:
        return ("config", "view", "--minify")
    if status == 403 and "is being terminated" in words:
        return ("get", "namespace", namespace, "-o", "yaml")
    if status == 403 and "exceeded quota" in words:
        return ("describe", "quota", *where)
    if status == 403:
        return ("auth", "can-i", "--list", *where)
    if status < 500 and namespace:
        return ("get", "all", *where)
    return ("cluster-info",)


def certificate(server: str) -> str:
    """A command that shows the certificate which an API server presents."""
    parts = urlsplit(server)
    address = f"{parts.hostname}:{parts.port or 443}"
    return f"openssl s_client -connect {address} </dev/null | openssl x509 -noout -subject -issuer -dates"


def obstacle(error: TargetError, context: Context, shown: Shown) -> TargetError:
    """The error of a kubectl that did not reach the context's cluster, with its cause."""
    said = error.detail
    lines = [said]
    if expired := expiry(context):
        what, look = "", shown("config", "view", "--minify")
        lines.append(expired)
    elif PLUGIN.search(said):
        of = f" {context.plugin}" if context.plugin else ""
        what, look = f"the credential plugin{of} of user {context.user} fails", shown("auth", "can-i", "--list")
    elif EXPIRED.search(said):
        what, look = "its certificate has expired, or the clock of this machine is wrong", certificate(context.server)
    elif UNTRUSTED.search(said):
        what, look = "its certificate is not one that the kubeconfig trusts", certificate(context.server)
    elif UNREACHED.search(said):
        what, look = "the API server cannot be reached", shown("cluster-info")
    else:
        what, look = "", shown("cluster-info")
    lines.append(f"look: {look}")
    return TargetError(f"{error.message}: {what}" if what else error.message, "\n".join(lines))


def expiry(context: Context) -> str:
    """A message where the context's client certificate has expired, which no refusal mentions; else empty."""
    now = datetime.datetime.now(datetime.UTC).isoformat()
    if not context.expires or context.expires > now:
        return ""
    return f"the client certificate of user {context.user} has expired on {context.expires}"
