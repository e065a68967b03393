"""The manifests that intents are about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from meshproof.border.request import Tls
from meshproof.border.source import source
from meshproof.border.verdict import Precision
from meshproof.manifest.load import Choice, Progress
from meshproof.mesh.requests.clients.sources import parsed
from meshproof.run.verification.specification import Limits, Specification, nothing_more, read


def specified(
    files: Sequence[str],
    *,
    namespace: str = "default",
    client: str = "",
    sender: str = "",
    precision: Precision | None = None,
    tls: Tls | None = None,
    probed: bool = True,
    limits: Limits = nothing_more,
    allowed: frozenset[str] = frozenset(),
    stand_ins: bool = True,
    thorough: bool = False,
    hosts: Sequence[str] = (),
    stdin: TextIO | None = None,
    choose: Choice | None = None,
    progress: Progress | None = None,
    contents: Sequence[tuple[str, bytes]] | None = None,
) -> Specification:
    """Read manifests; the arguments are those of prepare_verification. `hosts` are those that intents name.

    `contents` are files by their names that are read in place of `files`.
    """
    found, _, sources = read(
        files,
        (),
        namespace=namespace,
        stdin=stdin,
        stand_ins=stand_ins,
        asked=hosts,
        choose=choose,
        progress=progress,
        contents=contents,
    )
    own = source(client or namespace)
    if sender:
        own = parsed(sender, own.namespace, found.mesh)
    return Specification(
        tuple(files),
        found,
        found,
        precision or Precision(),
        own,
        tls,
        probed,
        limits,
        allowed,
        thorough,
        sources,
    )
