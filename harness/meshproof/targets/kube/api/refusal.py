"""What an API server's refusal, or the lack of an answer, means to a user."""

from __future__ import annotations

import re
import socket
import ssl
from typing import Any

import urllib3.exceptions as transport

from meshproof.bounded import read_json
from meshproof.errors import TargetError
from meshproof.targets.kube import hints
from meshproof.targets.kube.hints import Shown

TRANSIENT = frozenset({429, 503, 504})
SERVERS = "the certificate of"
IMMUTABLE = "field is immutable"
# A server-side apply with a field that the schema lacks is answered with 500, the field in the words alone.
UNDECLARED = "failed to create typed patch object"
FIELD = re.compile(r": \.(\S+): (.+)")


class UnreachableError(TargetError):
    """No answer came from the API server."""


class RefusedError(TargetError):
    """The API server refused a request.

    `status` is HTTP's, `reason` the Kubernetes one (`Forbidden`, `Conflict`, `Invalid`, `NotFound`,
    `AlreadyExists` …), `words` its message, `causes` the fields that it names, each with what is wrong with it.
    `after` is how many seconds it asks to wait before a repetition (Retry-After; 0: none).
    """

    after = 0.0

    def __init__(
        self, what: str, status: int, reason: str, words: str, causes: tuple[tuple[str, str], ...] = (), hint: str = ""
    ) -> None:
        super().__init__(f"{what}: {meaning(status, reason, words)}", "\n".join(part for part in (words, hint) if part))
        self.what = what
        self.status = status
        self.reason = reason
        self.words = words
        self.causes = causes

    @property
    def immutable(self) -> bool:
        """Whether it is about a field that no change can touch, such as a Deployment's selector."""
        return self.reason == "Invalid" and IMMUTABLE in self.words

    @property
    def about_the_object(self) -> bool:
        """Whether the object itself is refused: a field that is wrong, or an admission webhook that says so."""
        denied = "admission webhook" in self.words and "denied the request" in self.words
        return self.reason == "Invalid" or self.status in (400, 422) or UNDECLARED in self.words or denied


def refusal(
    what: str,
    status: int,
    body: bytes | str | None,
    hint: str = "",
    *,
    namespace: str = "",
    shown: Shown | None = None,
) -> RefusedError:
    """From an answer's status and body, which is a Kubernetes Status, or a page of some proxy.

    `shown` makes the hint: a command that shows more after such an answer about that namespace.
    """

    def hinted(words: str) -> str:
        return f"look: {shown(*hints.refused(status, words, namespace))}" if shown else hint

    text = body.decode(errors="replace") if isinstance(body, bytes) else body or ""
    try:
        answer: Any = read_json(text)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        return RefusedError(what, status, "", words := " ".join(text.split())[:500], (), hinted(words))
    details = answer.get("details")
    listed = details.get("causes") if isinstance(details, dict) else None
    causes = tuple(
        (str(cause.get("field", "")), str(cause.get("message", "")))
        for cause in listed or ()
        if isinstance(cause, dict)
    )
    words = str(answer.get("message") or "")
    if not causes and UNDECLARED in words and (named := FIELD.search(words)):
        causes = ((named[1], named[2]),)
    return RefusedError(what, status, str(answer.get("reason") or ""), words, causes, hinted(words))


def meaning(status: int, reason: str, words: str) -> str:
    """A refusal in a few words."""
    if "failed calling webhook" in words:
        return "an admission webhook of the cluster does not answer"
    if status == 401:
        return "the API server does not accept the credentials of this context"
    if status == 403 and "is being terminated" in words:
        return "the namespace is being deleted"
    if status == 403 and "exceeded quota" in words:
        return "a quota of the cluster does not allow it"
    if status == 403:
        return "forbidden to this user (docs/rbac.yaml lists what is needed)"
    if status == 404:
        return "not found"
    if reason == "AlreadyExists":
        return "it exists already"
    if reason == "Conflict" or status == 409:
        return "it was changed by somebody else"
    if status in (400, 422) or UNDECLARED in words:
        return "refused as invalid"
    return f"the API server answers {status}{f' ({reason})' if reason else ''}"


def unreachable(what: str, server: str, error: Exception, hint: str = "") -> UnreachableError:
    """From the exception that ended a request without an answer."""
    cause = _cause(server, error)
    if cause.startswith(SERVERS):
        hint = f"look: {hints.certificate(server)}"
    return UnreachableError(f"{what}: {cause}", "\n".join(part for part in (_words(error), hint) if part))


def _cause(server: str, error: Exception) -> str:
    root = _root(error)
    if isinstance(root, transport.SSLError | ssl.SSLError):
        words = str(root)
        if "certificate has expired" in words:
            return f"{SERVERS} {server} has expired"
        if "expired" in words:
            return f"{server} refuses the client certificate of this context: it has expired"
        if "self-signed" in words or "unable to get local issuer" in words:
            return f"{SERVERS} {server} is not of the authority that the kubeconfig names"
        if "doesn't match" in words or "mismatch" in words.lower():
            return f"{SERVERS} {server} is for another name"
        return f"there is no TLS connection to {server}"
    if isinstance(root, transport.NameResolutionError | socket.gaierror):
        return f"the name of {server} is not known here"
    if isinstance(root, transport.NewConnectionError | ConnectionRefusedError):
        return f"the API server at {server} cannot be reached"
    if isinstance(root, transport.ConnectTimeoutError | transport.ReadTimeoutError | TimeoutError):
        return f"the API server at {server} did not answer in time"
    return f"the connection to the API server at {server} broke"


def _root(error: BaseException) -> BaseException:
    """The error behind urllib3's count of tries."""
    while isinstance(error, transport.MaxRetryError) and error.reason is not None:
        error = error.reason
    return error


def _words(error: Exception) -> str:
    text = str(_root(error))
    return text.split(": ", 1)[1] if text.startswith("<") and ": " in text else text
