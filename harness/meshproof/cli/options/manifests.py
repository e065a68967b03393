"""The options of what is verified: one's own manifests, and how they are asked."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

import click

from meshproof.border.facts.provenance import Question
from meshproof.border.request import parse
from meshproof.cli.help.tree import documents_read
from meshproof.cli.options.recursive import RECURSIVE, widened
from meshproof.cli.options.shared import Settings
from meshproof.errors import UsageError
from meshproof.records import dataclass

if TYPE_CHECKING:
    from meshproof.run.verification.verification import Verification
    from meshproof.targets.base import Target

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Asked:
    """The values of these options."""

    spec: tuple[str, ...]
    applied: tuple[str, ...]
    requests: tuple[str, ...]
    namespace: str
    sender: str
    untouched: bool
    strict: bool
    thorough: bool
    allow_unproven: tuple[str, ...]
    cacert: str
    cert: str
    key: str

    @property
    def question(self) -> Question:
        """What of it is told about a run."""
        return Question(self.namespace, self.requests, self.sender, self.strict, self.thorough)


def of_manifests(*, required: bool = True) -> Callable[[Command], Command]:
    """Give a command these options; it receives them as one `asked`. Where not `required`, -f may be left out."""
    return lambda command: _given(command, required)


def _given(command: Command, required: bool) -> Command:
    def call(**values: Any) -> Any:
        return command(asked=Asked(**{one.name: values.pop(one.name) for one in fields(Asked)}), **values)

    call.__name__, call.__doc__ = command.__name__, command.__doc__
    call.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in reversed((_specification(required), RECURSIVE, *OPTIONS)):
        option(call)
    return call  # type: ignore[return-value]


def prepared(settings: Settings, asked: Asked) -> tuple[Target, Verification]:
    """The target, before anything is done with it, and what is driven on it; raises UsageError and ManifestError."""
    from meshproof.cli.options.client_tls import client_tls
    from meshproof.cli.options.targets import target_of
    from meshproof.run.verification.verification import prepare_verification

    if asked.untouched and asked.applied:
        raise UsageError("--no-apply takes what runs from the cluster, and --applied from files: give one of them")
    if asked.namespace and settings.target != "embedded" and not asked.untouched:
        raise UsageError("-n is for what runs already (--no-apply): else everything stands in the run's own namespace")
    tls = client_tls(asked.cacert, asked.cert, asked.key)
    target = target_of(settings, applying=not asked.untouched)
    if asked.sender and "AnyClient" not in target.features:
        raise UsageError("--from is for the embedded mesh: on a cluster the client is a pod of the run's own")
    verification = prepare_verification(
        asked.spec,
        asked.applied,
        tuple(parse(text) for text in asked.requests),
        settings.precision,
        namespace=asked.namespace or ("default" if asked.untouched else target.namespace),
        client=target.namespace if asked.untouched else asked.namespace,
        probed="ProbeWorkload" in target.features,
        proxyless="ProxylessWorkloads" in target.features,
        tls=tls,
        limits=target.unsupported,
        allowed=frozenset(asked.allow_unproven),
        strict=asked.strict,
        stdin=sys.stdin,
        sender=asked.sender,
        any_client="AnyClient" in target.features,
        thorough=asked.thorough,
        progress=documents_read,
    )
    return target, verification


def _specification(required: bool) -> Callable[[Command], Command]:
    return click.option(
        "-f",
        "--filename",
        "spec",
        type=click.Path(allow_dash=True),
        multiple=True,
        required=required,
        metavar="FILE|DIR|-",
        callback=widened,
        help="The specification: manifests that say what must happen (repeatable; - is standard input).",
    )


OPTIONS = (
    click.option(
        "--applied",
        type=click.Path(),
        multiple=True,
        metavar="FILE|DIR",
        callback=widened,
        help="What really runs, to find out how it differs from the specification (repeatable).  "
        "[default: the specification itself]",
    ),
    click.option(
        "--request",
        "requests",
        multiple=True,
        metavar="'[METHOD] URL [HEADER:VALUE ...]'",
        help="A request, a call of gRPC (grpc://HOST:PORT/SERVICE/METHOD), a WebSocket (ws://HOST:PORT/PATH) or a "
        "connection (tcp:// or tls://HOST:PORT), to verify (repeatable).  "
        "[default: one for each route, and many about the boundaries of its rules and where two of them overlap]",
    ),
    click.option(
        "-n",
        "--namespace",
        default="",
        metavar="NAME",
        help="Namespace of what names none.  [default: default; on a cluster the run's own]",
    ),
    click.option(
        "--from",
        "sender",
        default="",
        metavar="CLIENT",
        help="Who sends the requests within the mesh: NAMESPACE, NAMESPACE/WORKLOAD, or LABEL=VALUE,… "
        "(after NAMESPACE/).  [default: a client of -n without labels, and for each rule that is for others, one "
        "that it is for]",
    ),
    click.option(
        "--no-apply",
        "untouched",
        is_flag=True,
        help="Compare what a cluster runs already with the specification; only a client is added "
        "(with --target cluster).",
    ),
    click.option(
        "--strict",
        is_flag=True,
        help="Refuse, before anything is started, manifests of which anything is not read, not modelled or wrong.",
    ),
    click.option(
        "--thorough",
        is_flag=True,
        help="Leave nothing out: every probe, each of its shares to the tolerance, and policies that "
        "take minutes to show.",
    ),
    click.option(
        "--allow-unproven",
        multiple=True,
        metavar="KIND",
        help="A kind, such as EnvoyFilter, that need not be understood for a pass; the report says so (repeatable).",
    ),
    click.option(
        "--cacert",
        type=click.Path(),
        default="",
        metavar="FILE",
        help="The authority that a gateway's client trusts, in PEM.  "
        "[default: the certificate in the gateway's Secret]",
    ),
    click.option(
        "--cert",
        type=click.Path(),
        default="",
        metavar="FILE",
        help="The client's certificate, in PEM: without it a MUTUAL gateway is verified to refuse, and no further.",
    ),
    click.option(
        "--key",
        type=click.Path(),
        default="",
        metavar="FILE",
        help="Its private key, where that is not in the same file.",
    ),
)
